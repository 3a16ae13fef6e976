"""How deep JSON is nested, told before a parser goes down into it.

Python's parser uses up the interpreter's stack. It says so with an error that is easily caught, but
whatever else runs at that moment, like a finalizer of the garbage collection, fails as well.
"""

import re

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_OPENING, _BRACKETS = b"[{", b"[]{}"
_OTHERS = bytes(one for one in range(256) if one not in _BRACKETS)


def is_deeper(raw: bytes, limit: int) -> bool:
    """Whether a parser would find more than `limit` arrays and objects within each other.

    It may be told so of what is no JSON, too, and of JSON never wrongly.
    """
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _OTHERS):
        depth += 1 if bracket in _OPENING else -1
        if depth > limit:
            return True
    return False
