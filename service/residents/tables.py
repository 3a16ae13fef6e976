"""Rows of residents: who exists, and the counters every other statement leans on."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table, false

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

residents = Table(
    "residents",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("status", String(8), nullable=False),
    Column("sealed_profile", LargeBinary, nullable=True, info={PROTECTED: "data"}),
    Column("profile_rev", BigInteger, nullable=False, default=0),
    info={PROTECTED: "policy"},
)
"""`status` is active or erased; an erased resident's row stays as an empty shell with no profile.
There is no time in it: when somebody joined is nobody's business in a stolen database."""

resident_state = Table(
    "resident_state",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("consent_revision", Integer, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("epoch", LargeBinary(8), nullable=False),
    Column("deny_all", Boolean, nullable=False),
    Column("emergency_refused", Boolean, nullable=False, server_default=false()),
    info={PROTECTED: "policy"},
)
"""`consent_revision` rises with every change of policy, and every data statement asks for the one
its permit was made under. `rev` counts the resident's writes. `epoch` names the life of that
counter: a restored or renumbered store gets a new one, and old cursors end."""
