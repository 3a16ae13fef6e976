"""What the text of a statement tells of the protected tables it touches, for PostgreSQL.

It errs on the side of refusal: a name counts wherever it stands, in comments and strings too, and
what can hide a name (escapes in identifiers, code that makes code) is refused outright. What no
text tells (a view, a function) wall 4 sees in the database itself.
"""

import re

from service.kit.guard import Need, Protection

_WORD = re.compile(r"[a-z_][a-z0-9_$]*")
_HIDING = re.compile(
    # Identifiers with escapes; statements made of strings; functions that read any table by name.
    r"""u&["']|\b(execute|prepare|dblink\w*|\w+_to_xml\w*|lo_\w+|pg_read_\w+|set_config"""
    r"""|ts_stat|ts_rewrite)\b"""
    r"|(^|;)\s*(do|set|reset|copy|call|load)\b",
)
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_COPYING = re.compile(r"\bas[\s(]+(table|select|with|values|execute)\b")
_PLAIN = re.compile(r"\s*(create (unique )?(table|index)|comment on|alter table|drop table)\b")
_SHAPING = re.compile(
    r"\b(alter|drop|truncate|copy|create|grant|revoke|lock|vacuum|cluster)\b",
)
_LOG_ROWS = re.compile(r"\s*insert into \"?(\w+)\"?[^;]*$")


def need_of(text: str, protection: Protection) -> Need:
    """What a statement with this text needs."""
    lowered = text.lower()
    hides = _HIDING.search(lowered) or _HIDING.search(_COMMENT.sub(" ", lowered))
    need = Need.CROSSING if hides and not _innocent(lowered) else Need.NOTHING
    kinds = protection.tables()
    words = set(_WORD.findall(lowered))
    for table in kinds.keys() & words:
        need |= _touching(lowered, words, table, kinds[table], protection)
    return need


def _innocent(lowered: str) -> bool:
    """Settings of the session that our own plumbing and the driver make, one a statement."""
    return _SETTING.fullmatch(lowered) is not None


_SETTING = re.compile(
    r"\s*(set (local )?(lock_timeout|statement_timeout)\s*=\s*'?\w+'?"
    r"|set transaction isolation level [\w ]+)\s*;?\s*"
)


def _touching(lowered: str, words: set[str], table: str, kind: str, protection: Protection) -> Need:
    if _PLAIN.match(lowered) and not words & {"select", "rename"} and _is_one(lowered):
        # Shapes show no rows; only migrations and the rooms of tests make them, wall 4 or not.
        made = lowered.lstrip().startswith(("create", "comment"))
        return Need.NOTHING if made else Need.CROSSING
    if _SHAPING.search(lowered):
        return Need.CROSSING
    if kind == "log":
        rows = _LOG_ROWS.match(lowered)
        # A log that is named once is added to and not read; what else is named is judged itself.
        alone = _WORD.findall(lowered).count(table) == 1
        if rows and rows[1] == table and alone and "update" not in words:
            return Need.NOTHING
        if words & {"update", "delete", "insert"}:
            return Need.CROSSING
        told = _whole_rows(lowered, table) or bool(protection.told_columns(table) & words)
        return Need.PERMIT if told else Need.NOTHING
    if kind == "policy":
        closed = protection.closed_columns(table)
        opened = bool(closed & words) or (bool(closed) and _whole_rows(lowered, table))
        return Need.PERMIT if opened else Need.ASKED
    return Need.PERMIT


def _is_one(lowered: str) -> bool:
    """Whether a text is one statement that makes a shape and fills it with no rows.

    Where a backslash may end a string sooner or later than it seems, nobody knows.
    """
    bare = _COMMENT.sub(" ", _TEXT.sub("''", lowered))
    return not ("\\" in lowered or ";" in bare.rstrip("; \n") or _COPYING.search(bare))


def _whole_rows(lowered: str, table: str) -> bool:
    """Whether rows of a table may be meant as a whole, by `*`, by name or by another name."""
    text = _COMMENT.sub(" ", lowered)
    if "*" in lowered or re.search(rf'\btable\s+(only\s+)?("?public"?\.)?"?{table}\b', text):
        return True
    there = rf'(?:"?public"?\s*\.\s*)?"?\b{table}\b"?'
    named = re.compile(
        rf'(?:\b(?:from|join|into|update|only|of)\s+){there}(?:\s+(?:as\s+)?"?(\w+)"?)?'
    )
    others = {found[1] for found in named.finditer(text) if found[1]} - _NO_NAME
    # A name that stands without a column, other than where the table is taken from.
    rest = named.sub(lambda found: "" if found[1] not in _NO_NAME else f" {found[1]}", text)
    return any(re.search(rf'(?<![\w.])"?{one}"?(?![\w"]|\s*\.)', rest) for one in {table, *others})


_NO_NAME = {
    *("where", "order", "group", "having", "limit", "offset", "fetch", "for", "window", "on"),
    *("join", "inner", "left", "right", "full", "cross", "natural", "using", "union", "except"),
    *("intersect", "set", "values", "select", "default", "returning", "tablesample", "as"),
}
"""Words that may follow the name of a table and are no other name for it."""
