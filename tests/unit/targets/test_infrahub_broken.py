"""Every part of every answer in turn is missing, or another thing than was asked for.

Whatever a server says: it is understood, or it is an error of ours with a code.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import reduce
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx
import pytest
import stamina
import yaml
from test_infrahub_client import answer, client

from stateward.errors import StatewardError
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Delete
from stateward.ports import Query, Recall
from stateward.schema.api import to_api
from stateward.targets.infrahub.lineage import NO_LINEAGE
from stateward.targets.infrahub.recollection import Recollection
from stateward.targets.infrahub.schemas import Library, Schemas
from stateward.targets.infrahub.session import InfrahubSession
from targets import schema

EARLY = "2026-01-02T03:04:05+00:00"
MISSING = object()
DEEP = reduce(lambda own, _: [own], range(700), None)
GROUP = "stateward/x/default/net"
USED = {"CoreNode", "NetSite", "NetDevice"}
KINDS = {
    "version": "1.0",
    "nodes": [
        {
            "namespace": "Net",
            "name": "Site",
            "human_friendly_id": ["name__value"],
            "attributes": [{"name": "name", "kind": "Text", "unique": True}],
        },
        {
            "namespace": "Net",
            "name": "Device",
            "human_friendly_id": ["site__name__value", "name__value"],
            "attributes": [
                {"name": "name", "kind": "Text"},
                {"name": "rack", "kind": "Number", "optional": True, "default_value": 3},
                {"name": "more", "kind": "JSON", "optional": True},
            ],
            "relationships": [
                {"name": "site", "peer": "NetSite", "cardinality": "one", "optional": False},
                {"name": "backups", "peer": "NetDevice", "cardinality": "many", "optional": True},
            ],
        },
    ],
}


def made(node: str, kind: str, **fields: Any) -> dict[str, Any]:
    by = {"id": "person", "display_label": "Ada"}
    stamp = {"updated_at": EARLY, "updated_by": by, "created_by": by}
    named = {"id": node, "__typename": kind, "hfid": [node], "display_label": node}
    return {"node_metadata": stamp, "node": {**named, **fields}}


def many(*edges: Any) -> dict[str, Any]:
    return {"edges": list(edges), "count": len(edges)}


def value(own: Any) -> dict[str, Any]:
    return {"value": own, "is_default": False}


IN_GROUP = many(made("g", "CoreStandardGroup", name=value(GROUP), group_type=value("default")))
SITE = made("s", "NetSite", name=value("ams"), member_of_groups=IN_GROUP)
DEVICE = made(
    "d",
    "NetDevice",
    name=value("leaf"),
    rack=value(1),
    more=value({"a": [1]}),
    site={"node": {"id": "s", "__typename": "NetSite", "name": value("ams")}},
    backups=many({"node": {"id": "e", "__typename": "NetDevice"}}),
    member_of_groups=IN_GROUP,
)
CHILD = made("c", "CoreStandardGroup", parent={"node": {"id": "g"}})
GROUPS = many(
    made(
        "g",
        "CoreStandardGroup",
        name=value(GROUP),
        description=value("stamp"),
        members=many(made("s", "NetSite"), made("d", "NetDevice")),
        children=many(CHILD),
    )
)
ROOTS = {
    "groups": GROUPS,
    "all": {"count": 3},
    "changed": many(DEVICE),
    "children": many(CHILD),
    "outside": many(),
    "CoreNode": many(SITE, DEVICE),
    "CoreGroup": many(),
    "NetSite": many(SITE),
    "NetDevice": many(DEVICE),
}


@dataclass
class Server:
    """Answers well, but for one place in one answer."""

    answers: list[Any] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    broken: tuple[int, tuple[Any, ...], Any] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        found = self._answer(request)
        number = len(self.asked)
        self.asked.append(request.url.raw_path + request.content)
        self.answers.append(found)
        if self.broken and self.broken[0] == number:
            found = changed(found, *self.broken[1:])
        return answer(found)

    def _answer(self, request: httpx.Request) -> Any:
        if request.url.path == "/api/schema/summary":
            return {"main": "hash"}
        if request.url.path == "/api/schema":
            return {"main": "hash", **SCHEMA}
        text = json.loads(request.content)["query"]
        if text.startswith("mutation"):
            return {"data": {alias: {"ok": True} for alias in re.findall(r"(m\d+): ", text)}}
        roots = re.findall(r"(\w+): (\w+)\(", text)
        names = set(re.findall(r"\w+", text))
        found = {alias: ROOTS.get(alias) or ROOTS[kind] for alias, kind in roots}
        return {"data": {alias: only(own, names) for alias, own in found.items()}}


SCHEMA = {
    section: [own for own in kinds if own["kind"] in USED]
    for section, kinds in to_api(schema(yaml.safe_dump(KINDS))).items()
}


def only(own: Any, names: set[str]) -> Any:
    """Leave out what was not asked for."""
    if isinstance(own, dict):
        return {name: only(part, names) for name, part in own.items() if name in names}
    return [only(part, names) for part in own] if isinstance(own, list) else own


def changed(own: Any, path: tuple[Any, ...], instead: Any) -> Any:
    if not path:
        return instead
    found = deepcopy(own)
    *way, last = path
    place = reduce(lambda at, part: at[part], way, found)
    if instead is MISSING:
        del place[last]
    else:
        place[last] = instead
    return found


def places(own: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every part of a JSON value."""
    items = (
        own.items() if isinstance(own, dict) else enumerate(own if isinstance(own, list) else ())
    )
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


async def everything(server: Server) -> None:
    """Ask for all that a session can be asked for, twice, and write."""
    async with client(server) as own:
        schemas = Schemas(own, "main", Library())
        await schemas.open(None)
        recollection = Recollection("main", None, time.time)
        session = InfrahubSession(own, schemas, True, recollection, 0.0, NO_LINEAGE)
        query = Query(
            keys=[ObjectKey("NetDevice", ("ams", "spine"))],
            references=[ObjectKey("NetSite", ("fra",))],
            groups=[GROUP],
            fields={"NetDevice": {"name", "rack", "more", "site", "backups"}, "NetSite": {"name"}},
            recall=Recall(name="all", max_age=1e9),
        )
        for _ in range(2):
            await session.groups("stateward/")
            await session.observe(query)
        await session.holds(["s", "d"], GROUP)
        await session.claims(["s", "d"], GROUP)
        await session.pointers(["s", "d"])
        await session.writers(["s", "d"])
        site = Create(id=str(uuid4()), kind="NetSite", attributes={"name": "fra"})
        await session.apply([site, Delete(id="d", kind="NetDevice")])


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=1):
        yield


async def test_all_is_well_as_it_is():
    await everything(Server())


@pytest.mark.parametrize(
    "instead", [[MISSING, None, 7, "x", {}], [[[]]], [DEEP]], ids=["any", "list", "deep"]
)
async def test_every_part_of_an_answer_may_be_another_thing(instead: list[Any]):
    well = Server()
    await everything(well)
    refused = 0
    for (number, place), other in zip(parts(well), cycle(instead), strict=False):
        with suppress(StatewardError):
            await everything(Server(broken=(number, place, other)))
            continue
        refused += 1
    assert refused > 100


def parts(well: Server) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield every part of every answer; of answers to the same question, of the first."""
    known = set()
    for number, (asked, own) in enumerate(zip(well.asked, well.answers, strict=True)):
        if asked not in known:
            known.add(asked)
            yield from ((number, place) for place in places(own))
