"""Sign-in names and passwords: one form for one name, and limits that say why."""

import re
import unicodedata

from consent.vocabulary import Text
from service.kit import passwords
from service.kit.errors import Fault

NAME_LIMIT = 100
_MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})")
_SEPARATORS = re.compile(r"[\s\-().]")


def normal_login(text: str) -> str:
    """NFKC, no blanks around, lower case; a Chinese mobile number in any spelling is +86 form.

    13800138000, "138 0013 8000", +86-138-0013-8000 and full-width digits are one person's name.
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    mobile = _MOBILE.fullmatch(_SEPARATORS.sub("", name))
    return f"+86{mobile[1]}" if mobile else name


def faults(login: str, password: str) -> list[Fault]:
    """What is wrong with a wished name and password."""
    found = []
    if not 1 <= len(normal_login(login)) <= NAME_LIMIT:
        found.append(Fault("/login", "wrong-length", _LOGIN))
    return found + password_faults(password)


def password_faults(password: str, pointer: str = "/password") -> list[Fault]:
    """What is wrong with a wished password, which stands at `pointer`."""
    if passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        return []
    return [Fault(pointer, "wrong-length", _PASSWORD)]


_LOGIN = Text("登录名应为 1 至 100 个字符。", "The login must have 1 to 100 characters.")
_PASSWORD = Text("密码应为 8 至 256 个字符。", "The password must have 8 to 256 characters.")
