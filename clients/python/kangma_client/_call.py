"""One request as a value, so that both clients send the same thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Call:
    """`repeatable` calls may be sent again after a failure; `signed_in` ones carry the token."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    signed_in: bool = True

    def query(self) -> dict[str, Any]:
        return {name: value for name, value in self.params.items() if value is not None}


def operation(name: str) -> Callable[[F], F]:
    """Mark the method that covers the operation `name` of openapi.yaml; a test counts them."""

    def mark(method: F) -> F:
        method.__dict__["operation"] = name
        return method

    return mark
