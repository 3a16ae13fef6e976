"""Write the synchronous client from the asynchronous one, so that the two never differ.

`python clients/python/generate_sync.py` writes `_sync/`; with `--check` it only compares.
"""

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "kangma_client"
RULES = [
    (r"kangma_client\._async", "kangma_client._sync"),
    (r"asyncio\.Lock", "threading.Lock"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"^import asyncio$", "import threading"),
    (r"AsyncBaseTransport", "BaseTransport"),
    (r"\bAsync(Iterator|Client|Catalogue|Me|Child|Doctor|City|Passkeys|Transport)\b", r"\1"),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
]
NOTICE = "# Written by clients/python/generate_sync.py from _async; do not edit.\n"


def translate(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return NOTICE + text


def files() -> dict[Path, str]:
    """What each file of `_sync` should hold."""
    found = sorted((PACKAGE / "_async").glob("*.py"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in found}
    return {PACKAGE / "_sync" / name: translate(text) for name, text in texts.items()}


def main() -> int:
    wanted = files()
    if "--check" in sys.argv:
        stale = [
            path.name
            for path, text in wanted.items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        ]
        if stale:
            print("the synchronous client is stale:", ", ".join(stale), file=sys.stderr)
        return bool(stale)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
