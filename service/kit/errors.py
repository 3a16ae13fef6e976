"""What can go wrong, said without HTTP: `service.api.problems` alone knows status codes.

No error carries an input value: a detail names the place and the rule, never what was sent.
"""

from dataclasses import dataclass

from consent.vocabulary import Text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one place of an input. `pointer` is an RFC 6901 JSON pointer."""

    pointer: str
    code: str
    detail: Text


class ServiceError(Exception):
    """Base of every error a person may be told of. `code` is the slug of the problem type."""

    code = "error"
    sentence = Text("出现错误。", "Something went wrong.")
    pointer: str | None = None
    """The one place of the request that is at fault, where there is one."""
    safety: Text | None = None
    """What the person must be told at once, whatever becomes of the request."""

    def __init__(
        self, sentence: Text | None = None, *, code: str | None = None, pointer: str | None = None
    ) -> None:
        if sentence is not None:
            self.sentence = sentence
        if code is not None:
            self.code = code
        if pointer is not None:
            self.pointer = pointer
        super().__init__(self.code)


class Invalid(ServiceError):
    """The request is well-formed JSON but says something that cannot be."""

    code = "invalid"
    sentence = Text("请求内容有误。", "The request has faults.")

    def __init__(self, faults: list[Fault], sentence: Text | None = None) -> None:
        super().__init__(sentence)
        self.faults = faults


class Malformed(ServiceError):
    """The bytes are not an acceptable JSON document."""

    code = "malformed"
    pointer = ""
    sentence = Text("请求不是可接受的 JSON。", "The request is not acceptable JSON.")


class BadRequest(ServiceError):
    """A parameter of the request line is wrong or unknown."""

    code = "bad-request"
    sentence = Text("请求参数有误。", "A request parameter is wrong.")


class TooLarge(ServiceError):
    code = "too-large"
    sentence = Text("请求过大。", "The request is too large.")


class TooSlow(ServiceError):
    code = "too-slow"
    sentence = Text("请求内容传输过慢。", "The body took too long to arrive.")


class Unsupported(ServiceError):
    """The content type or content encoding of the body is not one the service reads."""

    code = "unsupported-media-type"
    sentence = Text("不支持的内容类型或编码。", "The content type or encoding is not supported.")


class Unauthenticated(ServiceError):
    code = "unauthenticated"
    sentence = Text("请先登录。", "Please sign in first.")
    challenge = 'Bearer realm="kangma", error="invalid_token"'


class ProofRefused(Unauthenticated):
    """A token bound to a key came without a good proof that the sender holds it (RFC 9449)."""

    code = "invalid-proof"
    sentence = Text("持有证明无效或缺失。", "The proof of possession is missing or not valid.")
    challenge = 'DPoP realm="kangma", error="invalid_dpop_proof", algs="EdDSA ES256"'


class StepUpRequired(ServiceError):
    """The caller must prove themselves again (within five minutes) for this act."""

    code = "step-up-required"
    sentence = Text("此操作需要重新验证身份。", "This needs a fresh sign-in.")
    challenge = (
        'Bearer realm="kangma", error="insufficient_user_authentication", '
        'error_description="A fresh sign-in is needed", max_age="300"'
    )
    """What RFC 9470 tells a client, beside the 403 that says the token itself is good."""


class StrongerSignInRequired(StepUpRequired):
    """The caller proved themselves with too little for this door: a passkey is needed."""

    code = "stronger-sign-in-required"
    sentence = Text("请使用通行密钥登录。", "Please sign in with a passkey.")
    challenge = (
        'Bearer realm="kangma", error="insufficient_user_authentication", '
        'error_description="A stronger sign-in is needed", acr_values="2"'
    )


class Refused(ServiceError):
    """Policy said no. `rule` is the id of the rule that decided, `advice` what can be done.

    Rules of `consent` bring advice of their own, so only others name it here.
    """

    code = "refused"
    sentence = Text("没有权限。", "You may not do this.")

    def __init__(self, rule: str, sentence: Text, advice: Text | None = None) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.advice = advice


class NotFound(ServiceError):
    """Not there, or not for you: the two look alike."""

    code = "not-found"
    sentence = Text("没有找到。", "Not found.")


class Conflict(ServiceError):
    code = "conflict"
    sentence = Text("与现有内容冲突。", "This conflicts with what is there.")


class Stale(ServiceError):
    """If-Match names an older state."""

    code = "stale"
    sentence = Text("内容已被更新，请先取回最新版本。", "It has changed since you read it.")


class PreconditionMissing(ServiceError):
    code = "precondition-required"
    sentence = Text("需要 If-Match 请求头。", "An If-Match header is needed.")


class Gone(ServiceError):
    code = "gone"
    sentence = Text("已不存在。", "It no longer exists.")


class IntegrityBroken(ServiceError):
    """A ciphertext does not belong where it was found, or was altered."""

    code = "integrity"
    sentence = Text("数据完整性校验失败。", "Stored data failed its integrity check.")


class Unavailable(ServiceError):
    code = "unavailable"
    sentence = Text("服务暂时不可用。", "The service is not available just now.")


class RateLimited(ServiceError):
    code = "rate-limited"
    sentence = Text("请求过于频繁。", "Too many requests.")

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
