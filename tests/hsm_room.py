"""A SoftHSM 2 token for one process of the suite: real PKCS#11, no hardware.

`./run test` installs Debian's softhsm2 where it can; elsewhere these tests are skipped with a
reason. The library reads its configuration once a process, so all tests share one token and take
labels of their own.
"""

import atexit
import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

LIBRARIES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),
)
TOKEN = "kangma test"
PIN = "pin-7316-canary"
OFFICER_PIN = "officer-7316"


class SoftHsm:
    """An initialised token and what a test may do to it behind the service's back."""

    def __init__(self, module: Path, folder: Path) -> None:
        self.module = module
        self.folder = folder
        self.pin_file = folder / "pin"
        self.pin_file.touch(0o600)
        self.pin_file.write_text(f"{PIN}\n")

    def uri(self, label: str) -> str:
        return (
            f"pkcs11:token={TOKEN.replace(' ', '%20')};object={label}"
            f"?module-path={self.module}&pin-source=file:{self.pin_file}"
        )

    def token(self) -> Any:
        # Imported late: python-pkcs11 is an extra.
        from service.keys.providers.cryptoki import library

        return library(self.module).get_token(token_label=TOKEN)

    def close_every_session(self) -> None:
        """What pulling a token or restarting its daemon does to a process: C_CloseAllSessions."""
        slot = self.token().slot
        outcome = ctypes.CDLL(str(self.module)).C_CloseAllSessions(ctypes.c_ulong(slot.slot_id))
        assert outcome == 0, hex(outcome)

    def log_out(self) -> None:
        """C_Logout: every session of the process stays open and loses its private objects."""
        session = self.token().open()
        outcome = ctypes.CDLL(str(self.module)).C_Logout(ctypes.c_ulong(session.handle))
        session.close()
        assert outcome == 0, hex(outcome)


def new_label() -> str:
    return f"kangma-{uuid4().hex[:12]}"


@cache
def soft_hsm() -> SoftHsm:
    """The token of this process; skips the test where SoftHSM 2 is not installed."""
    library = next((path for path in LIBRARIES if path.exists()), None)
    if library is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM 2 is not installed (Debian: apt-get install softhsm2)")
    folder = Path(tempfile.mkdtemp(prefix="kangma-hsm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n"
        "log.level = ERROR\nslots.removable = false\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    token = ["--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", OFFICER_PIN]
    subprocess.run(["softhsm2-util", *token], check=True, capture_output=True)
    return SoftHsm(library, folder)
