"""What a thief of both databases counts of each resident: everything is read from the files alone.

Rows are a resident's where a cell of theirs equals one that is known to be theirs and nobody
else's, followed from table to table: ids, tags, hashes and whatever else is equal.
"""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple
from uuid import UUID

SHOWN = 8
"""So many of the largest groups of equal cells, and of the newest places, are told one by one."""
STEPS = 3
"""How far equality is followed: from a resident to a session, to its review, and so on."""
LINKING = range(8, 65)
"""Lengths of bytes that name a row in another table: tags, ids and hashes, no ciphertext."""
FEW = 8
"""Of smaller groups nobody's standing is told."""
WORD = re.compile(r"[a-z_:-]{1,40}")
"""What stands in clear as a word of ours: an action, a rule, a purpose, a status."""
SHIFTED = ("day", "due")
"""Columns moved by a secret number of days: only the spans and gaps of them mean something."""
ORDER = "leaf"
"""Numbers the entries of everybody, as places number rows: told in eighths."""
TOGETHER = "request_id"
"""Entries that have it in common were added at once; who stands where among them is told too."""


class Stolen(NamedTuple):
    """A table as it lies in the file. `places` are its row numbers, in order of writing.

    `ranks` say where among those that were added at once a row stands.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    places: list[int]
    ranks: Mapping[int, float]


def features(
    databases: Iterable[Path], residents: Sequence[UUID]
) -> tuple[list[str], list[list[float]]]:
    """Names of what can be counted, and one row of numbers a resident, 0 where there is nothing."""
    tables = {name: found for database in databases for name, found in _tables(database)}
    owned = _owned(tables, residents)
    counted = [_of_resident(tables, owned.get(resident.bytes, {})) for resident in residents]
    names = sorted({name for one in counted for name in one})
    return names, [[one.get(name, 0.0) for name in names] for one in counted]


def is_order(name: str) -> bool:
    """Whether a feature tells where rows stand among those of others.

    Among residents who acted at the same instant one has to be the first.
    """
    return name.endswith((" place", f".{ORDER}")) or " standing " in name


def _tables(database: Path) -> Iterator[tuple[str, Stolen]]:
    thief = sqlite3.connect(database)
    names = [name for (name,) in thief.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    for name in names:
        cursor = thief.execute(f'SELECT * FROM "{name}" ORDER BY 1')
        columns = [column[0] for column in cursor.description]
        rows, places = cursor.fetchall(), list[int]()
        try:
            found = thief.execute(f'SELECT rowid, * FROM "{name}" ORDER BY rowid').fetchall()
        except sqlite3.OperationalError:
            # Stored by its key: the order of rows tells nothing.
            pass
        else:
            rows = [row[1:] for row in found]
            places = list(range(len(rows)))
        yield name, Stolen(columns, rows, places, _ranks(columns, rows))
    thief.close()


def _ranks(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[int, float]:
    if not {ORDER, TOGETHER} <= set(columns):
        return {}
    order, together = columns.index(ORDER), columns.index(TOGETHER)
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for number in sorted(range(len(rows)), key=lambda number: rows[number][order]):
        groups[rows[number][together]].append(number)
    return {
        number: rank / (len(group) - 1)
        for group in groups.values()
        if len(group) >= FEW
        for rank, number in enumerate(group)
    }


def _owned(
    tables: Mapping[str, Stolen], residents: Sequence[UUID]
) -> Mapping[bytes, Mapping[str, list[int]]]:
    """Whose each row is, as far as equal cells tell: resident to table to numbers of rows."""
    owner: dict[bytes, bytes | None] = {one.bytes: one.bytes for one in residents}
    mine: dict[tuple[str, int], bytes] = {}
    links = {
        (name, number): [cell for cell in map(_link, row) if cell is not None]
        for name, table in tables.items()
        for number, row in enumerate(table.rows)
    }
    for _ in range(STEPS):
        fresh: dict[bytes, bytes | None] = {}
        for row, cells in links.items():
            of = {found for cell in cells if (found := owner.get(cell)) is not None}
            # A row of nobody or of several, such as a doctor's, leads nowhere.
            if len(of) != 1:
                continue
            (whose,) = of
            mine[row] = whose
            for cell in cells:
                if cell not in owner:
                    # What two residents have in common is nobody's.
                    fresh[cell] = whose if fresh.get(cell, whose) == whose else None
        owner |= fresh
    found: defaultdict[bytes, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for (name, number), whose in mine.items():
        found[whose][name].append(number)
    return found


def _link(cell: Any) -> bytes | None:
    """A cell in the one spelling in which equal things are equal."""
    if isinstance(cell, bytes):
        return cell if len(cell) in LINKING else None
    if not isinstance(cell, str) or len(cell) not in LINKING:
        return None
    try:
        return UUID(cell).bytes
    except ValueError:
        return cell.encode()


def _of_resident(
    tables: Mapping[str, Stolen], rows: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, numbers in rows.items():
        table = tables[name]
        found |= _standing(name, table, numbers)
        found[f"{name} rows"] = len(numbers)
        for at, column in enumerate(table.columns):
            if column == ORDER:
                most = max(row[at] for row in table.rows)
                found[f"{name}.{column}"] = _eighth(max(table.rows[n][at] for n in numbers), most)
                continue
            found |= _of_column(f"{name}.{column}", [table.rows[number][at] for number in numbers])
        if table.places:
            found[f"{name} place"] = _eighth(max(numbers), len(table.places))
    return found


def _standing(name: str, table: Stolen, numbers: Sequence[int]) -> dict[str, float]:
    """Before how many of those with whom somebody was shown they stand, from 0 to 1."""
    ranks = [table.ranks[number] for number in numbers if number in table.ranks]
    if not ranks:
        return {}
    return {f"{name} standing mean": fmean(ranks), f"{name} standing last": ranks[-1]}


def _eighth(number: int, most: int) -> int:
    """Whose rows were written late shows in it, who was next to whom does not."""
    return 8 * number // (most + 1)


def _of_column(name: str, cells: Sequence[Any]) -> dict[str, float]:
    """Of bytes their lengths and how often equal ones occur; of numbers their spans and gaps."""
    found: dict[str, float] = {f"{name} varieties": len(set(cells))}
    groups = sorted(Counter(cells).values(), reverse=True)[:SHOWN]
    found |= {f"{name} group {n}": size for n, size in enumerate(groups)}
    texts = [cell for cell in cells if isinstance(cell, bytes | str)]
    if texts:
        # The head of a ciphertext names its suite, key and epoch in clear.
        heads = Counter(cell[:8] for cell in texts)
        found |= {f"{name} heads": len(heads), f"{name} commonest head": max(heads.values())}
        found |= {f"{name} of {size}": count for size, count in Counter(map(len, texts)).items()}
    words = Counter(cell for cell in texts if isinstance(cell, str) and WORD.fullmatch(cell))
    found |= {f"{name} = {word}": count for word, count in words.items()}
    shifted = name.rpartition(".")[2] in SHIFTED
    # What is deleted is of day 0.
    numbers = sorted(cell for cell in cells if isinstance(cell, int) and (cell or not shifted))
    return found | (_of_numbers(name, numbers) if numbers else {})


def _of_numbers(name: str, numbers: Sequence[int]) -> dict[str, float]:
    gaps = [later - earlier for earlier, later in pairwise(numbers)] or [0]
    found = {
        f"{name} span": numbers[-1] - numbers[0],
        f"{name} gap least": min(gaps),
        f"{name} gap mean": fmean(gaps),
        f"{name} gap most": max(gaps),
    }
    if name.rpartition(".")[2] not in SHIFTED:
        found |= {f"{name} least": numbers[0]}
        found |= {f"{name} newest {n}": at for n, at in enumerate(numbers[: -SHOWN - 1 : -1])}
    return found
