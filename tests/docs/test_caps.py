"""The operations page shows how much one person may have, as the table of caps has it."""

import re
from pathlib import Path

from service.kit.caps import CAPS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def test_the_page_has_every_cap_with_its_number() -> None:
    rows = re.findall(r"^\| `([a-z-]+)`: .* \| (\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name: int(most) for name, most in rows} == {
        name: cap.most for name, cap in CAPS.items()
    }
    assert len(rows) == len(CAPS)
