"""openapi.yaml, made from the code: `python -m service.api.openapi [--check]`."""

import argparse
import sys
from pathlib import Path

import yaml
from fastapi import FastAPI

from service.api.bare import application
from service.api.description import document

FILE = Path("openapi.yaml")


def text(app: FastAPI) -> str:
    """The document as YAML, stable from run to run."""
    return yaml.safe_dump(document(app), sort_keys=False, allow_unicode=True, width=100)


def main() -> int:
    """Write the document to standard output, or compare it with the committed file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with openapi.yaml")
    made = text(application())
    if not parser.parse_args().check:
        sys.stdout.write(made)
        return 0
    if FILE.exists() and FILE.read_text("utf-8") == made:
        return 0
    sys.stderr.write("openapi.yaml differs: run python -m service.api.openapi > openapi.yaml\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
