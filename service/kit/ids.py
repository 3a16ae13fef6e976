"""Random identifiers: UUIDv4 only, because a v7 id in a stolen row would publish a time."""

from uuid import UUID, uuid4

ResidentId = UUID
PractitionerId = UUID


def new_id() -> UUID:
    return uuid4()


def parse_id(text: str) -> UUID | None:
    """A UUID in its canonical hyphenated form, or None."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
