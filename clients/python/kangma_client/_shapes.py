"""Small shapings of what is sent."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4


def with_ids(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each record with an id of its own, so that sending it twice logs it once."""
    return [record if record.get("id") else {**record, "id": str(uuid4())} for record in records]
