"""How what is asked for is spread over requests."""

import json
import re

import httpx
import yaml
from infrahub_scripts import answer, client

from stateward.model.identity import ObjectKey
from stateward.ports import Query
from stateward.targets.infrahub.lots import SEARCHES
from stateward.targets.infrahub.observe import Observation
from targets import schema

KINDS = [f"Thing{letter}" for letter in "abcdefghijklmnopqrstuvw"]
SCHEMA = {
    "version": "1.0",
    "nodes": [
        {
            "namespace": "Many",
            "name": name,
            "human_friendly_id": ["name__value"],
            "attributes": [{"name": "name", "kind": "Text", "unique": True}],
        }
        for name in KINDS
    ],
}


async def test_names_of_many_kinds_are_not_all_looked_for_at_once():
    searched: list[list[str]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        text = json.loads(request.content)["query"]
        searched.append(re.findall(r"k\d+: (\w+)", text))
        aliases = re.findall(r"(\w+): \w+\(", text)
        return answer({"data": {own: {"edges": []} for own in aliases}})

    own = schema(yaml.safe_dump(SCHEMA))
    keys = [ObjectKey(f"Many{name}", ("a",)) for name in KINDS]
    async with client(respond) as asked:
        found = await Observation(asked, own, own, Query(keys=keys)).complete()
    assert found.objects == {}
    assert sorted(kind for some in searched for kind in some) == [key.kind for key in keys]
    assert [len(some) for some in searched] == [SEARCHES, SEARCHES, len(KINDS) - 2 * SEARCHES]
