"""The real repositories at their last commit, on a real server, and beside Infrahub's own tool."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reading import Fields, everything
from serving import ONE_DATASET, SCHEMAS, Repo, fitted, infrahubctl, schemas
from test_replay import check_units

from branches import Name, fresh
from live import Lab

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Given:
    """A repository, and how Infrahub's own tool is told to load it."""

    name: str
    commits: int
    objects: tuple[str, ...]
    """Directories, in an order in which references lead backwards."""
    menu: str
    config: str | None = None
    waiting: frozenset[str] = frozenset()
    """Units that wait for generators, which the server makes of a repository."""
    nameless: frozenset[Name] = frozenset()
    """What has nothing to be identified by: infrahubctl makes another one each time, and we none."""


GIVEN = (
    Given(
        name="demo-sp",
        commits=23,
        objects=("objects", "objects/datasets/isp", "objects/events"),
        menu="menus/menu.yml",
        config=ONE_DATASET,
        waiting=frozenset({"objects/events"}),
    ),
    Given(
        name="arista-avd",
        commits=111,
        objects=("objects", ".", "manual_objects"),
        menu="menus/menu.yml",
        waiting=frozenset({"."}),
        nameless=frozenset({("AvdEvpn", "Fabric-L3LS-MultiPod-A-EVPN")}),
    ),
    Given(
        name="service-catalog",
        commits=13,
        objects=("data", "."),
        menu="menu.yml",
    ),
)
POOLED = "primary_address"
"""Of service-catalog's devices: a pool gives it, and never gives it again to another branch's."""
SALTED = "HashedPassword"
IMPORTED = frozenset({"commit", "sync_status", "operational_status", "internal_status"})
"""What the server writes on repositories once it has looked into them."""


@dataclass(frozen=True, slots=True)
class Applied:
    given: Given
    repo: Repo
    before: Collection[str]
    """What was on all branches at once before."""
    report: Any


@pytest.fixture(scope="module", params=[pytest.param(own, id=own.name) for own in GIVEN])
def applied(
    request: pytest.FixtureRequest,
    lab: Lab,
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Applied]:
    """A repository, validated and applied to a branch that knew nothing of it."""
    given: Given = request.param
    directory = tmp_path_factory.mktemp(given.name)
    path = fitted(shared_data, given.name, directory, [given.commits])
    with fresh(lab, given.name, schemas(path, given.name)) as branch:
        repo = Repo(path, directory, branch, given.config)
        before = branch.everywhere()
        problems = repo.asked("validate")["problems"]
        assert {own["severity"] for own in problems} <= {"warning"}, problems
        nameless = sum(own["code"] == "SW1403" for own in problems)
        assert nameless == len(given.nameless), problems
        report = repo.applied_at_last()
        yield Applied(given, repo, before, report)


def test_all_is_applied_and_nothing_the_second_time(applied: Applied) -> None:
    waiting = applied.given.waiting
    for run in applied.report["runs"]:
        expected = "waiting" if run["unit"] in waiting else "applied"
        assert (run["outcome"], run.get("error")) == (expected, None), run["unit"]
    again = applied.repo.asked("apply", code=4 if waiting else 0)
    assert again["writes"] == 0, again


async def test_export_is_what_is_declared(
    applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, declared = await applied.repo.declared("HEAD", monkeypatch)
    assert plan.changes == ()
    check_units(applied.given.commits, plan, declared, applied.repo.exported())


def test_all_is_as_infrahubctl_makes_it(applied: Applied, lab: Lab) -> None:
    """This is the last one: what is on all branches at once cannot be made by both."""
    given, ours = applied.given, applied.repo
    made, shared = comparable(ours), ours.branch.tracked()
    with fresh(lab, f"{given.name}-ctl", schemas(ours.path, given.name)) as branch:
        theirs = Repo(ours.path, ours.path.parent, branch)
        code, said = infrahubctl(theirs, "schema", "load", *SCHEMAS[given.name], "--wait", "60")
        assert code == 0, said[-3000:]
        branch.clear(shared, applied.before)
        branch.made = shared
        refused = loaded_by_infrahubctl(theirs, given)
        found = different(made, comparable(theirs), given.nameless, refused)
    assert not found, "\n".join(found[:100])


def loaded_by_infrahubctl(repo: Repo, given: Given) -> set[str]:
    """Load all objects that Infrahub's own tool takes; return the files that it does not."""
    refused = set()
    for directory in given.objects:
        for file in sorted((repo.path / directory).glob("*.y*ml")):
            name = str(file.relative_to(repo.path))
            if name == given.menu or file.name.startswith("."):
                continue
            code, said = infrahubctl(repo, "object", "load", name)
            if code != 0:
                refused.add(f"{name}: {said[-600:]}")
    code, said = infrahubctl(repo, "menu", "load", given.menu)
    assert code == 0, said[-3000:]
    return refused


def comparable(repo: Repo) -> dict[Name, Fields]:
    found = everything(repo.branch, without={SALTED})
    for name, fields in found.items():
        if name[0].endswith("Repository"):
            found[name] = {own: value for own, value in fields.items() if own not in IMPORTED}
    return without_numbers(found)


def without_numbers(found: dict[Name, Fields]) -> dict[Name, Fields]:
    """Call what a pool gave to an object by that object: which one it is given is for the pool."""
    given = {
        peer: (peer[0], "of", *name)
        for name, fields in found.items()
        for peer in fields.get(POOLED, ())
    }
    renamed: dict[Name, Fields] = {}
    for name, fields in found.items():
        own = {
            field: sorted(given.get(peer, peer) for peer in value)
            if isinstance(value, list) and all(isinstance(peer, tuple) for peer in value)
            else value
            for field, value in fields.items()
        }
        if name in given:
            del own["address"]
        renamed[given.get(name, name)] = own
    return renamed


def different(
    ours: dict[Name, Fields],
    theirs: dict[Name, Fields],
    nameless: Collection[Name],
    refused: set[str],
) -> list[str]:
    """Return what is not the same, in words."""
    found = [f"only ours: {name}" for name in sorted(ours.keys() - theirs.keys())]
    more = theirs.keys() - ours.keys() - set(nameless)
    found += [f"only theirs: {name}" for name in sorted(more)]
    for name in sorted(ours.keys() & theirs.keys()):
        for field, value in ours[name].items():
            if value != theirs[name][field]:
                found.append(f"{name}: {field}: {value!r} and not {theirs[name][field]!r}")
    return found + (sorted(refused) if found else [])
