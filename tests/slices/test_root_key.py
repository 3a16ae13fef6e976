"""One suite that every provider of the root key passes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from os import urandom
from pathlib import Path

import pytest

from service.keys.wrapping import WRAPPED_BYTES, KeyRefused, RootKey, belonging
from service.kit.errors import IntegrityBroken
from tests.root_key_room import HOMES, Home

HERE = belonging("rdek", b"deployment-00001", b"resident-0000001")
ELSEWHERE = [
    belonging("system", b"deployment-00001", b"resident-0000001"),
    belonging("rdek", b"deployment-00002", b"resident-0000001"),
    belonging("rdek", b"deployment-00001", b"resident-0000002"),
]


@pytest.fixture(params=sorted(HOMES))
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    made = HOMES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def key(home: Home) -> RootKey:
    return home.make()


def test_a_fresh_root_key_has_one_version_that_is_primary(key: RootKey) -> None:
    assert (key.primary, key.versions) == (1, frozenset({1}))
    assert key.id


def test_what_is_wrapped_comes_back_here_and_in_another_process(home: Home, key: RootKey) -> None:
    secret = urandom(32)
    version, wrapped = key.wrap(secret, HERE)
    assert version == 1
    assert len(wrapped) == WRAPPED_BYTES
    assert secret not in wrapped
    assert (
        key.unwrap(version, wrapped, HERE) == home.make().unwrap(version, wrapped, HERE) == secret
    )


def test_two_wrappings_of_one_key_are_unlike(key: RootKey) -> None:
    wrapped = {value for _, value in key.wrap_many([(b"x" * 32, HERE)] * 20)}
    assert len({value[:12] for value in wrapped}) == len({value[12:] for value in wrapped}) == 20


def test_a_wrapped_key_opens_only_where_it_belongs(key: RootKey) -> None:
    version, wrapped = key.wrap(urandom(32), HERE)
    for elsewhere in ELSEWHERE:
        with pytest.raises(IntegrityBroken):
            key.unwrap(version, wrapped, elsewhere)
        with pytest.raises(IntegrityBroken):
            key.unwrap_many([(version, wrapped, HERE), (version, wrapped, elsewhere)])


def test_every_altered_byte_is_noticed(key: RootKey) -> None:
    version, wrapped = key.wrap(urandom(32), HERE)
    for at in range(WRAPPED_BYTES):
        altered = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        with pytest.raises(IntegrityBroken):
            key.unwrap(version, altered, HERE)


@pytest.mark.parametrize("version", [-1, 0, 2, 2**31, 2**32, 2**40])
def test_a_version_that_is_not_there_opens_nothing(key: RootKey, version: int) -> None:
    _, wrapped = key.wrap(urandom(32), HERE)
    with pytest.raises(IntegrityBroken):
        key.unwrap(version, wrapped, HERE)


@pytest.mark.parametrize("length", [0, 12, 28, WRAPPED_BYTES - 1, WRAPPED_BYTES + 1, 4096])
def test_a_wrong_length_opens_nothing(key: RootKey, length: int) -> None:
    _, wrapped = key.wrap(urandom(32), HERE)
    with pytest.raises(IntegrityBroken):
        key.unwrap(1, (wrapped * 100)[:length], HERE)


def test_a_batch_says_what_single_calls_say(key: RootKey) -> None:
    items = [
        (urandom(32), belonging("rdek", bytes(16), number.to_bytes(16, "big")))
        for number in range(703)
    ]
    wrapped = key.wrap_many(items)
    assert {version for version, _ in wrapped} == {1}
    asked = [(*row, belongs) for row, (_, belongs) in zip(wrapped, items, strict=True)]
    assert key.unwrap_many(asked) == [secret for secret, _ in items]
    assert [key.unwrap(*row) for row in asked[::200]] == [secret for secret, _ in items[::200]]
    single = key.wrap(*items[7])
    assert key.unwrap_many([(*single, items[7][1])]) == [items[7][0]]
    assert key.wrap_many([]) == []
    assert key.unwrap_many([]) == []


def test_one_bad_item_fails_its_batch(key: RootKey) -> None:
    good = [(*row, HERE) for row in key.wrap_many([(urandom(32), HERE)] * 5)]
    moved = [*good[:3], (1, good[3][1], ELSEWHERE[2]), good[4]]
    unknown = [*good[:3], (9, good[3][1], HERE), good[4]]
    for batch in (moved, unknown):
        with pytest.raises(IntegrityBroken):
            key.unwrap_many(batch)
    assert len(key.unwrap_many(good)) == 5


# -- versions ----------------------------------------------------------------------------------


def test_a_new_version_wraps_once_it_is_primary(key: RootKey) -> None:
    old = key.wrap(b"o" * 32, HERE)
    assert key.add_version() == 2
    assert (key.primary, key.versions) == (1, frozenset({1, 2}))
    assert key.wrap(b"x" * 32, HERE)[0] == 1
    early = key.wrap(b"e" * 32, HERE, version=2)
    key.make_primary(2)
    new = key.wrap(b"n" * 32, HERE)
    assert (old[0], early[0], new[0]) == (1, 2, 2)
    batch = key.unwrap_many([(*row, HERE) for row in (old, early, new)])
    assert batch == [b"o" * 32, b"e" * 32, b"n" * 32]
    with pytest.raises(IntegrityBroken):
        key.unwrap(2, old[1], HERE)


def test_a_version_older_than_the_primary_wraps_nothing(key: RootKey) -> None:
    key.add_version()
    key.make_primary(2)
    with pytest.raises(KeyRefused, match="only opens"):
        key.wrap(b"x" * 32, HERE, version=1)
    with pytest.raises(KeyRefused, match="no version 3"):
        key.wrap_many([(b"x" * 32, HERE)], version=3)


def test_a_switch_can_be_taken_back(key: RootKey) -> None:
    key.add_version()
    key.make_primary(2)
    new = key.wrap(b"n" * 32, HERE)
    key.make_primary(1)
    assert key.wrap(b"x" * 32, HERE)[0] == key.primary == 1
    assert key.unwrap(*new, HERE) == b"n" * 32
    with pytest.raises(KeyRefused, match="no version 3"):
        key.make_primary(3)
    assert key.primary == 1


def test_a_destroyed_version_opens_nothing_and_its_number_stays_away(
    home: Home, key: RootKey
) -> None:
    old = key.wrap(b"o" * 32, HERE)
    key.add_version()
    key.make_primary(2)
    new = key.wrap(b"n" * 32, HERE)
    key.destroy(1)
    for view in (key, home.make()):
        assert view.versions == frozenset({2})
        with pytest.raises(IntegrityBroken):
            view.unwrap(*old, HERE)
        assert view.unwrap(*new, HERE) == b"n" * 32
        with pytest.raises(KeyRefused, match="no version 1"):
            view.make_primary(1)
    assert key.add_version() == 3


def test_the_primary_and_what_has_older_ones_are_not_destroyed(key: RootKey) -> None:
    key.add_version()
    for version, words in ((1, "primary"), (2, "older"), (3, "no version 3")):
        with pytest.raises(KeyRefused, match=words):
            key.destroy(version)
    assert key.versions == frozenset({1, 2})


def test_another_process_sees_a_change_at_reload(home: Home, key: RootKey) -> None:
    other = home.make()
    key.add_version()
    key.make_primary(2)
    other.reload()
    assert (other.primary, other.versions) == (2, frozenset({1, 2}))
    assert other.id == key.id


def test_a_version_met_before_any_reload_opens(home: Home, key: RootKey) -> None:
    other, third = home.make(), home.make()
    key.add_version()
    new = key.wrap(b"n" * 32, HERE, version=2)
    assert other.unwrap(*new, HERE) == b"n" * 32
    assert third.unwrap_many([(*new, HERE)]) == [b"n" * 32]


def test_a_process_that_saw_no_switch_wraps_under_the_new_primary(home: Home, key: RootKey) -> None:
    """Or a key could be wrapped by a version that is destroyed a moment later."""
    other = home.make()
    assert other.wrap(b"x" * 32, HERE)[0] == 1
    key.add_version()
    key.make_primary(2)
    assert other.wrap(b"x" * 32, HERE)[0] == 2


def test_two_processes_add_different_versions(home: Home, key: RootKey) -> None:
    other = home.make()
    assert [key.add_version(), other.add_version(), key.add_version()] == [2, 3, 4]


# -- threads and words -------------------------------------------------------------------------


def test_eight_threads_share_one_root_key(key: RootKey) -> None:
    def work(thread: int) -> int:
        belongs = belonging("rdek", bytes(16), bytes([thread] * 16))
        for number in range(30):
            secret = bytes([thread, number]) * 16
            if number % 3:
                assert key.unwrap(*key.wrap(secret, belongs), belongs) == secret
            else:
                rows = key.wrap_many([(secret, belongs)] * 4)
                assert key.unwrap_many([(*row, belongs) for row in rows]) == [secret] * 4
        return thread

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))


def test_versions_change_under_eight_threads(key: RootKey) -> None:
    old = key.wrap(b"o" * 32, HERE)

    def work(thread: int) -> None:
        for _ in range(20):
            assert key.unwrap(*key.wrap(b"w" * 32, HERE), HERE) == b"w" * 32
            assert key.unwrap(*old, HERE) == b"o" * 32

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(work, thread) for thread in range(8)]
        for version in (2, 3):
            assert key.add_version() == version
            key.make_primary(version)
        for one in running:
            one.result()


def test_nothing_printed_shows_a_secret(home: Home, key: RootKey) -> None:
    secret = urandom(32)
    version, wrapped = key.wrap(secret, HERE)
    said = [repr(key), str(key), key.id]
    for act in (
        lambda: key.unwrap(version, wrapped, ELSEWHERE[0]),
        lambda: key.unwrap_many([(version, wrapped, ELSEWHERE[0])]),
        lambda: key.wrap(secret, HERE, version=9),
        lambda: key.destroy(1),
        lambda: key.make_primary(9),
    ):
        with pytest.raises((IntegrityBroken, KeyRefused)) as caught:
            act()
        said += [str(caught.value), repr(caught.value), repr(caught.value.__cause__)]
    kept = [secret.hex(), repr(secret), wrapped.hex(), repr(wrapped), *home.secrets()]
    assert [word for word in kept if any(word in text for text in said)] == []
