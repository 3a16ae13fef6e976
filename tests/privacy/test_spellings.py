"""One question, one answer: whatever the spelling, the caller and the process that answers.

Bugs it would catch: an answer that is made anew by request (noise drawn twice averages out), a
spelling that reaches other cells, a union of two filters, a partial or conditional answer that
leaks or changes bytes, a role that sees another table.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Any
from urllib.parse import quote, unquote

import pytest

from service.domain.anonymity import noise
from service.kit.db import Database
from service.releases import artifact
from service.releases.actions import rows_of
from tests.city_doors import City, open_city
from tests.city_room import People, contribute, make_tables, publish_here, someone, universe

RELEASE = "/v1/city/releases/annual-2026"
REPEATS = 200
CUT = {"metric": "level", "level": "district", "region": "990102", "sex": "male", "age": "65%2B"}
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Accept": "*/*"},
    {"Accept": "application/fhir+json"},
    {"Accept": "text/csv;q=0.1"},
    {"Accept-Language": "en"},
    {"Accept-Language": "zh-CN"},
    {"Accept-Encoding": "identity"},
    {"Accept-Encoding": "gzip"},
    {"Cache-Control": "no-cache"},
    {"Pragma": "no-cache"},
    {"Range": "bytes=0-99"},
    {"If-Range": '"x"', "Range": "bytes=-1"},
    {"If-None-Match": '"sha256-0"'},
    {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"If-Match": '"sha256-0"'},
    {"X-HTTP-Method-Override": "POST"},
    {"Cookie": "metric=smoking"},
    {"X-Forwarded-For": "203.0.113.7"},
)
PATHS = ("", "/table", "/table?format=csv", "/signature", "/cells", "/cells?metric=smoking")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with one release; whoever opens it is a restart."""
    found = f"sqlite:///{tmp_path_factory.mktemp('spelt') / 'kangma.db'}"
    db = Database(found)
    make_tables(db)
    contribute(db, [(str(number), someone(number)) for number in range(200)])
    publish_here(db)
    db.close()
    return found


@pytest.fixture(scope="module")
def city(url: str) -> Iterator[City]:
    db = Database(url)
    with open_city(db) as opened:
        yield opened
    db.close()


def _told(city: City, path: str, **options: Any) -> str:
    answer = city.get(path, **options)
    assert answer.status_code == 200, (path, options)
    return artifact.sha256(answer.content)


def _spelt(query: dict[str, str]) -> Iterator[str]:
    """The same filters in every order, and with letters of names and values escaped."""
    for order in permutations(query.items()):
        yield "&".join(f"{name}={value}" for name, value in order)
    for escape in ("%{:02x}", "%{:02X}"):
        pairs = [(name, unquote(value)) for name, value in query.items()]
        for at in range(2):
            spelt = [
                tuple(
                    "".join(escape.format(ord(one)) for one in word) if place == at else quote(word)
                    for place, word in enumerate(pair)
                )
                for pair in pairs
            ]
            yield "&".join(f"{name}={value}" for name, value in spelt)


def test_every_spelling_of_a_cut_gives_one_sha256(city: City) -> None:
    queries = [*_spelt(CUT)]
    assert len(queries) > 120
    assert len({_told(city, f"{RELEASE}/cells?{query}") for query in queries}) == 1


@pytest.mark.parametrize("path", PATHS)
def test_every_header_gives_one_sha256(city: City, path: str) -> None:
    assert len({_told(city, RELEASE + path, headers=one) for one in HEADERS}) == 1


def test_two_hundred_repeats_by_many_callers_over_restarts_give_one_sha256(url: str) -> None:
    """Each request has a token of its own; every fortieth meets a store opened anew."""
    seen: dict[str, set[str]] = {path: set() for path in PATHS}
    asked = 0
    for _ in range(5):
        db = Database(url)
        with open_city(db) as opened:
            publish_here(db)
            for _ in range(REPEATS // 5):
                path = PATHS[asked % len(PATHS)]
                seen[path].add(_told(opened, RELEASE + path))
                asked += 1
        db.close()
    assert asked == REPEATS
    assert all(len(shown) == 1 for shown in seen.values())
    assert len(set.union(*seen.values())) == len(PATHS) - 1, "csv is the default, the rest differ"


@pytest.mark.parametrize(
    "query",
    [
        "metric=level&metric=smoking", "metric=level&metric=level", "metric=LEVEL",
        "metric=level%20", "metric=%ef%bd%8cevel", "region=99010", "region=990101,990102",
        "region=990101&region=990102", "age=65+", "sex=Male", "level=district%00", "metric[]=level",
    ],
)  # fmt: skip
def test_no_other_spelling_widens_or_joins_cuts(city: City, query: str) -> None:
    """Refused, or read as exactly one value a name: never the sum or the union of two."""
    answer = city.get(f"{RELEASE}/cells?{query}")
    if answer.status_code == 200:
        items = answer.json()["items"]
        for name in ("metric", "region"):
            if f"{name}=" in query:
                assert len({item[name] for item in items}) == 1
    else:
        assert answer.status_code in {400, 422}


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"])
def test_other_methods_tell_no_more(city: City, method: str) -> None:
    for path in PATHS:
        answer = city.request(method, RELEASE + path)
        if method == "HEAD" and answer.status_code == 200:
            assert answer.headers["etag"] == city.get(RELEASE + path).headers["etag"]
            assert answer.content == b""
        else:
            assert answer.status_code in {404, 405, 501} or method == "get"


@pytest.mark.parametrize("path", ["//", "/%2e", "/table/", "/TABLE", "/table;v=2", "/cells/level"])
def test_other_paths_are_no_other_tables(city: City, path: str) -> None:
    assert city.get(RELEASE + path).status_code in {307, 404, 405}


def test_an_etag_is_of_the_bytes_and_none_other_is_current(city: City) -> None:
    """A guessed ETag must not become an oracle: 304 says only that the very bytes are known."""
    for path in PATHS:
        answer = city.get(RELEASE + path)
        digest = artifact.sha256(answer.content)
        assert answer.headers["etag"] == f'"sha256-{digest}"'
        for guess in (f'"sha256-{digest[:-1]}0"', f'"sha256-{digest[:32]}"', '"sha256-*"', '"*"'):
            known = guess == answer.headers["etag"]
            told = city.get(RELEASE + path, headers={"If-None-Match": guess})
            assert told.status_code == (304 if known else 200)


def test_a_slower_second_publisher_changes_nothing(url: str) -> None:
    """Publishing again between two readers, from another process's store, is a no-op."""
    db, other = Database(url), Database(url)
    with open_city(db) as opened:
        before = [_told(opened, RELEASE + path) for path in PATHS]
        contribute(other, [(f"late {number}", someone(number)) for number in range(300)])
        publish_here(other)
        assert [_told(opened, RELEASE + path) for path in PATHS] == before
    db.close()
    other.close()


def test_an_answer_that_is_drawn_for_each_request_would_be_found() -> None:
    """Against such a publisher the repeats above tell many tables, whose average is the truth."""
    of = universe(1, cadence="monthly")
    truth = People.random(of, 50).tables
    draws = [artifact.csv_bytes(rows_of(of, noise.draw(truth, of))) for _ in range(5)]
    assert len(set(draws)) == 5
