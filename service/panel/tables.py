"""Rows of the panel: what one doctor may see of one resident at a glance, sealed."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

panel_cards = Table(
    "panel_cards",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("practitioner_id", UuidBytes, primary_key=True),
    # The resident's counters when the card was made; a card behind either of them is made anew.
    Column("rev", BigInteger, nullable=False),
    Column("consent_revision", Integer, nullable=False),
    Column("sealed_card", LargeBinary, nullable=False),
    Index("ix_panel_cards_practitioner", "practitioner_id"),
    info={PROTECTED: "policy"},
)
