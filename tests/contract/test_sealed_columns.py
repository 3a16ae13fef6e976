"""Every column of bytes is either known to upkeep or said to hold no ciphertext.

A sealed column that upkeep does not know would never be verified, sealed anew or emptied.
"""

from sqlalchemy import LargeBinary

from service.migrations.draft import tables_of
from service.upkeep.columns import COLUMNS

KEYED_ELSEWHERE = {
    "access_reconciled.sealed",
    "access_tallies.sealed",
    "contribution_grounds.sealed",
    "contributions.sealed",
}
"""Sealed under keys of the service: tallies live a day and are opened by every reconciliation, the
marks of reconciled days by every look for one that is missing, grounds about a month by every
contributing run, and `verify` opens contributions by a way of its own."""
NOT_SEALED = {
    "access_buckets.hashes",
    "access_nodes.hash",
    "access_tree.edge",
    "access_heads.hash",
    "access_log.hash",
    "access_log.previous_hash",
    "challenges.digest",
    "clients.secret_hash",
    "contributions.pseudonym",
    "federated_logins.tag",
    "guardian_codes.hash",
    "guardianships.tag",
    "health_codes.code_hash",
    "latest.class_tag",
    "logins.tag",
    "passkeys.public_key",
    "passkeys.tag",
    "record_parts.class_tag",
    "record_parts.record_key",
    "recovery_codes.digest",
    "refresh_tokens.hash",
    "release_artifacts.csv",
    "release_artifacts.manifest",
    "release_artifacts.public_key",
    "release_node_keys.public_key",
    "release_pulled.csv",
    "release_pulled.manifest",
    "release_pulled.public_key",
    "release_specifications.source",
    "resident_state.epoch",
    "series_days.class_tag",
    "series_days.measure_tag",
    "sign_in_attempts.tag",
    "used_once.digest",
}
"""Digests, keyed tags, random numbers, public keys and published bytes."""


def test_every_column_of_bytes_is_accounted_for() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in tables_of("data").tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {column.name for column in COLUMNS}
    assert sealed | KEYED_ELSEWHERE <= found
    assert found - sealed - KEYED_ELSEWHERE - NOT_SEALED == set()
