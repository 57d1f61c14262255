"""From a configuration to sources that are tended."""

from pathlib import Path

import pytest

from repositories import Repository
from stateward.errors import ConfigError
from stateward.model.unit import Drift, DriftMode
from stateward.wiring import Invocation
from stateward.wiring.daemon import daemon, steady

CONFIGURED = """
instance: prod
sources:
  - {name: here, git: {url: ., interval: 5s}}
  - {name: one, git: {url: "https://git.example/a.git", ref: one}}
  - {name: two, git: {url: "https://git.example/a.git", ref: two}}
  - {name: other, git: {url: "https://git.example/b.git"}}
defaults: {drift: {mode: report, interval: 5m, fullInterval: 2h}}
run: {backoff: 2s, backoffCap: 1m, grace: 10s}
"""

SEVERAL = b"""
targets: {staging: {url: "sqlite:///.stateward/other.db"}}
sources: [{name: here}, {name: there, target: staging}, {name: too}]
"""


@pytest.fixture
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Repository(tmp_path / "repo")
    (tmp_path / "repo" / "stateward.yaml").write_text(CONFIGURED)
    monkeypatch.chdir(tmp_path / "repo")


@pytest.mark.usefixtures("_there")
async def test_every_source_is_tended_as_it_is_configured() -> None:
    async with daemon(Invocation(), lambda _event: None).build()() as found:
        assert [(own.name, own.every) for own in found.posts[0].tended] == [
            ("here", 5.0),
            ("one", 60.0),
            ("two", 60.0),
            ("other", 60.0),
        ]
        assert found.usual == Drift(mode=DriftMode.REPORT, interval=300)
        assert (found.backoff, found.cap, found.grace) == (2, 60, 10)
        rounds = [own.reconciler.round for own in found.posts[0].tended]
        assert {own.scope.rely for own in rounds} == {7200}
        assert {own.scope.instance for own in rounds} == {"prod"}
        assert len({id(own.target) for own in rounds}) == 1
        assert len({id(own.reconciler.journal) for own in found.posts[0].tended}) == 1


@pytest.mark.usefixtures("_there")
async def test_a_remote_repository_is_asked_once_for_all_its_sources() -> None:
    async with daemon(Invocation(), lambda _event: None).build()() as found:
        sources = [own.reconciler.round.loader.source for own in found.posts[0].tended]
        tips = [id(getattr(own, "tips", None)) for own in sources[1:]]
        assert tips[0] == tips[1] != tips[2]


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize(("given", "actor"), [(None, "stateward"), ("ops", "ops")])
async def test_runs_are_the_daemons_own_doing(
    monkeypatch: pytest.MonkeyPatch, given: str | None, actor: str
) -> None:
    if given is not None:
        monkeypatch.setenv("STATEWARD_ACTOR", given)
    async with daemon(Invocation(source="here"), lambda _event: None).build()() as found:
        assert found.posts[0].tended[0].reconciler.cause.actor == actor


@pytest.mark.usefixtures("_there")
async def test_one_source_may_be_named() -> None:
    async with daemon(Invocation(source="two"), lambda _event: None).build()() as found:
        assert [own.name for own in found.posts[0].tended] == ["two"]


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize(
    ("invocation", "message"),
    [
        (Invocation(repo="."), "several sources are configured, here, one, two, other: name one"),
        (Invocation(source="here", worktree=True), "the daemon follows commits"),
        (Invocation(source="nope"), "choose one of"),
    ],
    ids=["repository", "worktree", "source"],
)
def test_what_cannot_be_tended_is_refused(invocation: Invocation, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        daemon(invocation, lambda _event: None).build()


async def test_each_target_has_its_sources_and_a_lead_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Repository(tmp_path).write("stateward.yaml", SEVERAL)
    async with daemon(Invocation(), lambda _event: None).build()() as found:
        names = [[one.name for one in own.tended] for own in found.posts]
        assert names == [["here", "too"], ["there"]]
        first, second = found.posts
        assert [own.target.rsplit("/", 1)[1] for own in found.posts] == ["target.db", "other.db"]
        assert first.leadership is not second.leadership
        mandates = [one.reconciler.mandate for own in found.posts for one in own.tended]
        assert mandates == [first.leadership, first.leadership, second.leadership]


@pytest.mark.parametrize(
    ("invocation", "targets", "message"),
    [
        (Invocation(target="sqlite:///x.db"), SEVERAL, "the sources have several targets: name"),
        (
            Invocation(),
            SEVERAL.replace(b"other.db", b"target.db"),
            "target.db: two have this address and branch: name it once",
        ),
    ],
    ids=["one for all", "one twice"],
)
def test_targets_that_cannot_be_told_apart_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    invocation: Invocation,
    targets: bytes,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Repository(tmp_path).write("stateward.yaml", targets)
    with pytest.raises(ConfigError, match=message):
        daemon(invocation, lambda _event: None).build()


def test_the_clock_tells_the_time_of_day_and_never_goes_back() -> None:
    clock = steady()
    times = [clock() for _ in range(1000)]
    assert times == sorted(times)
    assert times[0] > 1_700_000_000
