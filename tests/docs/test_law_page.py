"""The page of laws names every clause the project answers to, and proofs that are there."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "law.md"
_ROW = re.compile(
    r"^\| (?P<clause>[^|]+) \| (?P<asks>[^|]+) \| (?P<kept>[^|]+) \| (?P<proof>[^|]+) \|$"
)
UNBUILT = ("the deployment's duty", "not built", "does not apply", "not reviewed")
"""What a row says in whose last column there is no proof."""

PIPL = [4, 6, *range(13, 18), *range(20, 27), *range(28, 32), *range(38, 58)]
GB35273 = ["5.2", "5.3", "5.4", "5.6", "6.1", "6.2", "6.3", "7.4", "7.6", "8.5", "9.7", "11.3"]
GB39725 = ["6.1", "6.2", "6.3", "6.4", "6.5", "10.2", "Annex G", "11.1", "11.2", "11.4", "11.5"]
REGULATION = ["12", "21", "22", "23", "24", "25", "28"]


class Row(NamedTuple):
    part: str
    clause: str
    kept: str
    proof: str


def rows() -> list[Row]:
    found, part = [], ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            part = line[3:]
        elif (row := _ROW.match(line)) and row["asks"] != "asks for" and set(row["asks"]) != {"-"}:
            found.append(Row(part, row["clause"], row["kept"], row["proof"]))
    return found


def clauses(part: str) -> set[str]:
    """The clauses of one law, with ranges spelled out."""
    found: set[str] = set()
    for row in rows():
        if not row.part.startswith(part):
            continue
        for one in row.clause.split(", "):
            first, _, last = one.partition("-")
            if last.isdigit():
                found |= {str(n) for n in range(int(first), int(last) + 1)}
            else:
                found.add(re.sub(r"\(\d+\)$", "", one))
    return found


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        ("PIPL", [str(number) for number in PIPL]),
        ("Network Data", REGULATION),
        ("GB/T 35273", GB35273),
        ("GB/T 39725", GB39725),
    ],
)
def test_every_clause_has_its_row(part: str, asked: list[str]) -> None:
    assert set(asked) <= clauses(part)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.part[:12]} {row.clause}")
def test_a_row_has_a_proof_or_says_whose_duty_it_is(row: Row) -> None:
    named = re.findall(r"`((?:tests|service|consent|clients)/[^`]*)`", row.kept + row.proof)
    assert all((ROOT / one).exists() for one in named)
    pages = re.findall(r"\]\(([^)#]+)\)", row.kept)
    assert all((PAGE.parent / one).exists() for one in pages)
    if row.proof.strip() == "-":
        assert any(words in row.kept for words in UNBUILT)
    else:
        assert any(one.startswith("tests/") for one in named)
