"""Sessions of a PKCS#11 token: a pool, a login, and another login when the first is lost.

A session serves one thread at a time. Losing one (the token was pulled, somebody logged out, the
library closed every session) usually means all are lost: the whole pool is dropped, the PIN is
given again, and the work is done once more. A PIN that was refused is never tried a second time,
because tokens lock themselves after a few. A forked child starts over: PKCS#11 forbids it to use
what its parent opened (v2.40 Usage Guide, section 2.5.2).
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, cast

from pkcs11 import Attribute, Object, ObjectClass, SecretKey, Session, Token, exceptions

from consent.vocabulary import Text
from service.keys.providers.cryptoki import Library, library
from service.keys.providers.token_uri import TokenUri
from service.keys.wrapping import KeyRefused
from service.kit.errors import Unavailable

T = TypeVar("T")
MOST = 16
"""Sessions open at once; further threads wait."""
TRIES = 3
PATIENCE = 10.0
"""Seconds a thread waits for a session."""

_BAD_PIN = (
    exceptions.PinIncorrect,
    exceptions.PinInvalid,
    exceptions.PinLenRange,
    exceptions.PinLocked,
    exceptions.PinExpired,
    exceptions.UserPinNotInitialized,
)


def key_template(label: str, version: int | None = None) -> dict[Attribute, Any]:
    """What names the keys under a label: all, or those of one version."""
    template: dict[Attribute, Any] = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.LABEL: label,
    }
    if version is not None:
        template[Attribute.ID] = version.to_bytes(4, "big")
    return template


class Seat:
    """One open session and the keys already found through it."""

    __slots__ = ("_keys", "_library", "session")

    def __init__(self, session: Session, library: Library) -> None:
        self.session = session
        self._library = library
        self._keys: dict[int, SecretKey] = {}

    def key(self, label: str, version: int) -> SecretKey | None:
        """The key of one version; None when the token does not have it exactly once."""
        found = self._keys.get(version)
        if found is None:
            keys = self.find(key_template(label, version))
            if len(keys) != 1 or not isinstance(keys[0], SecretKey):
                return None
            found = self._keys[version] = keys[0]
        return found

    def find(self, template: dict[Attribute, Any]) -> list[Object]:
        """The objects of the token that fit.

        A session that was logged out sees no private object and says nothing of it, so what was
        found is believed only when one and the same login held before and after the look.
        """
        logins = self._library.logins
        self._check_login()
        found = list(self.session.get_objects(template))
        # Nobody logs in meanwhile, so what is counted and what is seen belong together.
        with self._library.entering:
            self._check_login()
            if self._library.logins != logins:
                raise exceptions.UserNotLoggedIn
        return found

    def _check_login(self) -> None:
        if not self._library.is_logged_in(cast(Any, self.session).handle):
            raise exceptions.UserNotLoggedIn

    def close(self) -> None:
        self._library.close_session(cast(Any, self.session).handle)


class Pool:
    """The sessions of one process with one token."""

    def __init__(self, address: TokenUri) -> None:
        self._address = address
        self._refused = False
        self.begin_anew()
        _pools.add(self)

    def begin_anew(self) -> None:
        """Forget everything without touching it, as a forked child must."""
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST)
        self._idle: list[Seat] = []
        self._logged_in = False
        self._age = 0

    def run(self, work: Callable[[Seat], T]) -> T:
        """Do the work in a session of its own; again after a new login when one was lost.

        Unavailable when the token does not answer, KeyRefused when it does not let us in.
        """
        with self._places_taken(1):
            for _ in range(TRIES - 1):
                age = self._age
                try:
                    return self._once(work, writes=False)
                except exceptions.PKCS11Error:
                    self._drop(age)
            try:
                return self._once(work, writes=False)
            except exceptions.PKCS11Error as failure:
                unavailable = _no_answer(failure)
        raise unavailable

    def change(self, work: Callable[[Seat], T]) -> T:
        """As `run` in a session that may write, alone in this process, and never twice.

        Half a change may have happened when it fails. Alone, because tokens kept in files
        (SoftHSM) show other sessions an object while it is being written.
        """
        with self._writing, self._places_taken(MOST):
            try:
                return self._once(work, writes=True)
            except exceptions.PKCS11Error as failure:
                unavailable = _no_answer(failure)
                self._drop(self._age)
        raise unavailable

    def close(self) -> None:
        self._drop(self._age)

    # -- inside ------------------------------------------------------------------------------

    @contextmanager
    def _places_taken(self, number: int) -> Iterator[None]:
        with ExitStack() as taken:
            places = self._places
            for _ in range(number):
                if not places.acquire(timeout=PATIENCE):
                    raise Unavailable(
                        Text("所有 PKCS#11 会话都在使用中。", "Every PKCS#11 session is in use.")
                    )
                taken.callback(places.release)
            yield

    def _once(self, work: Callable[[Seat], T], writes: bool) -> T:
        age = self._age
        seat = self._take(writes)
        try:
            result = work(seat)
        except exceptions.PKCS11Error:
            seat.close()
            raise
        except BaseException:
            self._give_back(seat, age, writes)
            raise
        self._give_back(seat, age, writes)
        return result

    def _take(self, writes: bool) -> Seat:
        with self._lock:
            if self._idle and not writes:
                return self._idle.pop()
            return Seat(self._open(writes), library(self._address.module))

    def _give_back(self, seat: Seat, age: int, writes: bool) -> None:
        with self._lock:
            if age == self._age and not writes:
                self._idle.append(seat)
                return
        seat.close()

    def _drop(self, age: int) -> None:
        """Close all idle sessions, unless another thread did so since `age`."""
        with self._lock:
            if age != self._age:
                return
            self._age += 1
            self._logged_in = False
            idle, self._idle = self._idle, []
        for seat in idle:
            seat.close()

    def _open(self, writes: bool) -> Session:
        token = self._token()
        if self._logged_in:
            return token.open(rw=writes)
        if self._refused:
            raise KeyRefused(_WRONG_PIN)
        module = library(self._address.module)
        with module.entering:
            try:
                session = token.open(rw=writes, user_pin=self._address.pin.read())
                module.logins += 1
            except exceptions.UserAlreadyLoggedIn:
                # The login of a process counts for all its sessions: another pool has logged in.
                session = token.open(rw=writes)
            except _BAD_PIN:
                self._refused = True
                raise KeyRefused(_WRONG_PIN) from None
        self._logged_in = True
        return session

    def _token(self) -> Token:
        address = self._address
        serial = None if address.serial is None else address.serial.encode()
        return library(address.module).get_token(token_label=address.token, token_serial=serial)


def _no_answer(failure: exceptions.PKCS11Error) -> Unavailable:
    # The kind alone: a message of a library could hold anything.
    kind = type(failure).__name__
    return Unavailable(
        Text(f"PKCS#11 令牌没有应答（{kind}）。", f"The PKCS#11 token does not answer ({kind}).")
    )


_WRONG_PIN = Text(
    "PKCS#11 令牌拒绝了口令；为免锁定不再重试。",
    "The PKCS#11 token refused the PIN; it is not tried again, or the token would lock itself.",
)
_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()


def _begin_anew() -> None:
    for pool in _pools:
        pool.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
