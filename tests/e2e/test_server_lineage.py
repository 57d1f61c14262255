"""Whose values are, on a real server: written along with them, and never fought over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Repo

from accounts import account
from branches import Branch, fresh
from live import Lab
from repositories import Repository
from stateward.model.mutation import Allocation, Create
from stateward.targets.infrahub.lineage import Lineage
from targets import World, new_id, schema

SCHEMA = """
version: "1.0"
nodes:
  - namespace: Owned
    name: Site
    human_friendly_id: [name__value]
    attributes: [{name: name, kind: Text, unique: true}]
  - namespace: Owned
    name: Device
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
      - {name: label, kind: Text, optional: true}
      - {name: free, kind: Text, optional: true}
      - {name: password, kind: HashedPassword, optional: true}
    relationships:
      - {name: site, peer: OwnedSite, cardinality: one, optional: true, identifier: owned_device__site}
      - {name: backups, peer: OwnedSite, cardinality: many, optional: true, identifier: owned_device__backups}
"""
OBJECTS = """
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: OwnedSite
  data: [{{name: {name}}}, {{name: {name}-2}}]
---
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: OwnedDevice
  data:
    - name: {name}
      note: first
      label: {{value: red, owner: Super Administrators}}
      free: {{value: yours, is_protected: false}}
      password: secret
      site: {name}
      backups: [{name}, {name}-2]
