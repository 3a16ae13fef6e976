"""Each layer contract is kept, and a seeded violation of each is caught.

A contract that cannot break guards nothing: a typing slip in a module name would keep it forever.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = {
    # contract id -> (file, line that breaks it)
    "service-above-consent": ("consent/grant.py", "import service.kit.clock"),
    "floors": ("service/kit/clock.py", "import service.records.store"),
    "pure": ("service/domain/life.py", "import sqlalchemy"),
    "city-has-no-way-to-a-person": ("service/releases/store.py", "import service.records.store"),
    "crypto": ("service/records/store.py", "import service.kit.crypto.aead"),
    "deciding": ("service/records/actions.py", "import consent.decide"),
    "inspection": ("service/records/actions.py", "import service.keys.inspection"),
    "http": ("service/records/actions.py", "import fastapi"),
    "no-cycles": ("consent/vocabulary.py", "import consent.decide"),
    "forms": ("service/releases/formats/sdmx.py", "import service.domain.anonymity.specification"),
}


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [command, "--no-cache", "--contract", contract],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tree")
    for name in ("consent", "service"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", target)
    return target


@pytest.mark.parametrize("contract", sorted(SEEDS))
def test_seeded_violation_is_caught(copy: Path, contract: str) -> None:
    name, line = SEEDS[contract]
    seeded = copy / name
    clean = seeded.read_text(encoding="utf-8")
    kept = lint(copy, contract)
    assert kept.returncode == 0, kept.stdout
    seeded.write_text(f"{clean}\n{line}\n", encoding="utf-8")
    try:
        broken = lint(copy, contract)
    finally:
        seeded.write_text(clean, encoding="utf-8")
    assert broken.returncode == 1, broken.stdout
    assert "BROKEN" in broken.stdout


def test_every_contract_has_a_seed() -> None:
    text = (ROOT / ".importlinter").read_text(encoding="utf-8")
    contracts = {
        line.removeprefix("[importlinter:contract:").removesuffix("]")
        for line in text.splitlines()
        if line.startswith("[importlinter:contract:")
    }
    assert contracts == set(SEEDS)
