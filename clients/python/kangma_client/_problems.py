"""What the service may refuse, one class for each problem type (RFC 9457).

KangmaError
|- TransportError          no answer came
`- Problem                 an answer that is a problem document
   |- BadRequest, Malformed, Invalid, TooLarge, TooSlow, UnsupportedMediaType, NotAcceptable
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
    rule that decided and `advice` what can be done (only on `Refused`), `faults` what is wrong
    where: `[{"pointer", "code", "detail"}]`. `safety` is what the person must be told at once, in
    `zh` and `en`, where an answer to a questionnaire asks for it.
    """

    code = "problem"

    def __init__(self, status: int, body: dict[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(body.get("code", type(self).code))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.rule: str | None = body.get("rule")
        self.advice: str | None = body.get("advice")
        self.faults: list[dict[str, str]] = list(body.get("errors", []))
        self.safety: dict[str, str] | None = body.get("safety")
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


class TooSlow(Problem):
    code = "too-slow"


class UnsupportedMediaType(Problem):
    code = "unsupported-media-type"


class NotAcceptable(Problem):
    code = "not-acceptable"


class Unauthenticated(Problem):
    code = "unauthenticated"


class InvalidProof(Unauthenticated):
    """The proof of possession that came with a token is missing or not good (DPoP)."""

    code = "invalid-proof"


class StepUpRequired(Problem):
    code = "step-up-required"


class StrongerSignInRequired(StepUpRequired):
    """A password is not enough for this door: sign in with a passkey."""

    code = "stronger-sign-in-required"


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


class BadCursor(BadRequest):
    code = "bad-cursor"


class UnknownMeasure(BadRequest):
    code = "unknown-measure"


class UnknownParameter(BadRequest):
    code = "unknown-parameter"


class UnknownValue(BadRequest):
    code = "unknown-value"


class UnsupportedGrantType(BadRequest):
    code = "unsupported-grant-type"


class BadText(Malformed):
    code = "bad-text"


class DuplicateMember(Malformed):
    code = "duplicate-member"


class NotFinite(Malformed):
    code = "not-finite"


class NotJson(Malformed):
    code = "not-json"


class NotUtf8(Malformed):
    code = "not-utf8"


class TooDeep(Malformed):
    code = "too-deep"


class InvalidCredentials(Unauthenticated):
    code = "invalid-credentials"


class NoOutlines(NotFound):
    code = "no-outlines"


class AlreadySigned(Conflict):
    code = "already-signed"


class AlreadyWithdrawn(Conflict):
    code = "already-withdrawn"


class AlreadyAnswered(Conflict):
    code = "already-answered"


class EmergencyOpen(Conflict):
    code = "emergency-open"


class AppealOpen(Conflict):
    """There is an appeal about the same thing that waits for an answer."""

    code = "appeal-open"


class OnlyGuardian(Conflict):
    """Nobody else could act for the child."""

    code = "only-guardian"


class TooMany(Conflict):
    code = "too-many"


BY_CODE: dict[str, type[Problem]] = {
    kind.code: kind
    for kind in (
        BadRequest,
        Malformed,
        Invalid,
        TooLarge,
        TooSlow,
        UnsupportedMediaType,
        NotAcceptable,
        Unauthenticated,
        InvalidProof,
        StepUpRequired,
        StrongerSignInRequired,
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
        BadCursor,
        UnknownMeasure,
        UnknownParameter,
        UnknownValue,
        UnsupportedGrantType,
        BadText,
        DuplicateMember,
        NotFinite,
        NotJson,
        NotUtf8,
        TooDeep,
        InvalidCredentials,
        NoOutlines,
        AlreadySigned,
        AlreadyWithdrawn,
        AlreadyAnswered,
        EmergencyOpen,
        AppealOpen,
        OnlyGuardian,
        TooMany,
    )
}


def problem_of(status: int, body: Any, retry_after: float | None = None) -> Problem:
    """The exception for an answer of status 400 or above; an unknown code becomes `Problem`."""
    document = body if isinstance(body, dict) else {}
    default = ServerFault if status >= 500 else Problem
    kind = BY_CODE.get(str(document.get("code")), default)
    return kind(status, document, retry_after)
