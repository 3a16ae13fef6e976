"""Pages of docs/ written from data: `python -m service.cli.pages`; `--check` only compares."""

import sys
from collections.abc import Callable
from pathlib import Path

from consent.table import decision_table
from service.domain.care import pages as care
from service.domain.fitness import pages as fitness
from service.domain.risk import colour_page
from service.domain.risk import pages as risk
from service.domain.vocabulary import pages as vocabulary

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "decision-table.md": decision_table,
    "measures.md": vocabulary.measures_page,
    "how-your-colour-is-made.md": colour_page.page,
    "indicators.md": vocabulary.indicators_page,
    "risk-models.md": risk.page,
    "care.md": care.page,
    "fitness.md": fitness.page,
}


def main() -> int:
    stale = []
    for name, write in PAGES.items():
        path, text = DOCS / name, write()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print("stale pages:", ", ".join(stale), file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
