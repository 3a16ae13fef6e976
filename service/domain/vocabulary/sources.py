"""Reading the data files beside this package: once, from wherever the package is installed."""

import csv
import tomllib
from fractions import Fraction
from importlib.resources import files
from typing import Any


def text(name: str) -> str:
    """A data file as text."""
    return (files("service.domain.vocabulary") / "data" / name).read_text(encoding="utf-8")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file; lines that begin with `#` are its citation, not its data."""
    lines = [line for line in text(name).splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def table(name: str) -> dict[str, Any]:
    """A TOML file without its version line."""
    document = tomllib.loads(text(name))
    document.pop("version")
    return document


def version() -> str:
    """The edition that all files of the vocabulary carry; a test keeps them alike."""
    return str(tomllib.loads(text("units.toml"))["version"])


def exact(formula: str) -> Fraction:
    """A number written as products and one quotient, such as `1/18.016` or `50*0.52*0.789`."""
    above, _, below = formula.partition("/")
    return _product(above) / _product(below or "1")


def _product(factors: str) -> Fraction:
    result = Fraction(1)
    for factor in factors.split("*"):
        result *= Fraction(factor)
    return result
