"""Daily amounts of the Chinese dietary guideline 2022, and the five habits of that of 2019."""

from .catalogue import MODELS

MODEL = MODELS["cn_diet_2022"]
_P = MODEL.parameters
AMOUNTS: dict[str, list[float | None]] = _P["amounts"]
HABITS: dict[str, float] = _P["habits"]
IDEAL: int = _P["ideal_habits"]
SUGAR = "added_sugar_g"


def standing(food: str, amount: float) -> str:
    """`ok`, `below` or `above`; limits belong to the amount, save where the guideline says `<`."""
    low, high = AMOUNTS[food]
    if low is not None and amount < low:
        return "below"
    open_end = food in _P["below"]
    if high is not None and (amount > high or (open_end and amount == high)):
        return "above"
    return "ok"


def text(food: str, amount: float) -> str:
    """`standing`, and for sugar also where it stands to the better limit."""
    found = standing(food, amount)
    if food != SUGAR or found != "ok":
        return found
    limit, better = AMOUNTS[SUGAR][1], _P["added_sugar_better_below"]
    if amount < better:
        return "ok"
    side = "at" if amount == better else "above"
    return f"within <={limit}, {side} the better limit"


def water(sex: str, millilitres: float) -> str:
    return "below" if millilitres < _P["water_ml"][sex] else "ok"


def habits(
    *,
    vegetables_and_fruit: float | None,
    fish_week: float | None,
    soy: float | None,
    red_meat: float | None,
    tea_month: float | None,
) -> dict[str, bool]:
    """Which of the five are kept, of those that are known; grams a day unless named otherwise."""
    known = {
        "vegetables_fruit": _from(vegetables_and_fruit, "vegetables_fruit_g_from"),
        "fish": _from(fish_week, "fish_g_per_week_from"),
        "soy_products": _from(soy, "soy_products_g_from"),
        "red_meat": None if red_meat is None else red_meat < HABITS["red_meat_g_below"],
        "tea": _from(tea_month, "tea_g_per_month_from"),
    }
    return {name: kept for name, kept in known.items() if kept is not None}


def _from(amount: float | None, name: str) -> bool | None:
    return None if amount is None else amount >= HABITS[name]
