"""Rounds on a real server: drift, strangers, claims, refusals, and a schema that moves."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from serving import Repo

from accounts import account
from branches import Branch, fresh
from live import Lab
from repositories import Repository
from stateward import wiring
from stateward.model.mutation import Delete, Mutation, Refusal
from stateward.ports import Session, Target

SITES = """
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: LiveSite
  data:
    - name: {name}
      note: declared
    - name: {name}-leaving
"""
DEVICES = """
apiVersion: infrahub.app/v1
kind: Object
spec:
  kind: LiveDevice
  data:
    - name: {name}
      site: {name}
      interfaces:
        kind: LiveInterface
        data:
          - name: eth0
          - name: eth1
    - name: {name}-leaving
      site: {name}-leaving
      interfaces:
        kind: LiveInterface
        data: [{{name: eth0}}]
"""
LIVE_SCHEMA = """
version: "1.0"
nodes:
  - namespace: Live
    name: Site
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
  - namespace: Live
    name: Device
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: note, kind: Text, optional: true}
    relationships:
      - {name: site, peer: LiveSite, cardinality: one, optional: false, kind: Attribute, identifier: live_device__site}
      - {name: interfaces, peer: LiveInterface, cardinality: many, kind: Component, identifier: live_device__interfaces}
  - namespace: Live
    name: Interface
    human_friendly_id: [device__name__value, name__value]
    uniqueness_constraints: [[device, name__value]]
    attributes:
      - {name: name, kind: Text}
      - {name: note, kind: Text, optional: true}
    relationships:
      - {name: device, peer: LiveDevice, cardinality: one, optional: false, kind: Parent, identifier: live_device__interfaces}
