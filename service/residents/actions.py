"""Use cases of a resident's own file: begin it, read and amend the profile, close it for good."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass, Text
from service.domain.regions import RegionTree
from service.keys.vault import Vault
from service.kit import guard
from service.kit.clock import CITY_ZONE, city_day
from service.kit.errors import Fault, Invalid
from service.kit.sealed import Place, Sealed
from service.residents import store
from service.residents.profile import ZONES, normal_name, read, spelled
from service.residents.profile import Profile as Profile

AMENDABLE = frozenset({"name", "birth_date", "sex", "region", "zone", "language", "contact"})


def checked(profile: Profile, regions: RegionTree, now: datetime) -> Profile:
    """The profile in normal form, or `Invalid` with every fault."""
    profile = replace(profile, name=normal_name(profile.name))
    zone = ZoneInfo(profile.zone) if profile.zone in ZONES else CITY_ZONE
    faults = profile.faults(city_day(now, zone))
    if profile.region not in regions:
        faults.append(Fault("/region", "unknown-region", _NO_REGION))
    if faults:
        raise Invalid(faults)
    return profile


_NO_REGION = Text("没有这个区划。", "There is no such region.")


def begin(conn: Connection, resident: UUID) -> None:
    """Open an empty file. In the same transaction `register` seals the profile into it."""
    guard.ask(conn, resident)
    store.begin(conn, resident)


def register(conn: Connection, vault: Vault, permit: Permit, *, profile: Profile) -> None:
    """Seal the first profile, checked before, into a file that `begin` opened."""
    _keep(conn, vault, permit, profile, store.advance(conn, permit))


def profile(conn: Connection, vault: Vault, permit: Permit) -> Profile:
    """The profile, for whoever holds a permit on the class."""
    return opened(vault, permit, store.profile(conn, permit))


def opened(vault: Vault, permit: Permit, row: store.ProfileRow) -> Profile:
    """The profile of a stored row."""
    place = place_of(vault, permit.subject, row.profile_rev)
    return read(vault.open(Sealed(row.sealed_profile, place), permit))


def amend(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    changes: Mapping[str, Any],
    regions: RegionTree,
    now: datetime,
) -> Profile:
    """Change some members (`AMENDABLE`) and keep the rest; the profile as it now stands."""
    # The row first: what somebody else changes at this moment is in what is read, or comes later.
    rev = store.advance(conn, permit)
    before = profile(conn, vault, permit)
    after = checked(replace(before, **changes), regions, now)
    if after == before:
        store.step_back(conn, permit)
    else:
        _keep(conn, vault, permit, after, rev)
    return after


def automate(
    conn: Connection, vault: Vault, permit: Permit, *, on: bool
) -> tuple[Profile, int | None]:
    """Let levels be assessed by rule, or not. Everything else stays as it was once checked.

    The profile as it now stands, and the revision taken for the change; None when it was so
    already.
    """
    rev = store.advance(conn, permit)
    before = profile(conn, vault, permit)
    if before.automation is on:
        store.step_back(conn, permit)
        return before, None
    after = replace(before, automation=on)
    _keep(conn, vault, permit, after, rev)
    return after, rev


def erase(conn: Connection, permit: Permit) -> None:
    """Empty the file and void every permit on it. The keys are destroyed after the commit."""
    store.advance(conn, permit)
    store.empty(conn, permit.subject)


def close(conn: Connection, resident: UUID) -> None:
    """Empty the file of somebody whose keys are gone already."""
    store.empty(conn, resident)


def _keep(conn: Connection, vault: Vault, permit: Permit, profile: Profile, rev: int) -> None:
    place = place_of(vault, permit.subject, rev)
    sealed = vault.seal(permit, DataClass.PROFILE, place, spelled(profile))
    store.keep_profile(conn, permit.subject, sealed.data, rev)


def place_of(vault: Vault, resident: UUID, rev: int) -> Place:
    tag = vault.class_tag(resident, DataClass.PROFILE)
    return Place(
        "residents", "sealed_profile", resident, resident.bytes, class_tag=tag, revision=rev
    )
