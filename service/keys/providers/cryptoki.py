"""Loading a PKCS#11 library so that several threads may use it.

python-pkcs11 initialises a library with NULL, which promises it (PKCS#11 v2.40 section 5.4) that
there is one thread only; SoftHSM then takes no locks, and two threads crash the process. Here
C_Initialize is called with CKF_OS_LOCKING_OK, and everything else is left to python-pkcs11.
"""

import ctypes
import os
import threading
from pathlib import Path

from pkcs11 import PKCS11Error, _pkcs11

from consent.vocabulary import Text
from service.keys.wrapping import KeyRefused

_OK, _CANNOT_LOCK, _ALREADY = 0x0, 0x0A, 0x191
_OS_LOCKING_OK = 0x2
_USER_FUNCTIONS = (1, 3)
"""CKS_RO_USER_FUNCTIONS and CKS_RW_USER_FUNCTIONS: the states of a session after a login."""


class _Arguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: no mutexes of ours, those of the operating system."""

    _fields_ = [
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    ]


class _SessionInfo(ctypes.Structure):
    """CK_SESSION_INFO."""

    _fields_ = [
        ("slot", ctypes.c_ulong),
        ("state", ctypes.c_ulong),
        ("flags", ctypes.c_ulong),
        ("device_error", ctypes.c_ulong),
    ]


class Library(_pkcs11.lib):
    """A PKCS#11 library, initialised for threads and again in a forked child."""

    logins = 0
    """How often this process logged in: a look that saw another number may have missed what a
    session without a login does not see."""
    entering: threading.Lock
    """Held while somebody logs in."""

    def initialize(self) -> None:
        # Anew in a forked child too, whose parent may have been logging in.
        self.entering = threading.Lock()
        functions = ctypes.CDLL(self.so)
        arguments = _Arguments(flags=_OS_LOCKING_OK)
        outcome = functions.C_Initialize(ctypes.byref(arguments))
        if outcome == _ALREADY:
            # A copy of what our parent initialised (or somebody else did, without locks).
            functions.C_Finalize(None)
            outcome = functions.C_Initialize(ctypes.byref(arguments))
        if outcome == _CANNOT_LOCK:
            raise KeyRefused(
                Text("PKCS#11 库不支持多线程。", "The PKCS#11 library cannot be used by threads.")
            )
        if outcome != _OK:
            raise KeyRefused(
                Text("PKCS#11 库无法初始化。", "The PKCS#11 library cannot be initialised.")
            )

    def is_logged_in(self, session: int) -> bool:
        """Whether this session is open and sees private objects; without a login it sees none."""
        info = _SessionInfo()
        outcome = ctypes.CDLL(self.so).C_GetSessionInfo(ctypes.c_ulong(session), ctypes.byref(info))
        return outcome == _OK and info.state in _USER_FUNCTIONS

    def close_session(self, session: int) -> None:
        """Close one session and no more.

        python-pkcs11 logs out when it closes the session that logged in, and a login is of the
        whole process: every other session, one just opened anew as well, would lose its own.
        What was lost already is not there to be closed, so no outcome matters.
        """
        ctypes.CDLL(self.so).C_CloseSession(ctypes.c_ulong(session))


_loaded: dict[Path, tuple[int, Library]] = {}
"""By path: the process that initialised it, and the library. None is ever unloaded."""
_lock = threading.Lock()


def library(path: Path) -> Library:
    """The library, initialised once in each process; KeyRefused when it cannot be."""
    with _lock:
        process, found = _loaded.get(path, (0, None))
        if found is None:
            found = _load(path)
        elif process != os.getpid():
            found.initialize()
        _loaded[path] = (os.getpid(), found)
        return found


def _load(path: Path) -> Library:
    try:
        return Library(str(path))
    except PKCS11Error:
        pass
    raise KeyRefused(Text("无法加载 PKCS#11 库。", "The PKCS#11 library cannot be loaded."))


def _new_lock() -> None:
    # Another thread of the parent may have held it at the fork.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock)
