"""`kangma keys`: the life of the keys, never the keys."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from consent.vocabulary import DataClass
from service.cli.printing import Json, answer, console
from service.cli.rooms import open_house
from service.cli.secrets import asked
from service.jobs import renewal, rewrap, shred
from service.keys import actions, rotation
from service.keys.check import check as look
from service.keys.check import every_key
from service.keys.control import Control
from service.keys.keystore import SUITE_NAMES
from service.kit.errors import IntegrityBroken
from service.kit.settings import Settings

RENEWABLE = ("jwt",)
"""Receipts and releases must stay verifiable for years, so their keys are not taken out of use."""
Renewed = Annotated[str, typer.Argument(help="Which keys: jwt.")]

app = typer.Typer(no_args_is_help=True, help="Root key, keystore and data keys.")
operators = typer.Typer(no_args_is_help=True, help="Who confirms what cannot be undone.")
app.add_typer(operators, name="operator")

Resident = Annotated[UUID, typer.Option(help="The resident's id.")]
OneResident = Annotated[UUID | None, typer.Option(help="One resident only; everybody otherwise.")]
OneClass = Annotated[DataClass | None, typer.Option("--class", help="One class only.")]
Operator = Annotated[str, typer.Option(help="Your name; your secret is asked for.")]
Suite = Annotated[int, typer.Argument(min=1, max=2, help="1 AES-256-GCM, 2 SM4-GCM with SM3.")]
Vouchers = Annotated[list[str] | None, typer.Option(help="Two operators who vouch for a newcomer.")]
Internal = Annotated[
    bool, typer.Option(help="The owner's documents and policy instead of data classes.")
]


@app.command()
def check(json: Json = False) -> None:
    """Check the root key, the keystore and a sample of keyrings."""
    with open_house() as house:
        report = look(house.keystore)
        answer({**asdict(report), "sound": report.sound}, as_json=json)
        if not report.sound:
            raise IntegrityBroken


@app.command()
def verify(json: Json = False) -> None:
    """Open every keyring and every system key; name those that do not open."""
    with open_house() as house:
        report = every_key(house.keystore)
        answer({**asdict(report), "sound": report.sound}, as_json=json)
        if not report.sound:
            raise IntegrityBroken


@app.command()
def rotate(json: Json = False) -> None:
    """Begin a rotation of the root key, or take its next step; says what comes next."""
    with open_house() as house:
        wait = rotation.pause_of(house.settings.key_seconds)
        step = rotation.advance(house.keystore, now=house.clock(), wait=wait)
        told = {"zh": step.next.zh, "en": step.next.en}
        answer({**asdict(step), "next": told if json else step.next.en}, as_json=json)


@app.command("rewrap")
def rewrap_all(json: Json = False) -> None:
    """Wrap every key by the primary root key, or go on where a run was cut off."""
    with open_house() as house:
        last = _shown((asdict(one) for one in rewrap.run(house)), json)
        if last.get("broken"):
            raise IntegrityBroken


@app.command("suite")
def change_suite(number: Suite, json: Json = False) -> None:
    """Let new data keys be of this cipher suite, 1 or 2; what is sealed stays and still opens."""
    settings = Settings()
    keystore = actions.open_keystore(settings.kek_uri, settings.keys_url, data=settings.data)
    try:
        keystore.choose_suite(number)
    finally:
        keystore.close()
    answer({"suite": number, "name": SUITE_NAMES[number]}, as_json=json)


@app.command()
def renew(
    resident: OneResident = None,
    data_class: OneClass = None,
    internal: Internal = False,
    json: Json = False,
) -> None:
    """Begin the next epoch of data keys; new writes use it. Then: kangma keys reseal."""
    with open_house() as house:
        begun = renewal.begin(house, resident, data_class, internal=internal, now=house.clock())
        due = house.clock() + timedelta(seconds=house.settings.key_seconds)
        facts = {"begun": begun, "reseal_after": due.isoformat(timespec="seconds")}
        answer(facts, as_json=json)


@app.command()
def reseal(json: Json = False) -> None:
    """Seal old rows anew under renewed keys, and drop keys that no backup needs any more."""
    with open_house() as house:
        last = _shown((asdict(one) for one in renewal.reseal(house, now=house.clock())), json)
        if last.get("broken"):
            raise IntegrityBroken


@app.command("shred")
def shred_keys(resident: Resident, data_class: OneClass = None, json: Json = False) -> None:
    """Erase a person, or one class of theirs, for good; prints the signed receipt."""
    with open_house() as house:
        answer(shred.run(house, resident, data_class, now=house.clock()), as_json=json)


@app.command()
def destroy(version: int, operator: Operator, json: Json = False) -> None:
    """Destroy a retired root key version: one operator asks, another confirms within 24 hours."""
    secret = asked(f"Secret of {operator}: ")
    with open_house() as house:
        control = Control(house.keystore, house.system, house.passwords)
        ending = control.destroy(version, operator, secret, now=house.clock())
        told = {"zh": ending.next.zh, "en": ending.next.en}
        answer({**asdict(ending), "next": told if json else ending.next.en}, as_json=json)


@operators.command("add")
def add_operator(name: str, vouched_by: Vouchers = None, json: Json = False) -> None:
    """Add an operator. The third and later ones need two operators to vouch for them."""
    secret = asked(f"New secret of {name}: ")
    vouchers = {who: asked(f"Secret of {who}: ") for who in vouched_by or ()}
    with open_house() as house:
        control = Control(house.keystore, house.system, house.passwords)
        control.add_operator(name, secret, now=house.clock(), vouchers=vouchers)
        answer({"operator": name}, as_json=json)


def _shown(steps: Iterable[dict[str, Any]], as_json: bool) -> dict[str, Any]:
    """Every step as a line of JSON, or the last one for a person; returns the last."""
    last: dict[str, Any] = {}
    for last in steps:
        if as_json:
            answer(last, as_json=True)
    if not as_json:
        answer(last, as_json=False) if last else console.print("nothing to do")
    return last


@app.command("renew-signing")
def renew_signing(name: Renewed, json: Json = False) -> None:
    """Renew the keys that sign access tokens: the next one signs, the last one still verifies.

    Running processes take part without a restart: they know the next key beforehand, and look for
    a newer set every five minutes. Twice within that time is for a key that leaked: tokens of the
    key before last are refused then, wherever the new set has been read.
    """
    if name not in RENEWABLE:
        raise typer.BadParameter(f"one of: {', '.join(RENEWABLE)}")
    with open_house() as house:
        house.system.renew_signing_key(name)
        kids = {key.stage: key.kid for key in house.system.signing_keys(name)}
        answer(kids, as_json=json)
