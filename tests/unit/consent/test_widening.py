"""What is invented later is in no old grant.

A copy of the package is given one more word in its lists, the way a later release would, and asked
about a grant of everything that was known before. The same is asked of the words it knew, so that
a copy that refuses everything cannot pass.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import consent
from consent.vocabulary import Action, DataClass, GranteeKind, Purpose

PACKAGE = Path(consent.__file__).parent
# What a later release adds, and where: the last member of a list, and the table it needs a row in.
ADDED = {
    "class": (
        '    GENETIC = "genetic"\n',
        '    AURA = "aura"\n',
        "CLASSES: dict[DataClass, ClassTraits] = {\n",
        '    DataClass.AURA: ClassTraits(2, False, Text("气场", "Aura")),\n',
    ),
    "purpose": (
        '    EMERGENCY = "emergency"\n',
        '    AURA = "aura"\n',
        "PURPOSES: dict[Purpose, Text] = {\n",
        '    Purpose.AURA: Text("气场", "Aura"),\n',
    ),
    "action": ('    ERASE = "erase"\n', '    AURA = "aura"\n', "", ""),
}
SCRIPT = """
import json, sys
from datetime import UTC, datetime
from uuid import UUID
from consent.decide import decide
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import Action, ActorKind, DataClass, GranteeKind, Purpose

told = json.load(sys.stdin)
old = {kind: frozenset(map(made, told["old"][kind])) for kind, made in (
    ("class", DataClass), ("purpose", Purpose), ("action", Action))}
now = datetime(2026, 5, 4, tzinfo=UTC)
grants = [
    Grant(UUID(int=number), 1, Grantee(GranteeKind(kind), told["names"][kind]), old["purpose"],
          frozenset() if told["deny"] else old["class"], old["action"], None, None, now, None,
          old["class"], deny=told["deny"])
    for number, kind in enumerate(told["names"])
]
if told["deny"]:
    grants.append(Grant(UUID(int=99), 1, Grantee(GranteeKind.PRACTITIONER, "d"),
        frozenset(Purpose), frozenset(DataClass), frozenset(Action), None, None, now, None,
        frozenset(DataClass)))
facts = Facts("active", 1, True, True, False, True, emergency_since=None)
actor = Actor(ActorKind.PRACTITIONER, "d", 2, "c", frozenset({"nurse"}))
for asked in told["asked"]:
    request = AccessRequest(actor, UUID(int=5), Purpose(asked["purpose"]), Action(asked["action"]),
                            frozenset(map(DataClass, asked["class"])))
    decision = decide(request, grants, facts, now)
    print(json.dumps({"rule": decision.rule, "classes": sorted(decision.classes),
                      "withheld": dict(decision.withheld)}))
"""
NAMES = {
    kind: {"practitioner": "d", "clinic": "c", "role": "c:nurse"}.get(kind, "d")
    for kind in GranteeKind
}
CARE = {"purpose": "care", "action": "read", "class": ["body"]}


def later(folder: Path, kind: str) -> Path:
    """A copy of the package that knows one more word."""
    shutil.copytree(PACKAGE, folder / "consent", ignore=shutil.ignore_patterns("__pycache__"))
    place = folder / "consent" / "vocabulary.py"
    source = place.read_text("utf-8")
    last, member, table, row = ADDED[kind]
    assert source.count(last) == 1
    source = source.replace(last, last + member)
    if table:
        assert source.count(table) == 1
        source = source.replace(table, table + row)
    place.write_text(source, "utf-8")
    return folder


def answers(folder: Path, *asked: dict[str, Any], deny: bool = False) -> list[dict[str, Any]]:
    old = {"class": list(DataClass), "purpose": list(Purpose), "action": list(Action)}
    told = json.dumps({"old": old, "names": NAMES, "asked": asked, "deny": deny})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        input=told,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_new_class_is_in_no_old_grant(tmp_path: Path) -> None:
    both = {**CARE, "class": ["body", "aura"]}
    alone = {**CARE, "class": ["aura"]}
    known, mixed, new = answers(later(tmp_path, "class"), CARE, both, alone)
    assert known["classes"] == ["body"]
    assert (mixed["classes"], mixed["withheld"]) == (["body"], {"aura": "no-grant"})
    assert (new["rule"], new["classes"]) == ("no-grant", [])


@pytest.mark.parametrize("kind", ["purpose", "action"])
def test_a_new_purpose_or_action_is_in_no_old_grant(tmp_path: Path, kind: str) -> None:
    known, new = answers(later(tmp_path, kind), CARE, {**CARE, kind: "aura"})
    assert known["classes"] == ["body"]
    assert (new["rule"], new["classes"]) == ("no-grant", [])


def test_an_old_refusal_of_everything_closes_a_new_class_too(tmp_path: Path) -> None:
    alone = {**CARE, "class": ["aura"]}
    (new,) = answers(later(tmp_path, "class"), alone, deny=True)
    assert (new["rule"], new["classes"]) == ("explicit-deny", [])
