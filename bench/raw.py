"""The raw cost beside each measurement: the same rows through the driver alone, the same bytes
through AES-GCM alone, on the same database and machine, in the same run."""

import threading
import time
from collections.abc import Callable, Sequence
from os import urandom

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Row = tuple[object, ...]


def inserted(database: str, table: str, rows: Sequence[Row], *, group: int, writers: int) -> float:
    """Rows a second that `writers` connections insert into a copy of `table`, `group` a commit."""
    columns = len(rows[0])
    statement = f"INSERT INTO raw_copy VALUES ({', '.join(['%s'] * columns)})"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS raw_copy")
        connection.execute(f"CREATE TABLE raw_copy (LIKE {table} INCLUDING ALL)")

    def write(share: Sequence[Row]) -> None:
        with psycopg.connect(database) as connection, connection.cursor() as cursor:
            for start in range(0, len(share), group):
                cursor.executemany(statement, share[start : start + group])
                connection.commit()

    seconds = _together([lambda n=n: write(rows[n::writers]) for n in range(writers)])  # type: ignore[misc]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE raw_copy")
    return len(rows) / seconds


def selected(database: str, statement: str, keys: Sequence[bytes], *, readers: int) -> float:
    """Statements a second by primary key from `readers` connections."""

    def read(share: Sequence[bytes]) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            cursor = connection.cursor(binary=True)
            for key in share:
                cursor.execute(statement, (key,)).fetchall()

    seconds = _together([lambda n=n: read(keys[n::readers]) for n in range(readers)])  # type: ignore[misc]
    return len(keys) / seconds


def opened(texts: Sequence[bytes]) -> float:
    """Seconds to open sealed texts of these lengths with AES-256-GCM and nothing else."""
    cipher, nonce = AESGCM(urandom(32)), urandom(12)
    sealed = [cipher.encrypt(nonce, bytes(max(1, len(text) - 40)), None) for text in texts]
    began = time.perf_counter()
    for text in sealed:
        cipher.decrypt(nonce, text, None)
    return time.perf_counter() - began


def sealed(sizes: Sequence[int], *, times: int = 2000) -> float:
    """Texts a second of each of these lengths, all of them once a round, through AES-256-GCM."""
    cipher, texts = AESGCM(urandom(32)), [bytes(size) for size in sizes]
    began = time.perf_counter()
    for _ in range(times):
        for text in texts:
            cipher.encrypt(urandom(12), text, None)
    return times / (time.perf_counter() - began)


def _together(works: Sequence[Callable[[], None]]) -> float:
    threads = [threading.Thread(target=work) for work in works]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began
