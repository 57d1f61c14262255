"""What leads to objects of a server, by what the server is asked and answers."""

import json
from typing import Any

import httpx
from infrahub_scripts import answer, client

from stateward.model.state import Pointer
from stateward.targets.infrahub.pointers import Pointers
from stateward.targets.infrahub.queries import GROUP, NODE
from targets import schema

TAG, OTHER, LEAF, SPINE = ("t" * 8, "o" * 8, "l" * 8, "s" * 8)


def told(request: httpx.Request) -> httpx.Response:
    """Answer as a server with one device that has both tags, and one kind to ask for them."""
    text = json.loads(request.content)["query"]
    found: dict[str, Any] = {}
    if "__typename" in text:
        kinds = [{"id": TAG, "__typename": "BuiltinTag"}, {"id": LEAF, "__typename": "SuiteDevice"}]
        found = {NODE: edges(*kinds), GROUP: edges()}
    for alias in [own.split(":")[0] for own in text.split() if own.startswith("k")]:
        found[alias] = edges()
    if "SuiteDevice(tags__ids" in text:
        (alias,) = (own for own in found if f"{own}: SuiteDevice(tags__ids" in text)
        tags = edges({"id": TAG}, {"id": OTHER})
        found[alias] = edges({"id": LEAF, "tags": tags}, {"id": SPINE, "tags": edges({"id": TAG})})
    return answer({"data": found})


def edges(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"edges": [{"node": own} for own in nodes]}


async def test_are_those_of_the_objects_that_were_asked_for() -> None:
    async with client(told) as own:
        found = await Pointers(own, schema()).of([TAG, LEAF])
    assert found == {TAG: [Pointer(LEAF, "tags", many=True), Pointer(SPINE, "tags", many=True)]}
