"""What an operator is told when a command cannot be carried out: one sentence, never a traceback.

Nothing of an input, a row or an address is quoted; a setting is named, its value is not.
"""

from tomllib import TOMLDecodeError

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from consent.vocabulary import Text
from service.kit.errors import Invalid, ServiceError
from service.kit.settings import Settings

EXPECTED = (ServiceError, ValidationError, OperationalError, TOMLDecodeError)
"""What a deployment, its settings or an operator's input can bring about; all else is a bug."""

_NO_DATABASE = Text(
    "数据库没有应答或尚未建立：请检查 KANGMA_DATABASE_URL 与 KANGMA_KEYSTORE_URL，"
    "新部署先运行 kangma init。",
    "A database does not answer or was never made: look at KANGMA_DATABASE_URL and "
    "KANGMA_KEYSTORE_URL; a new deployment begins with kangma init.",
)
_NO_TOML = Text("kangma.toml 不是有效的 TOML。", "kangma.toml is not valid TOML.")


def sentence_of(error: Exception) -> Text:
    """The sentence for one of `EXPECTED`; raises anything that it is not meant for again."""
    match error:
        case Invalid():
            return _joined([fault.detail for fault in error.faults])
        case ServiceError():
            return error.sentence
        case ValidationError() if error.title == Settings.__name__:
            return _joined([_setting(each["loc"], each["msg"]) for each in error.errors()])
        case OperationalError():
            return _NO_DATABASE
        case TOMLDecodeError():
            return _NO_TOML
    raise error


def _setting(place: tuple[int | str, ...], why: str) -> Text:
    name = f"KANGMA_{str(place[0]).upper()}" if place else "KANGMA_..."
    return Text(f"设置 {name} 有误。", f"The setting {name} is wrong: {why}.")


def _joined(texts: list[Text]) -> Text:
    return Text("".join(each.zh for each in texts), " ".join(each.en for each in texts))
