"""A zip file written to nowhere in particular: its bytes are taken away as they come.

The standard library writes a zip to what cannot be seeked, with sizes behind each file. Libraries
for it bring a cipher of their own along, for passwords that nobody here asks for.
"""

from datetime import datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


class _Sink:
    """Takes what is written until somebody fetches it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


class Archive:
    """Files one behind the other. Only `end` writes the list without which no zip opens."""

    def __init__(self, made_at: datetime) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED)  # type: ignore[call-overload]
        self._made_at = made_at.timetuple()[:6]
        self._file: IO[bytes] | None = None

    def open(self, name: str) -> None:
        """Begin the next file."""
        self._shut()
        described = ZipInfo(name, self._made_at)
        described.compress_type = ZIP_DEFLATED
        # A file may pass four gigabytes; that is not known when it begins.
        self._file = self._zip.open(described, "w", force_zip64=True)

    def write(self, text: str) -> bytes:
        """Add to the file that is open; the bytes of the zip that are ready by now."""
        assert self._file is not None
        self._file.write(text.encode())
        return self._sink.taken()

    def end(self) -> bytes:
        self._shut()
        self._zip.close()
        return self._sink.taken()

    def _shut(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
