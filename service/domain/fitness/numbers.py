"""Results and scores as integers of hundredths: binary floats turn 84.35 into 84.3."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

Number = int | float | Decimal


def exact(value: Number) -> Decimal:
    """The decimal number as it was written: `repr` of a float is the shortest that reads back."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def hundredths(value: Number, rounding: str = ROUND_HALF_UP) -> int:
    """`value` in hundredths; what is finer is rounded."""
    return int((exact(value) * 100).to_integral_value(rounding))


def no_better(value: Number, *, higher: bool) -> int:
    """`value` in hundredths; what is finer is rounded to the worse side, never in one's favour."""
    return hundredths(value, ROUND_FLOOR if higher else ROUND_CEILING)


def up_to_tenth(value: Number) -> int:
    """A hand-timed result: a second decimal that is not zero counts as the next tenth."""
    return hundredths(exact(value).quantize(Decimal("0.1"), ROUND_CEILING))


def nearest_tenth(value: Number) -> int:
    """`value` to one decimal half up, in one rounding: 18.145 is 18.1, and 18.15 is 18.2."""
    return hundredths(exact(value).quantize(Decimal("0.1"), ROUND_HALF_UP))


def to_tenth(value: int) -> int:
    """Hundredths rounded half up to a whole tenth, still in hundredths. For values from 0 up."""
    return (value + 5) // 10 * 10


def bmi_to_tenth(weight: Number, height: Number) -> int:
    """kg/m^2 of kilograms and centimetres, half up to one decimal, in hundredths."""
    kilograms, square = hundredths(weight), hundredths(height) ** 2
    return (kilograms * 2 * 10**7 + square) // (2 * square) * 10


def bmi_floor(weight: Number, height: Number) -> int:
    """kg/m^2 in hundredths, cut: on the same side of every printed bound as the exact quotient."""
    return hundredths(weight) * 10**8 // hundredths(height) ** 2


def step_index(seconds: int, pulses: tuple[int, int, int]) -> int:
    """Index of the step test in hundredths, to one decimal, from three 30-second pulse counts.

    The factor 2 makes beats a minute of them; without it no living pulse meets the bounds.
    """
    beats = 2 * sum(pulses)
    return (seconds * 2000 + beats) // (2 * beats) * 10


def spelled(value: int, precision: int) -> str:
    """Hundredths as people write the result, with at least `precision` decimals."""
    text = f"{Decimal(value) / 100:.2f}"
    while text[-1] == "0" and len(text) - text.index(".") - 1 > precision:
        text = text[:-1]
    return text.rstrip(".")
