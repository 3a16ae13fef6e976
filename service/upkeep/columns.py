"""Every sealed column of every table: where its ciphertexts are, and the place each is bound to.

A new sealed column is entered here; `tests/contract/test_sealed_columns.py` finds one that is not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, func

from service.appeals import body as appeals
from service.appeals.tables import appeals as appeals_table
from service.audit.tables import access_log
from service.contracts import actions as contracts_actions
from service.contracts import store as contracts
from service.contracts.tables import contracts as contracts_table
from service.emergencies import actions as emergencies_actions
from service.emergencies import store as emergencies
from service.emergencies.tables import emergency_sessions
from service.grants import body as grants_body
from service.grants import looks
from service.grants import store as grants
from service.grants.tables import grants as grants_table
from service.guardians import store as guardians
from service.guardians.tables import guardian_codes, guardianships
from service.history import store as history
from service.history.tables import policy_history
from service.keys.vault import Vault
from service.kit.sealed import Place
from service.notices import store as notices
from service.notices.tables import notices as notices_table
from service.panel import store as panel
from service.panel.tables import panel_cards
from service.prompts import store as prompts
from service.prompts.tables import latest, prompt_history, prompt_now
from service.records import parts, series
from service.records.days import Frame
from service.records.store import Part
from service.records.tables import record_parts, series_days
from service.requests import body as requests_body
from service.requests import store as requests
from service.requests.tables import consent_requests
from service.residents import actions as residents
from service.residents.tables import residents as residents_table

PlaceOf = Callable[[Vault, Any], Place]
Compare = Callable[[Vault, Any], object]


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One column of ciphertexts in a table that has a `resident_id`.

    `rev` names the column with the owner's counter, where there is one. `together` names columns
    whose rows are always written at once: all rows that agree in them must agree in `rev`.
    """

    table: Table
    column: Column[Any]
    place: PlaceOf
    rev: str | None = None
    together: tuple[str, ...] = ()
    anew: bool = True
    """False where something else covers the ciphertext's bytes, so it keeps its key for good."""
    kept: bool = False
    """True where an erasure empties the column and leaves the row."""
    more: tuple[ColumnElement[Any], ...] = ()
    """Further columns that the place is made of."""
    compare: Compare | None = None
    """Of a table of policy: opens a row as a decision would, `IntegrityBroken` where its clear
    columns are not what is sealed beside them."""

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"

    @property
    def keys(self) -> tuple[Column[Any], ...]:
        return tuple(self.table.primary_key.columns)


def _record(vault: Vault, row: Any) -> Place:
    key, tag = bytes(row.record_key), bytes(row.class_tag)
    return parts.place_of(row.resident_id, Part(key, tag, row.day, row.rev, False, b""))


def _series(vault: Vault, row: Any) -> Place:
    measure, tag = bytes(row.measure_tag), bytes(row.class_tag)
    frame = Frame(measure, row.day, row.frame_no, tag, row.rev, b"")
    return series.place_of(row.resident_id, frame, row.frames)


def _row(kind: Any, row: Any) -> Any:
    """A row of a table as its slice knows it."""
    return kind(**{name: row._mapping[name] for name in kind._fields})


def _frames() -> ColumnElement[int]:
    day = series_days.c
    return func.count().over(partition_by=[day.resident_id, day.measure_tag, day.day])


COLUMNS: tuple[SealedColumn, ...] = (
    SealedColumn(
        residents_table,
        residents_table.c.sealed_profile,
        lambda vault, row: residents.place_of(vault, row.resident_id, row.profile_rev),
        rev="profile_rev",
        kept=True,
    ),
    SealedColumn(record_parts, record_parts.c.sealed, _record, rev="rev", together=("record_key",)),
    SealedColumn(
        series_days,
        series_days.c.sealed,
        _series,
        rev="rev",
        together=("measure_tag", "day"),
        more=(_frames().label("frames"),),
    ),
    SealedColumn(
        latest,
        latest.c.sealed,
        lambda _, row: prompts.slot_place(row.resident_id, bytes(row.class_tag), row.rev),
        rev="rev",
    ),
    SealedColumn(
        prompt_now,
        prompt_now.c.sealed,
        lambda _, row: prompts.now_place(row.resident_id, row.rev),
        rev="rev",
    ),
    SealedColumn(
        prompt_history,
        prompt_history.c.sealed,
        lambda _, row: prompts.day_place(row.resident_id, row.day, row.rev),
        rev="rev",
    ),
    SealedColumn(
        panel_cards,
        panel_cards.c.sealed_card,
        lambda _, row: panel.place(row.resident_id, row.practitioner_id, row.rev),
        rev="rev",
    ),
    SealedColumn(
        grants_table,
        grants_table.c.sealed_body,
        lambda _, row: grants.place(row.resident_id, row.grant_id, row.version),
        compare=lambda vault, row: grants_body.opened(vault, _row(grants.GrantRow, row)),
    ),
    SealedColumn(
        contracts_table,
        contracts_table.c.sealed_body,
        lambda _, row: contracts.place(row.resident_id, row.contract_id, row.version),
        compare=lambda vault, row: contracts_actions.opened(
            vault, _row(contracts.ContractRow, row)
        ),
    ),
    SealedColumn(
        policy_history,
        policy_history.c.sealed_body,
        lambda _, row: history.place(row.resident_id, row.row_id),
    ),
    SealedColumn(
        guardianships,
        guardianships.c.sealed_body,
        lambda _, row: guardians.place(row.resident_id, row.guardianship_id, row.version),
    ),
    SealedColumn(
        guardian_codes,
        guardian_codes.c.sealed_body,
        lambda _, row: guardians.code_place(row.resident_id, bytes(row.hash)),
    ),
    SealedColumn(
        emergency_sessions,
        emergency_sessions.c.sealed_body,
        lambda _, row: emergencies.place(row.resident_id, row.session_id, row.version),
        compare=lambda vault, row: emergencies_actions.opened(
            vault, _row(emergencies.SessionRow, row)
        ),
    ),
    SealedColumn(
        notices_table,
        notices_table.c.sealed_body,
        lambda _, row: notices.place(row.resident_id, row.notice_id),
    ),
    SealedColumn(
        consent_requests,
        consent_requests.c.sealed_body,
        lambda _, row: requests.place(row.resident_id, row.request_id, row.version),
        compare=lambda vault, row: requests_body.opened(vault, _row(requests.RequestRow, row)),
    ),
    SealedColumn(
        appeals_table,
        appeals_table.c.sealed_body,
        lambda vault, row: appeals.place_of(vault, row.resident_id, row.appeal_id, row.version),
    ),
    SealedColumn(
        access_log,
        access_log.c.classes,
        lambda _, row: looks.place_of(row.resident_id, row.request_id),
        # The chain of hashes covers these bytes.
        anew=False,
    ),
)

DATA = tuple(one for one in COLUMNS if one.rev is not None)
"""What tells something of a person's health: an erasure removes it."""
