"""The city side has no import path to a person, a record or a key: asked of the import graph."""

import grimp
import pytest

CITY_SIDE = ("service.api.city", "service.releases", "service.contributions")
PERSONS = (
    "service.records",
    "service.residents",
    "service.prompts",
    "service.grants",
    "service.keys",
    "service.panel",
    "service.house",
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("service", "consent", cache_dir=None)


@pytest.mark.parametrize("start", CITY_SIDE)
@pytest.mark.parametrize("end", PERSONS)
def test_no_chain_of_imports_leads_from_the_city_to_a_person(
    graph: grimp.ImportGraph, start: str, end: str
) -> None:
    if end not in graph.modules:
        pytest.fail(f"{end} does not exist: the contract would guard nothing")
    assert not graph.find_shortest_chains(start, end, as_packages=True)


def test_counting_and_noise_know_neither_database_nor_framework(
    graph: grimp.ImportGraph,
) -> None:
    below = graph.find_upstream_modules("service.domain.anonymity", as_package=True)
    assert {name.partition(".")[0] for name in below} <= {"service", "consent"}
    assert all(name.startswith(("service.domain", "consent")) for name in below)


def test_the_city_routes_import_no_capability_but_releases(graph: grimp.ImportGraph) -> None:
    allowed = (
        "service.api", "service.releases", "service.identity", "service.kit",
        "service.domain", "consent",
    )  # fmt: skip
    imported = graph.find_upstream_modules("service.api.city", as_package=True)
    assert [name for name in imported if not name.startswith(allowed)] == []
