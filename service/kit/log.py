"""The log: one JSON object a line, holding kinds, ids and counts, never a value of a person.

The rule is kept by shape: `VALUE_KINDS` are the only Python types that pass, long text is cut,
and exceptions are logged by kind because their messages may repeat what a person wrote.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import structlog

VALUE_KINDS = (str, int, float, bool, type(None), UUID)
TEXT_LIMIT = 200


def _plain_only(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what is not an id, a kind or a count: a dict or an object may hold a record."""
    for name, value in list(event.items()):
        if isinstance(value, UUID):
            event[name] = str(value)
        elif not isinstance(value, VALUE_KINDS):
            event[name] = f"<{type(value).__name__}>"
        elif isinstance(value, str) and len(value) > TEXT_LIMIT:
            event[name] = value[:TEXT_LIMIT]
    return event


def configure(level: str = "info") -> None:
    """Send our own log, and warnings of libraries by logger and level only, to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _plain_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # Looked up at each call, so that a replaced standard error is honoured.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


log: Any = structlog.get_logger("kangma")
