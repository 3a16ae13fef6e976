"""Rows of what contributions were made from: on the side of the person, one a resident."""

from sqlalchemy import Column, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

contribution_grounds = Table(
    "contribution_grounds",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    info={PROTECTED: "policy"},
    comment="A digest of what a contribution rests on and its last day, sealed by the service.",
)
"""Sealed and of one size: when a category may change tells of birthdays and of when somebody was
measured. It goes with the contribution."""
