"""Rows of policy as it was: who might do what with a resident's data, at every moment."""

from sqlalchemy import Column, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

policy_history = Table(
    "policy_history",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("row_id", UuidBytes, primary_key=True),
    Column("sealed_body", LargeBinary, nullable=False),
    info={PROTECTED: "policy"},
)
"""Rows are only ever added, one for each act on grants, contracts, deny-all and emergencies. What
changed, and when, is sealed; row ids are random, so even the order of the acts is not told."""
