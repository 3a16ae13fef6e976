"""The Python client has one method for each operation of openapi.yaml, and no other."""

import importlib.util
import inspect
from collections import Counter
from pathlib import Path

import pytest

from kangma_client import AsyncClient, Client
from kangma_client._async.catalogue import AsyncCatalogue
from kangma_client._async.city import AsyncCity
from kangma_client._async.doctor import AsyncDoctor
from kangma_client._async.me import AsyncChild, AsyncMe
from kangma_client._async.passkeys import AsyncPasskeys
from kangma_client._sync.catalogue import Catalogue
from kangma_client._sync.city import City
from kangma_client._sync.doctor import Doctor
from kangma_client._sync.me import Child, Me
from kangma_client._sync.passkeys import Passkeys
from tests.contract.validated import document

SUFFIX = "_of_child"
ROOT = Path(__file__).resolve().parents[2]
ASYNC = (AsyncClient, AsyncCatalogue, AsyncMe, AsyncChild, AsyncDoctor, AsyncCity, AsyncPasskeys)
SYNC = (Client, Catalogue, Me, Child, Doctor, City, Passkeys)


def declared() -> set[str]:
    return {
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    }


def of_children() -> set[str]:
    """The operations of one's own that stand once more under a child, called as they are there."""
    return {name.removesuffix(SUFFIX) for name in declared() if name.endswith(SUFFIX)}


def marked(classes: tuple[type, ...]) -> Counter[str]:
    """How many methods carry the mark of each operation."""
    return Counter(
        method.__dict__["operation"]
        for one in classes
        for method in vars(one).values()
        if inspect.isfunction(method) and "operation" in method.__dict__
    )


@pytest.mark.parametrize("classes", [ASYNC, SYNC], ids=["async", "sync"])
def test_one_method_for_each_operation(classes: tuple[type, ...]) -> None:
    found = marked(classes)
    operations = {name for name in declared() if not name.endswith(SUFFIX)}
    assert len(operations) > 50
    assert operations - found.keys() == set(), "operations without a method"
    assert found.keys() - operations == set(), "methods without an operation"
    assert [name for name, count in found.items() if count > 1] == []


@pytest.mark.parametrize(("me", "child"), [(AsyncMe, AsyncChild), (Me, Child)])
def test_a_child_has_every_method_of_its_operations(me: type, child: type) -> None:
    """`child(id)` is `me` at another address: what stands twice in the contract needs no method."""
    assert issubclass(child, me)
    assert len(of_children()) > 20
    assert of_children() <= set(marked((me,)))


def test_both_clients_have_the_same_methods() -> None:
    for ours, theirs in zip(ASYNC, SYNC, strict=True):
        signatures = [
            {
                name: list(inspect.signature(method).parameters)
                for name, method in vars(one).items()
                if inspect.isfunction(method) and not name.startswith("_")
            }
            for one in (ours, theirs)
        ]
        assert signatures[0] == signatures[1]


def test_the_synchronous_client_is_the_generated_one() -> None:
    path = ROOT / "clients" / "python" / "generate_sync.py"
    described = importlib.util.spec_from_file_location("generate_sync", path)
    assert described is not None
    assert described.loader is not None
    generator = importlib.util.module_from_spec(described)
    described.loader.exec_module(generator)
    for file, text in generator.files().items():
        assert file.read_text("utf-8") == text, f"{file.name}: run generate_sync.py"
