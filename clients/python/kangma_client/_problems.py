"""What the service may refuse, one class for each problem type (RFC 9457).

KangmaError
|- TransportError          no answer came
`- Problem                 an answer that is a problem document
   |- BadRequest, Malformed, Invalid, TooLarge, UnsupportedMediaType, NotAcceptable
   |- Unauthenticated, StepUpRequired, Refused
   |- NotFound, MethodNotAllowed, Gone
   |- Conflict, Stale, PreconditionRequired
   |- RateLimited, Unavailable, Integrity
   `- ServerFault          anything the service did not expect
"""

from typing import Any


class KangmaError(Exception):
    """Base of every error of this package."""


class TransportError(KangmaError):
    """The service could not be reached, or its answer did not arrive whole."""


class Problem(KangmaError):
    """A refusal with its reason.

    `status` is the HTTP status, `code` the stable slug of the problem type, `rule` the id of the
    consent rule that decided (only on `Refused`), `faults` what is wrong where:
    `[{"pointer", "code", "detail"}]`.
    """

    code = "problem"

    def __init__(self, status: int, body: dict[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(body.get("code", type(self).code))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.rule: str | None = body.get("rule")
        self.faults: list[dict[str, str]] = list(body.get("errors", []))
        self.retry_after = retry_after
        super().__init__(self.detail or self.title or self.code)


class BadRequest(Problem):
    code = "bad-request"


class Malformed(Problem):
    code = "malformed"


class Invalid(Problem):
    code = "invalid"


class TooLarge(Problem):
    code = "too-large"


class UnsupportedMediaType(Problem):
    code = "unsupported-media-type"


class NotAcceptable(Problem):
    code = "not-acceptable"


class Unauthenticated(Problem):
    code = "unauthenticated"


class StepUpRequired(Problem):
    code = "step-up-required"


class Refused(Problem):
    """Policy said no; `rule` and `detail` say why."""

    code = "refused"


class NotFound(Problem):
    code = "not-found"


class MethodNotAllowed(Problem):
    code = "method-not-allowed"


class Gone(Problem):
    code = "gone"


class Conflict(Problem):
    code = "conflict"


class Stale(Problem):
    code = "stale"


class PreconditionRequired(Problem):
    code = "precondition-required"


class RateLimited(Problem):
    code = "rate-limited"


class Unavailable(Problem):
    code = "unavailable"


class Integrity(Problem):
    code = "integrity"


class ServerFault(Problem):
    code = "internal"


BY_CODE: dict[str, type[Problem]] = {
    kind.code: kind
    for kind in (
        BadRequest,
        Malformed,
        Invalid,
        TooLarge,
        UnsupportedMediaType,
        NotAcceptable,
        Unauthenticated,
        StepUpRequired,
        Refused,
        NotFound,
        MethodNotAllowed,
        Gone,
        Conflict,
        Stale,
        PreconditionRequired,
        RateLimited,
        Unavailable,
        Integrity,
        ServerFault,
    )
}


def problem_of(status: int, body: Any, retry_after: float | None = None) -> Problem:
    """The exception for an answer of status 400 or above; an unknown code becomes `Problem`."""
    document = body if isinstance(body, dict) else {}
    default = ServerFault if status >= 500 else Problem
    kind = BY_CODE.get(str(document.get("code")), default)
    return kind(status, document, retry_after)