"""
LINEAGE = "target: {lineage: {source: true, owner: true, protect: true}}\n"
METADATA = "source { id } owner { id } is_protected"
FIELDS = ("name", "note", "label", "free", "password")
SELECTION = (
    " ".join(f"{name} {{ value {METADATA} }}" for name in FIELDS)
    + f" site {{ properties {{ {METADATA} }} }}"
    + f" backups {{ edges {{ properties {{ {METADATA} }} }} }}"
)


pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "lineage") as own:
        yield own


@pytest.fixture(scope="module")
def administrators(branch: Branch) -> str:
    """Somebody else, who may own a value."""
    (found,) = branch.find("CoreAccountGroup", name__value="Super Administrators")
    return str(found["id"])


@pytest.fixture(scope="module")
def me(branch: Branch) -> str:
    return str(branch.ask("{ AccountProfile { id } }")["AccountProfile"]["id"])


class Owned(Repo):
    """A repository with one device, and what the server holds of it."""

    def __init__(self, name: str, directory: Path, branch: Branch, config: str) -> None:
        self.name = name
        self.files = Repository(directory / "repo")
        self.files.write("schemas/owned.yml", SCHEMA.encode())
        self.files.write("objects/all.yml", OBJECTS.format(name=name).encode())
        self.files.commit("what is wanted")
        super().__init__(self.files.path, directory, branch, config)
        self.environment["STATEWARD_INSTANCE"] = name

    def applied(self) -> int:
        """Apply, and return how many mutations were sent."""
        report = self.asked("apply")
        assert not report["problems"], report
        return int(report["writes"])

    def change(self, old: str, new: str) -> None:
        path = self.path / "objects" / "all.yml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.files.commit("another wish")

    def device(self) -> Any:
        (found,) = self.branch.find("OwnedDevice", SELECTION, name__value=self.name)
        return found


def lineage(own: Any) -> tuple[str | None, str | None, bool]:
    """Return the source, the owner and the protection of a field."""
    source, owner = ((own[name] or {}).get("id") for name in ("source", "owner"))
    return source, owner, bool(own["is_protected"])


@pytest.fixture
def owned(request: pytest.FixtureRequest, branch: Branch, tmp_path: Path) -> Owned:
    name = request.node.name.removeprefix("test_").replace("_", "-")
    return Owned(name, tmp_path, branch, LINEAGE)


@pytest.mark.long
def test_values_carry_whose_they_are(owned: Owned, me: str, administrators: str) -> None:
    assert owned.applied() > 0
    found = owned.device()
    for name in ("name", "note", "password"):
        assert lineage(found[name]) == (me, me, True), name
    assert lineage(found["label"]) == (me, administrators, False)
    assert lineage(found["free"]) == (me, me, False)
    assert lineage(found["site"]["properties"]) == (me, me, True)
    peers = [lineage(edge["properties"]) for edge in found["backups"]["edges"]]
    assert peers == [(me, me, True)] * 2
    groups = owned.branch.find("CoreStandardGroup", f"name {{ value {METADATA} }}")
    own = [group["name"] for group in groups if f"/{owned.name}/" in group["name"]["value"]]
    assert [lineage(name) for name in own] == [(None, None, False)]
    assert owned.applied() == 0

    owned.change("note: first", "note: second")
    owned.change("value: red", "value: blue")
    owned.applied()
    found = owned.device()
    assert (found["note"]["value"], lineage(found["note"])) == ("second", (me, me, True))
    assert found["label"]["value"] == "blue"
    assert lineage(found["label"]) == (me, administrators, False)
    assert owned.applied() == 0

    owned.change("      note: second\n", "")
    owned.applied()
    note = owned.device()["note"]
    assert (note["value"], note["is_protected"]) == (None, False)
    assert owned.applied() == 0


@pytest.mark.long
def test_others_are_refused_by_nobody_but_the_web_interface(owned: Owned, me: str) -> None:
    """The API of this version looks at no protection: what others change there is drift."""
    owned.applied()
    text = "mutation($d: OwnedDeviceUpdateInput!) { OwnedDeviceUpdate(data: $d) { ok } }"
    with account(owned.branch.lab, {"*": "any"}, "edit_default_branch") as token:
        note = {"value": "theirs", "owner": None, "is_protected": False}
        answer = httpx.post(
            f"{owned.branch.lab.address}/graphql/{owned.branch.name}",
            headers={"X-INFRAHUB-KEY": token},
            json={"query": text, "variables": {"d": {"id": owned.device()["id"], "note": note}}},
            timeout=120,
        ).json()
    assert answer == {"data": {"OwnedDeviceUpdate": {"ok": True}}}
    assert owned.device()["note"]["value"] == "theirs"
    owned.applied()
    found = owned.device()["note"]
    assert (found["value"], lineage(found)) == ("first", (me, me, True))
    assert owned.applied() == 0


def test_turning_it_on_writes_nothing(owned: Owned, tmp_path: Path, me: str) -> None:
    (tmp_path / "stateward.yaml").write_text("# nothing\n")
    owned.applied()
    assert lineage(owned.device()["note"]) == (None, None, False)
    (tmp_path / "stateward.yaml").write_text(LINEAGE)
    assert owned.applied() == 0
    owned.change("note: first", "note: second")
    owned.applied()
    found = owned.device()
    assert lineage(found["note"]) == (me, me, True)
    assert lineage(found["name"]) == (None, None, False)


def test_nobody_writes_nothing(owned: Owned) -> None:
    del owned.environment["INFRAHUB_API_TOKEN"]
    report = owned.asked("apply", code=1)
    assert "SW3009" in str(report["runs"]), report
    group = f"stateward/{owned.name}/default/objects"
    assert owned.branch.find("CoreStandardGroup", name__value=group) == []


async def test_pool_stays_the_source(lab: Lab, tmp_path: Path) -> None:
    own = Lineage(source=True, owner=True, protect=True)
    async with lab.target(tmp_path, lineage=own).session(schema(), write=True) as session:
        await session.load_schema()
        world = World(session)
        pool = await world.make(
            "CoreNumberPool",
            name=world.named("numbers"),
            node="SuiteTenant",
            node_attribute="number",
            start_range=1,
            end_range=9,
        )
        tenant = Create(
            id=new_id(),
            kind="SuiteTenant",
            attributes={"name": world.named("tenant"), "number": Allocation(pool=pool)},
            metadata=frozenset(),
        )
        await world.do(tenant)
        found = await world.read(tenant.id, "name.source", "number", "number.is_protected")
    assert found.pools["number"] == pool
    assert found.attributes["number.is_protected"] is True
    assert found.relations["name.source"] is not None
