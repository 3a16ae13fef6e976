"""Nonces are asked for in blocks: none comes twice, in no thread and in no child."""

import os
from concurrent.futures import ThreadPoolExecutor

from service.kit.crypto import nonces


def test_no_nonce_comes_twice_from_eight_threads() -> None:
    def some(_: int) -> list[bytes]:
        return [nonces.fresh() for _ in range(5000)]

    with ThreadPoolExecutor(8) as pool:
        given = [nonce for part in pool.map(some, range(8)) for nonce in part]
    assert {len(nonce) for nonce in given} == {12}
    assert len(set(given)) == len(given) == 40_000


def test_a_forked_child_gives_none_of_its_parents_nonces() -> None:
    """Two processes that seal with one nonce under one key would give both texts away."""
    nonces.fresh()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, b"".join(nonces.fresh() for _ in range(200)))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        from_child = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    theirs = {from_child[at : at + 12] for at in range(0, len(from_child), 12)}
    mine = {nonces.fresh() for _ in range(200)}
    assert (len(theirs), len(mine)) == (200, 200)
    assert not theirs & mine


def test_every_bit_of_a_nonce_is_random() -> None:
    """Each of the 96 bits is set in about half of 4,000; a block cut wrongly would not be."""
    given = [int.from_bytes(nonces.fresh(), "big") for _ in range(4000)]
    for bit in range(96):
        share = sum(nonce >> bit & 1 for nonce in given)
        assert 1700 < share < 2300
