"""The hash of the code that counts and draws, so that a manifest says what made it."""

import hashlib
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def sha256() -> str:
    """Over the names and contents of this package's modules, in order of their names."""
    digest = hashlib.sha256()
    modules = [
        entry
        for entry in resources.files("service.domain.anonymity").iterdir()
        if entry.name.endswith(".py")
    ]
    for module in sorted(modules, key=lambda entry: entry.name):
        digest.update(f"{module.name}\n".encode() + module.read_bytes())
    return digest.hexdigest()
