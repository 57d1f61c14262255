"""One process and two targets: each has its sources, its lead, and rounds that wait for no other."""

import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from commands import Cli, asked
from repositories import Repository
from tending import Process, change

CONFIGURED = """
defaults: {drift: {interval: 2s}}
leader: {within: 10s}
targets: {staging: {url: "sqlite:///.stateward/staging.db"}}
sources: [{name: live}, {name: trial, target: staging}]
"""
UNIT = "objects/network"


@pytest.fixture
def repo(repo: Repository) -> Repository:
    (repo.path / "stateward.yaml").write_text(CONFIGURED)
    return repo


@pytest.fixture
def address() -> dict[str, str]:
    return {"STATEWARD_LISTEN": "127.0.0.1:0"}


@pytest.fixture
def rival(repo: Repository) -> Iterator[Process]:
    """Another daemon, which has one of the targets only, and leads there."""
    with Process(repo.path, "--source", "trial") as own:
        own.until("leading", term=1)
        own.until("round", trigger="start")
        yield own


def holds(cli: Cli, source: str) -> set[str]:
    """Return the units whose objects there are in the target of a source."""
    found = asked(cli, "export", "--source", source)
    return {own["unit"] for own in found["objects"] if own["unit"]}


def metric(address: str, name: str) -> dict[str, float]:
    """Return a number of each target, by the end of its name."""
    text = httpx.get(f"http://{address}/metrics").text
    rows = re.findall(rf'^stateward_{name}{{target=".*/(\w+)\.db"}} (\S+)$', text, re.MULTILINE)
    return {target: float(value) for target, value in rows}


def both(own: Process, **fields: str) -> None:
    """Wait until each of the sources has had such a round."""
    done: set[str] = set()
    while done != {"live", "trial"}:
        done.add(own.until("round", **fields)["source"])


def test_each_source_is_brought_about_in_its_target(
    repo: Repository, cli: Cli, address: dict[str, str]
) -> None:
    with Process(repo.path, **address) as own:
        at = own.until("listening")["address"]
        both(own)
        started = [one for one in own.seen if one["action"] == "started"]
        assert [(one["sources"], one["target"][-10:]) for one in started] == [
            (1, "/target.db"),
            (1, "staging.db"),
        ]
        assert httpx.get(f"http://{at}/readyz").status_code == 200
        assert metric(at, "leading") == {"target": 1, "staging": 1}
        both(own, revision=change(repo, 9214, 9000))
        own.signal(signal.SIGTERM)
        assert own.end() == 0
    shown = {one["source"]: one["target"] for one in asked(cli, "status")["sources"]}
    assert (shown["live"][-10:], shown["trial"][-10:]) == ("/target.db", "staging.db")
    assert holds(cli, "live") == holds(cli, "trial") >= {UNIT}


def test_who_stands_by_for_one_is_at_work_on_the_other(
    repo: Repository, rival: Process, address: dict[str, str]
) -> None:
    with Process(repo.path, **address) as own:
        at = own.until("listening")["address"]
        own.until("round", source="live")
        assert metric(at, "leading") == {"target": 1, "staging": 0}
        assert httpx.get(f"http://{at}/readyz").status_code == 200
        commit = change(repo, 9214, 9000)
        own.until("round", source="live", revision=commit)
        rival.until("round", source="trial", revision=commit)
        assert not [one for one in own.seen if one.get("source") == "trial"]
        rival.signal(signal.SIGTERM)
        assert rival.end() == 0
        own.until("leading", term=2)
        both(own, revision=change(repo, 9000, 9214))
        assert metric(at, "leader_term") == {"target": 1, "staging": 2}
        own.signal(signal.SIGTERM)
        assert own.end() == 0
        actions = [one["action"] for one in own.seen]
        assert "reloaded" not in actions
        assert actions.count("started") == 2


def test_a_lead_that_is_lost_ends_what_is_done_there_and_nothing_else(
    repo: Repository, address: dict[str, str]
) -> None:
    with Process(repo.path, **address) as own:
        at = own.until("listening")["address"]
        both(own)
        own.signal(signal.SIGSTOP)
        with Process(repo.path, "--source", "trial") as rival:
            rival.until("leading", term=2)
            own.signal(signal.SIGCONT)
            own.until("lead-lost", term=1)
            commit = change(repo, 9214, 9000)
            rival.until("round", source="trial", revision=commit)
            own.until("round", source="live", revision=commit)
            assert metric(at, "leading") == {"target": 1, "staging": 0}
            rival.signal(signal.SIGTERM)
            assert rival.end() == 0
        own.until("round", source="trial", revision=change(repo, 9000, 9214))
        own.signal(signal.SIGTERM)
        assert own.end() == 0


def test_commands_go_by_the_source(repo: Repository, cli: Cli) -> None:
    assert cli("run", "--once")[0] == 0
    assert holds(cli, "live") == holds(cli, "trial") >= {UNIT}
    change(repo, 9214, 9000)
    asked(cli, "apply", "--source", "trial")
    assert asked(cli, "plan", "--source", "trial")["changes"] == []
    assert asked(cli, "plan", "--source", "live")["changes"] != []
    (last, *_) = asked(cli, "history", "--limit", "1")["runs"]
    assert last["target"].endswith("staging.db")
    undone = asked(cli, "rollback", last["run"])
    assert undone["problems"] == []
    assert undone["writes"] > 0
    (last, *_) = asked(cli, "history", "--limit", "1")["runs"]
    assert last["target"].endswith("staging.db")


def test_a_commit_is_taken_back_where_its_source_is(repo: Repository, cli: Cli) -> None:
    assert cli("run", "--once")[0] == 0
    commit = change(repo, 9214, 9000)
    assert cli("run", "--once")[0] == 0
    undone = asked(cli, "rollback", "--commit", commit, "--source", "trial")
    assert undone["writes"] > 0
    assert asked(cli, "plan", "--source", "live")["changes"] == []


@pytest.mark.parametrize(
    ("said", "arguments", "message"),
    [
        (
            CONFIGURED.replace("target: staging", "target: stagign"),
            (),
            "stateward.yaml:5:47: sources.1.target: stagign: no such target: targets has staging",
        ),
        (
            CONFIGURED,
            ("--target", "sqlite:///x.db"),
            "--source: not given: choose one of live, trial",
        ),
    ],
)
def test_what_is_not_clear_is_refused(
    repo: Repository, cli: Cli, said: str, arguments: tuple[str, ...], message: str
) -> None:
    (repo.path / "stateward.yaml").write_text(said)
    code, _ = cli("run", "--once", *arguments)
    assert code != 0
    assert message in cli.errors
