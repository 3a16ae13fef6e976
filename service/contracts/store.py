"""The only SQL on contracts."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from service.contracts.tables import contracts
from service.kit.sealed import Place, Sealed


class ContractRow(NamedTuple):
    resident_id: UUID
    contract_id: UUID
    practitioner_id: UUID
    active: bool
    version: int
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.contract_id, self.version))


_COLUMNS = tuple(contracts.c[name] for name in ContractRow._fields)
_IN_FORCE = select(contracts.c.contract_id).limit(1)


def place(resident: UUID, contract: UUID, version: int) -> Place:
    return Place("contracts", "body", resident, contract.bytes, revision=version)


def active(conn: Connection, resident: UUID) -> ContractRow | None:
    """The contract in force of a resident; there is at most one."""
    query = select(*_COLUMNS).where(contracts.c.resident_id == resident, contracts.c.active)
    row = conn.execute(query).one_or_none()
    return None if row is None else ContractRow(*row)


def of_resident(conn: Connection, resident: UUID) -> list[ContractRow]:
    query = select(*_COLUMNS).where(contracts.c.resident_id == resident)
    return [ContractRow(*row) for row in conn.execute(query)]


def in_force(conn: Connection, resident: UUID, practitioner: UUID) -> bool:
    """Whether this resident has signed with this practitioner and the contract has not ended."""
    query = _IN_FORCE.where(
        contracts.c.resident_id == resident,
        contracts.c.practitioner_id == practitioner,
        contracts.c.active,
    )
    return conn.execute(query).first() is not None


def ever(conn: Connection, resident: UUID, practitioner: UUID) -> bool:
    """Whether the two have ever signed, ended contracts included."""
    query = _IN_FORCE.where(
        contracts.c.resident_id == resident, contracts.c.practitioner_id == practitioner
    )
    return conn.execute(query).first() is not None


def panel_of(conn: Connection, practitioner: UUID) -> Sequence[UUID]:
    """The residents whose contract with this practitioner is in force."""
    query = select(contracts.c.resident_id).where(
        contracts.c.practitioner_id == practitioner, contracts.c.active
    )
    return conn.execute(query).scalars().all()


def signed_among(conn: Connection, residents: Sequence[UUID]) -> frozenset[UUID]:
    """Which of these residents have a contract in force with anybody."""
    query = select(contracts.c.resident_id).where(
        contracts.c.resident_id.in_(residents), contracts.c.active
    )
    return frozenset(conn.execute(query).scalars())


def add(conn: Connection, row: ContractRow) -> None:
    conn.execute(insert(contracts).values(**row._asdict()))


def end(conn: Connection, row: ContractRow) -> None:
    """Store the ended state of a contract that was active."""
    conn.execute(
        update(contracts)
        .where(
            contracts.c.resident_id == row.resident_id,
            contracts.c.contract_id == row.contract_id,
        )
        .values(active=False, version=row.version, sealed_body=row.sealed_body)
    )