"""


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    """One branch for all tests here: each has objects and tracking groups of its own."""
    with fresh(lab, "rounds") as own:
        yield own


class Sites(Repo):
    """A repository with two sites, each with a device and its interfaces."""

    def __init__(self, name: str, directory: Path, branch: Branch) -> None:
        self.name = name
        self.files = Repository(directory / "repo")
        self.files.write("schemas/live.yml", LIVE_SCHEMA.encode())
        self.files.write("objects/sites.yml", SITES.format(name=name).encode())
        self.files.write("objects/devices.yml", DEVICES.format(name=name).encode())
        self.files.commit("what is wanted")
        super().__init__(self.files.path, directory, branch)
        self.environment["STATEWARD_INSTANCE"] = name

    def applied(self) -> "Sites":
        report = self.asked("apply")
        assert [run["outcome"] for run in report["runs"]] == ["applied"], report
        return self

    def change(self, file: str, old: str, new: str) -> None:
        """Commit other contents of a file of objects."""
        path = self.path / "objects" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.files.commit("another wish")

    def leave(self, *files: str) -> None:
        """Declare what is called ``…-leaving`` no more."""
        for file in files:
            path = self.path / "objects" / file
            path.write_text(path.read_text().split(f"    - name: {self.name}-leaving")[0])
        self.files.commit("less is wanted")

    def one(self, kind: str, name: str, selection: str = "note { value }") -> Any:
        """Return an object by its name, None where there is none."""
        found = self.branch.find(kind, selection, name__value=name)
        assert len(found) < 2
        return found[0] if found else None


@pytest.fixture
def sites(request: pytest.FixtureRequest, branch: Branch, tmp_path: Path) -> Sites:
    name = request.node.name.removeprefix("test_").replace("_", "-")
    return Sites(name, tmp_path, branch)


def test_wrong_token(sites: Sites) -> None:
    token = "00000000-0000-4000-8000-00000000feed"  # noqa: S105
    sites.environment["INFRAHUB_API_TOKEN"] = token
    for command in ("plan", "apply"):
        answer = sites.run(command, code=1)
        assert answer == ""
        assert "SW3009" in sites.errors
        assert token not in sites.errors


def test_no_permission(sites: Sites) -> None:
    """What the account may not do is refused by name, and what needs it is skipped."""
    rights = {"*": "view", "CoreStandardGroup": "any", "LiveSite": "any"}
    administrator = sites.environment["INFRAHUB_API_TOKEN"]
    sites.branch.load_schema(yaml.safe_load(LIVE_SCHEMA))
    with account(sites.branch.lab, rights) as token:
        sites.environment["INFRAHUB_API_TOKEN"] = token
        (run,) = sites.asked("apply", code=1)["runs"]
        assert token not in str(run) + sites.errors
    assert run["outcome"] == "failed"
    assert "SW3010" in run["error"]
    assert "object:Live:Device:create" in run["error"]
    assert sites.one("LiveSite", sites.name) is not None
    assert sites.one("LiveDevice", sites.name) is None

    sites.environment["INFRAHUB_API_TOKEN"] = administrator
    sites.applied()
    assert sites.asked("apply")["writes"] == 0


def test_hand_edit_is_corrected(sites: Sites) -> None:
    sites.applied()
    before = sites.one("LiveSite", sites.name)
    sites.branch.edit("LiveSite", before["id"], note="by hand")

    plan = sites.asked("plan", "--detailed-exitcode", code=2)
    (change,) = plan["changes"]
    assert (change["action"], change["hfid"]) == ("update", [sites.name])
    assert change["fields"] == [{"name": "note", "old": "by hand", "new": "declared"}]

    assert sites.asked("apply")["digest"] == plan["digest"]
    assert sites.one("LiveSite", sites.name) == before
    assert sites.asked("apply")["writes"] == 0


def test_handmade_objects_are_untouched(sites: Sites) -> None:
    sites.applied()
    site = sites.branch.make("LiveSite", name=f"{sites.name}-by-hand", note="ours alone")
    device = sites.branch.make("LiveDevice", name=f"{sites.name}-by-hand", site={"id": site})
    text = "query($i: [ID]) { CoreNode(ids: $i) { edges { node_metadata { updated_at } } } }"
    before = sites.branch.ask(text, i=[site, device])
    sites.leave("sites.yml", "devices.yml")

    deleted = sites.asked("apply")["runs"][0]["summary"]["delete"]
    assert deleted == 3
    assert len(before["CoreNode"]["edges"]) == 2
    assert sites.branch.ask(text, i=[site, device]) == before


def test_stranger_under_a_declared_name(sites: Sites) -> None:
    sites.applied()
    sites.branch.make("LiveSite", name=f"{sites.name}-taken", note="somebody else's")
    sites.change(
        "sites.yml",
        f"- name: {sites.name}-leaving",
        f"- name: {sites.name}-leaving\n    - name: {sites.name}-taken\n      note: ours",
    )

    report = sites.asked("apply", code=1)
    assert [own["code"] for own in report["problems"]] == ["SW1502"]
    assert report["writes"] <= 1
    assert sites.one("LiveSite", f"{sites.name}-taken")["note"]["value"] == "somebody else's"


def test_schema_changed_between_plan_and_apply(sites: Sites, tmp_path: Path) -> None:
    sites.applied()
    sites.change("sites.yml", "note: declared", "note: other")
    file = tmp_path / "plan.json"
    sites.run("plan", "--out", str(file))
    more = {"name": "more", "kind": "Text", "optional": True}
    extension = {"kind": "LiveSite", "attributes": [more]}
    sites.branch.load_schema({"version": "1.0", "extensions": {"nodes": [extension]}})

    sites.stateward("apply", str(file), code=1)
    assert "SW1507" in sites.errors
    assert sites.one("LiveSite", sites.name)["note"]["value"] == "declared"
    sites.run("apply")
    assert sites.one("LiveSite", sites.name)["note"]["value"] == "other"


CLAIMING = {
    "CoreGeneratorAwareGroup": "-aware",
    "CoreGeneratorGroup": "-made",
    "CoreStandardGroup": "-script-0123456789abcdef0123456789abcdef",
}
"""Kinds of groups in which other tools keep what they made, and how one is called: the last is the SDK's."""


