"""How what is asked for is spread over requests, and what changes between two of them."""

import json
import re
from typing import Any

import httpx
import yaml
from infrahub_scripts import answer, client

from stateward.model.identity import ObjectKey
from stateward.model.state import Observed
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


STAMP = {"node_metadata": {"updated_at": "2026-01-02T03:04:05+00:00"}}


def group(name: str, members: list[str], children: list[str]) -> dict[str, Any]:
    below = [{**STAMP, "node": {"id": own, "__typename": "Group"}} for own in children]
    node = {
        "id": name,
        "name": {"value": name},
        "description": {"value": ""},
        "members": {
            "edges": [{"node": {"id": own, "__typename": "ManyThinga"}} for own in members]
        },
        "children": {"edges": below},
    }
    return {**STAMP, "node": node}


async def observed(*groups: dict[str, Any]) -> Observed:
    """Look at groups of which no member is to be found any more."""

    def respond(request: httpx.Request) -> httpx.Response:
        aliases = re.findall(r"(\w+): \w+\(", json.loads(request.content)["query"])
        found = {own: {"edges": groups if own == "groups" else []} for own in aliases}
        return answer({"data": found})

    own = schema(yaml.safe_dump(SCHEMA))
    names = [found["node"]["id"] for found in groups]
    async with client(respond) as asked:
        return await Observation(asked, own, own, Query(groups=names)).complete()


async def test_what_is_deleted_after_its_group_was_read_is_no_member():
    found = await observed(group("g", ["x"], []))
    assert (found.objects, found.groups["g"].members) == ({}, frozenset())


async def test_groups_that_somebody_put_below_each_other_are_read_to_an_end():
    found = await observed(group("g", [], ["h", "x"]), group("h", [], ["g"]))
    assert found.groups.keys() == {"g", "h"}
