"""Fictional residents with plausible, correlated histories. Nobody here exists.

The numbers are dice with sensible shapes, not epidemiology: age drives blood pressure and glucose,
weight drives both, habits drive weight, and each person drifts a little over two years. A seed
gives the same people every time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_F = "芳娜敏静丽娟霞秀玲桂英兰凤洁梅琳素云莲真环雪荣爱妹香月莺媛艳瑞凡佳嘉琼勤珍贞莉梦婷"
GIVEN_M = "伟强磊洋勇军杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林欢阳建国庆志文博"
ZONE = ZoneInfo("Asia/Shanghai")
Sex = Literal["female", "male"]


@dataclass
class Person:
    """One fictional resident: who they are, what they logged, what they agreed to."""

    login: str
    name: str
    sex: Sex
    birth_date: date
    region: str
    records: list[dict[str, Any]] = field(default_factory=list)
    steps: dict[date, list[int]] = field(default_factory=dict)
    contract: bool = False
    statistics: bool = False


@dataclass
class Body:
    """The hidden state that makes a history hang together."""

    age: float
    male: bool
    height: float
    bmi: float
    active: float
    salt: float
    smoker: str
    drinks: float
    pressure: float
    glucose: float
    cholesterol: float
    treated: bool
    diabetic: bool


def people(count: int, regions: list[str], today: date, *, seed: int = 1949) -> Iterator[Person]:
    """`count` residents spread over the community codes `regions`."""
    for number in range(count):
        dice = np.random.default_rng((seed, number))
        yield _person(number, regions, today, dice)


def _person(number: int, regions: list[str], today: date, dice: np.random.Generator) -> Person:
    male = bool(dice.random() < 0.5)
    age = float(np.clip(dice.normal(48, 17), 18, 92))
    given = GIVEN_M if male else GIVEN_F
    name = _pick(dice, SURNAMES) + "".join(_pick(dice, given) for _ in range(dice.integers(1, 3)))
    person = Person(
        login=f"1990000{number:04d}",
        name=name,
        sex="male" if male else "female",
        birth_date=today - timedelta(days=int(age * 365.2425)),
        region=regions[int(dice.integers(len(regions)))],
        contract=bool(dice.random() < (0.35 + 0.4 * (age > 60))),
        statistics=bool(dice.random() < 0.7),
    )
    body = _body(age, male, dice)
    person.records = list(_history(body, today, dice))
    if number % 10 == 0:
        person.steps = _steps(body, today, dice)
    return person


def _body(age: float, male: bool, dice: np.random.Generator) -> Body:
    active = float(np.clip(dice.normal(0.5, 0.25), 0, 1))
    salt = float(np.clip(dice.normal(8.5, 2.5), 3, 18))
    bmi = float(np.clip(dice.normal(24.6 - 2.2 * (active - 0.5) + 0.02 * (age - 45), 3.1), 17, 40))
    pressure = 98 + 0.45 * age + 1.25 * (bmi - 23) + 1.1 * (salt - 8) + dice.normal(0, 11)
    glucose = 4.6 + 0.012 * age + 0.07 * (bmi - 23) + dice.gamma(1.2, 0.45)
    smoker = "every day" if dice.random() < (0.42 if male else 0.03) else "never"
    if smoker == "never" and male and dice.random() < 0.2:
        smoker = "former"
    return Body(
        age=age,
        male=male,
        height=float(dice.normal(170.5 if male else 158.5, 6)),
        bmi=bmi,
        active=active,
        salt=salt,
        smoker=smoker,
        drinks=float(max(0, dice.normal(14 if male else 1, 12))),
        pressure=float(np.clip(pressure, 92, 205)),
        glucose=float(np.clip(glucose, 3.8, 16)),
        cholesterol=float(
            np.clip(dice.normal(4.7 + 0.05 * (bmi - 23) + 0.008 * age, 0.85), 2.6, 9)
        ),
        treated=bool(pressure > 142 and dice.random() < 0.5),
        diabetic=bool(glucose >= 7.2),
    )


def _history(body: Body, today: date, dice: np.random.Generator) -> Iterator[dict[str, Any]]:
    """About two dozen records over two years; the drift says whether things get better."""
    drift = float(dice.normal(0, 0.06))
    known = today - timedelta(days=int(dice.integers(800, 2500)))
    if body.treated:
        yield {
            **_at(known, 9, dice),
            "kind": "condition",
            "code": "hypertension",
            "status": "active",
        }
        yield {
            **_at(known, 10, dice),
            "kind": "medication",
            "code": "antihypertensive",
            "status": "active",
        }
    if body.diabetic:
        yield {
            **_at(known, 9, dice),
            "kind": "condition",
            "code": "diabetes_type_2",
            "status": "active",
        }
    if dice.random() < 0.12:
        yield {
            **_at(known, 11, dice),
            "kind": "family_history",
            "code": "ascvd",
            "status": "active",
        }
    for months in range(24, -1, -2):
        day = today - timedelta(days=months * 30 + int(dice.integers(0, 9)))
        trend = 1 + drift * (24 - months) / 24
        yield _home_reading(body, day, trend, dice)
        if months % 12 == 0:
            yield _check_up(body, day, trend, dice)
            yield _habits(body, day, trend, dice)


def _home_reading(body: Body, day: date, trend: float, dice: np.random.Generator) -> dict[str, Any]:
    treated = 0.9 if body.treated else 1.0
    systolic = int(np.clip(body.pressure * trend * treated + dice.normal(0, 5), 85, 230))
    diastolic = int(np.clip(systolic * 0.42 + 24 + dice.normal(0, 4), 50, systolic - 25))
    weight = round(body.bmi * trend * (body.height / 100) ** 2 + float(dice.normal(0, 0.4)), 1)
    values = {"systolic_bp": systolic, "diastolic_bp": diastolic, "body_weight": weight}
    return {
        **_at(day, 7, dice),
        "kind": "observation",
        "values": values,
        "source": _manual("家用血压计"),
    }


def _check_up(body: Body, day: date, trend: float, dice: np.random.Generator) -> dict[str, Any]:
    hdl = float(
        np.clip(1.55 - 0.025 * (body.bmi - 22) - 0.15 * body.male + dice.normal(0, 0.2), 0.6, 3)
    )
    total = round(body.cholesterol * trend, 2)
    values = {
        "body_height": round(body.height, 1),
        "waist_circumference": round(
            body.bmi * 2.55 + (25 if body.male else 20) + float(dice.normal(0, 3)), 1
        ),
        "total_cholesterol": total,
        "hdl_c": round(hdl, 2),
        "ldl_c": round(float(np.clip(total - hdl - 0.6, 0.8, 8)), 2),
        "triglycerides": round(float(np.clip(dice.lognormal(0.3, 0.4), 0.4, 9)), 2),
        "glucose_fasting": round(body.glucose * trend, 1),
        "resting_heart_rate": int(np.clip(dice.normal(74 - 8 * body.active, 7), 48, 110)),
    }
    if body.diabetic:
        values["hba1c"] = round(float(np.clip(3.2 + 0.5 * body.glucose * trend, 5, 13)), 1)
    return {
        **_at(day, 9, dice),
        "kind": "observation",
        "values": values,
        "source": _manual("年度体检"),
    }


def _habits(body: Body, day: date, trend: float, dice: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {
        "smoking_status": body.smoker,
        "exercise_days_week": int(
            np.clip(round(body.active * 7 + float(dice.normal(0, 0.7))), 0, 7)
        ),
        "moderate_activity_week": int(np.clip(body.active * 260 + dice.normal(0, 25), 0, 900)),
        "salt_intake": round(body.salt * trend, 1),
        "vegetable_intake": int(np.clip(dice.normal(280 + 120 * body.active, 90), 40, 900)),
        "fruit_intake": int(np.clip(dice.normal(150 + 100 * body.active, 80), 0, 700)),
        "alcohol_g_per_day": round(body.drinks, 1),
        "sleep_duration": int(np.clip(dice.normal(425, 55), 240, 640)),
    }
    return {
        **_at(day, 20, dice),
        "kind": "observation",
        "values": values,
        "source": _manual("生活方式问卷"),
    }


def _steps(body: Body, today: date, dice: np.random.Generator) -> dict[date, list[int]]:
    """Steps of each hour for the last four weeks."""
    shape = np.array([0] * 6 + [2, 8, 9, 5, 4, 5, 6, 4, 4, 4, 5, 9, 9, 7, 4, 2, 1, 0], float)
    mean = (2500 + 9000 * body.active) * shape / shape.sum()
    days = [today - timedelta(days=back) for back in range(28, 0, -1)]
    return {day: [int(n) for n in dice.poisson(mean * dice.uniform(0.5, 1.4))] for day in days}


def _at(day: date, hour: int, dice: np.random.Generator) -> dict[str, Any]:
    moment = datetime.combine(day, time(hour, int(dice.integers(60))), ZONE)
    return {"start": moment.isoformat()}


def _manual(name: str) -> dict[str, str]:
    return {"kind": "manual", "name": name}


def _pick(dice: np.random.Generator, letters: str) -> str:
    return letters[int(dice.integers(len(letters)))]