def test_claimed_by_other_tools(sites: Sites) -> None:
    sites.applied()
    claimed = sites.one("LiveSite", f"{sites.name}-leaving")
    groups = [f"{sites.name}{end}" for end in CLAIMING.values()]
    for kind, group in zip(CLAIMING, groups, strict=True):
        sites.branch.make(kind, name=group, members=[{"id": claimed["id"]}])
    sites.leave("sites.yml", "devices.yml")

    changes = {(own["kind"], own["hfid"][0]): own for own in sites.asked("plan")["changes"]}
    release = changes["LiveSite", f"{sites.name}-leaving"]
    assert release["action"] == "release"
    assert release["stays"] == f"claimed by the group {', '.join(sorted(groups))}"
    assert f"claimed by the group {sites.name}-aware" in sites.run("plan")
    sites.run("apply")
    assert sites.one("LiveDevice", f"{sites.name}-leaving") is None
    selection = "note { value } member_of_groups { edges { node { display_label } } }"
    after = sites.one("LiveSite", f"{sites.name}-leaving", selection)
    assert after["id"] == claimed["id"]
    left = {own["node"]["display_label"] for own in after["member_of_groups"]["edges"]}
    assert left == set(groups)
    assert sites.asked("apply")["writes"] == 0


def test_cascade_is_in_the_plan(sites: Sites) -> None:
    sites.applied()
    sites.leave("devices.yml")
    plan = sites.asked("plan")
    deletes = {(own["kind"], *own["hfid"]) for own in plan["changes"]}
    name = f"{sites.name}-leaving"
    assert deletes == {("LiveDevice", name), ("LiveInterface", name, "eth0")}
    assert {own["action"] for own in plan["changes"]} == {"delete"}

    sites.run("apply")
    assert sites.one("LiveDevice", name) is None
    assert sites.asked("apply")["writes"] == 0


def test_nothing_foreign_goes_along_with_a_delete(sites: Sites) -> None:
    sites.applied()
    name = f"{sites.name}-leaving"
    device = sites.one("LiveDevice", name)
    sites.branch.make("LiveInterface", name="by-hand", device={"id": device["id"]})
    sites.leave("devices.yml")

    said = sites.run("plan")
    assert f"LiveInterface/{name}/by-hand" in said
    (run,) = sites.asked("apply")["runs"]
    (survivor,) = run["survivors"]
    assert survivor["hfid"] == [name]
    assert f"LiveInterface/{name}/by-hand" in survivor["reason"]
    assert sites.one("LiveDevice", name) == device


class Hasty:
    """Somebody else who changes the target right before our first delete reaches it."""

    def __init__(self, target: Target, act: Callable[[], None]) -> None:
        self._target = target
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    @asynccontextmanager
    async def session(self, *given: Any, **more: Any) -> AsyncIterator[Session]:
        async with self._target.session(*given, **more) as session:
            yield _HastySession(session, self._act)  # type: ignore[misc]


class _HastySession:
    def __init__(self, session: Session, act: Callable[[], None]) -> None:
        self._session = session
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def apply(self, mutations: Sequence[Mutation]) -> Sequence[Refusal | None]:
        if any(isinstance(own, Delete) for own in mutations):
            self._act()
            self._act = lambda: None
        return await self._session.apply(mutations)


async def test_refused_delete_is_a_survivor(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.applied()
    sites.leave("sites.yml", "devices.yml")
    name = f"{sites.name}-leaving"
    site = sites.one("LiveSite", name)

    def need_it() -> None:
        sites.branch.make("LiveDevice", name=f"{sites.name}-late", site={"id": site["id"]})

    for variable, value in sites.environment.items():
        monkeypatch.setenv(variable, value)
    wired = wiring.wire(wiring.Invocation(repo=str(sites.path), target=sites.branch.url))
    wired.round.target = Hasty(wired.round.target, need_it)
    async with wiring.reconciler(wired) as reconciler:
        _, report = await reconciler.apply(None, expected=None, progress=lambda *_: None)

    (run,) = report.runs
    (survivor,) = run.survivors
    assert survivor.key.hfid == (name,)
    assert "linked to mandatory relationship site on node LiveDevice" in survivor.reason
    assert sites.one("LiveSite", name) == site
    (again,) = sites.asked("apply")["runs"]
    assert f"LiveDevice/{sites.name}-late cannot be without it" in again["survivors"][0]["reason"]
