"""What a client of either kind asks without a record of its own: as anybody, and as the city."""

import inspect
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from kangma_client import Invalid, NotFound
from kangma_client import Unauthenticated as SignedOut


async def of(answer: Any) -> Any:
    """What a method of either client answers; all items, where it is a list."""
    if inspect.isawaitable(answer):
        return await answer
    if hasattr(answer, "__aiter__"):
        return [item async for item in answer]
    return list(answer) if isinstance(answer, Iterator) else answer


async def look_around(client: Any) -> str:
    """What everybody may ask; answers with a division to live in."""
    words = client.catalogue
    assert (await of(words.health()))["status"] == "ok"
    assert (await of(words.readiness()))["status"] == "ready"
    assert (await of(words.version()))["contract"] == 1
    with suppress(NotFound):
        # There is none until the server's minute is over in which somebody looked at something.
        assert (await of(words.checkpoint()))["size"] > 0
    assert (await of(words.jwks()))["keys"]
    assert (await of(words.authorization_server()))["token_endpoint"].endswith("/v1/auth/token")
    assert len(await of(words.measures())) > 100
    assert (await of(words.measure("body_weight")))["unit"] == "kg"
    assert len(await of(words.data_classes())) == 11
    assert "care" in {purpose["code"] for purpose in await of(words.purposes())}
    assert {"care", "statistics"} <= {notice["id"] for notice in await of(words.notices())}
    assert (await of(words.questionnaire("phq9")))["items"]
    assert len(await of(words.questionnaires())) > 1
    alarm = await of(words.score_questionnaire("phq9", {"phq9_9": 1}))
    assert (alarm["total"], "12356" in alarm["safety"]["numbers"]) == (None, True)
    standards = {standard["id"] for standard in await of(words.standards())}
    assert "cn-nsphs-2014" in standards
    assert (await of(words.standard("cn-npfs-2023")))["status"] == "provisional"
    fitness = await of(words.score_standard("cn-nsphs-2014", "female", {"sr": 12}, grade="8"))
    assert (fitness["item_scores"], fitness["total"]) == ({"sr": 74}, None)
    growth = await of(words.growth(sex="female", age_days=730, height=84))
    assert growth["findings"][0]["z"] == -0.74
    models = {model["id"]: model for model in await of(words.models())}
    assert (await of(words.model("cn_body_size")))["citation"] == models["cn_body_size"]["citation"]
    answer = await of(words.evaluate("cn_body_size", {"bmi": 24.2, "sex": "female"}))
    assert answer["category"] == "overweight"
    with pytest.raises(Invalid) as refusal:
        await of(words.evaluate("cn_body_size", {"no_such_input": 1}))
    assert refusal.value.faults
    assert (await of(words.verify("no code")))["valid"] is False
    with pytest.raises(NotFound):
        await of(words.measure("no_such"))
    communities = await of(words.regions(level="community"))
    return str(communities[0]["code"])


async def govern(client: Any, release: str) -> None:
    """All the city can ask."""
    city = client.city
    assert release in {one["release_id"] for one in await of(city.releases())}
    assert (await of(city.release(release)))["release_id"] == release
    assert (await of(city.signature(release)))["jws"].count(".") == 2
    table = await of(city.table(release))
    assert table.startswith("level,")
    rows = await of(city.table(release, format="json"))
    assert (await of(city.table(release, format="parquet"))).startswith(b"PAR1")
    assert len(rows["items"]) == len(table.splitlines()) - 1
    cells = await of(city.cells(release, metric="bmi", level="city", sex="all", age="all"))
    assert {cell["metric"] for cell in cells} == {"bmi"}
    assert (await of(city.map(release, metric="bmi")))["features"]
    assert isinstance(await of(city.indicators()), list)
    assert (await of(city.specification()))["id"]
    charges = (await of(city.budget()))["charges"]
    assert release in {charge["release_id"] for charge in charges}
    assert await of(city.imported_series()) == []
    assert [one["node"] for one in await of(city.nodes())] == ["own"]
    assert (await of(city.node_release("own", release)))["release_id"] == release
    assert (await of(city.node_signature("own", release)))["jws"].count(".") == 2
    assert await of(city.node_table("own", release)) == table
    own = city.node_cells("own", release, metric="bmi", level="city", sex="all", age="all")
    assert await of(own) == cells
    assert (await of(city.merged(release)))["missing"] == []
    with pytest.raises(SignedOut):
        await of(client.me.profile())
