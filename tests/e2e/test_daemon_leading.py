"""Two daemons on one target: one is at work, and the other takes over, whatever becomes of the first."""

import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from commands import Cli, asked
from repositories import Repository
from rounds import objects
from tending import Process, change, wrote

WITHIN = 3
"""Seconds within which another one takes over."""
SLACK = 4
"""Seconds more, for a busy machine: the election itself is tested to the second elsewhere."""


@pytest.fixture
def repo(repo: Repository) -> Repository:
    said = f"defaults: {{drift: {{interval: 2s}}}}\nleader: {{within: {WITHIN}s}}\n"
    (repo.path / "stateward.yaml").write_text(said)
    return repo


@contextmanager
def both(repo: Repository, **environment: str) -> Iterator[tuple[Process, Process]]:
    """Run two daemons; the first one leads, and has had its first round."""
    with ExitStack() as stack:
        first = stack.enter_context(Process(repo.path))
        first.until("leading", term=1)
        first.until("round", trigger="start")
        second = stack.enter_context(Process(repo.path, **environment))
        if environment:
            second.until("listening")
        if not any(own["action"] == "standing-by" for own in second.seen):
            second.until("standing-by", term=1)
        yield first, second


def runs(repo: Repository) -> int:
    with closing(sqlite3.connect(repo.path / ".stateward" / "state.db")) as db:
        (count,) = db.execute("SELECT count(*) FROM record WHERE type = 'begin'").fetchone()
    return int(count)


def test_one_works_and_the_other_says_that_it_stands_by(repo: Repository, cli: Cli) -> None:
    with both(repo, STATEWARD_LISTEN="127.0.0.1:0") as (first, second):
        address = next(own["address"] for own in second.seen if own["action"] == "listening")
        ready = httpx.get(f"http://{address}/readyz")
        assert (ready.status_code, [*ready.json()["because"]]) == (503, ["leader"])
        assert httpx.get(f"http://{address}/healthz").status_code == 200
        assert "stateward_leading{" in httpx.get(f"http://{address}/metrics").text
        done = first.until("round", revision=change(repo, 9214, 9000))
        assert done["writes"] > 0
        assert second.maybe("round", within=1) is None
        (source,) = asked(cli, "status")["sources"]
        assert source["leader"].endswith(f"-{first.pid}-{source['leader'][-4:]}")
        assert f"by {source['leader']}  →  " in cli("status")[1]
        first.signal(signal.SIGTERM)
        assert first.end() == 0
        second.until("revision")
        assert httpx.get(f"http://{address}/readyz").status_code == 200
        told = httpx.get(f"http://{address}/metrics").text
        assert re.search(r"^stateward_leading\{.*\} 1.0$", told, re.MULTILINE)
        assert re.search(r"^stateward_leader_term\{.*\} 2.0$", told, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_ends_is_followed_before_its_time_is_over(
    repo: Repository, number: signal.Signals
) -> None:
    with both(repo) as (first, second):
        begun = time.monotonic()
        first.signal(number)
        second.until("leading", term=2)
        assert time.monotonic() - begun < WITHIN
        first.end()
        assert second.until("round", revision=change(repo, 9214, 9000))["writes"] > 0


def test_who_is_stopped_is_followed_and_writes_nothing_when_it_wakes(repo: Repository) -> None:
    with both(repo) as (first, second):
        first.signal(signal.SIGSTOP)
        begun = time.monotonic()
        second.until("leading", term=2)
        assert time.monotonic() - begun < WITHIN + SLACK
        commit = change(repo, 9214, 9000)
        assert second.until("round", revision=commit)["writes"] > 0
        before = runs(repo)
        first.signal(signal.SIGCONT)
        first.until("lead-lost", term=1)
        first.until("standing-by", term=2)
        assert not wrote(first)
        assert runs(repo) == before
        second.signal(signal.SIGTERM)
        assert second.end() == 0
        first.until("leading", term=3)
        assert first.until("round", revision=change(repo, 9000, 9214))["writes"] > 0


def test_who_is_stopped_while_it_writes_leaves_the_rest_to_the_other(
    repo: Repository, cli: Cli
) -> None:
    with both(repo) as (first, second):
        found = objects("BuiltinTag", *({"name": f"tag-{own:05}"} for own in range(3000)))
        repo.write("objects/many/tags.yml", found.encode())
        repo.commit("many")
        while not written(repo):
            assert first.maybe("round", within=0.02, trigger="commit") is None
        first.signal(signal.SIGSTOP)
        second.until("leading", term=2)
        os.kill(first.pid, signal.SIGCONT)
        first.until("lead-lost", term=1)
        first.until("standing-by", term=2)
        done = second.until("unit", unit="objects/many", condition="ready", within=90)
        assert done["writes"] > 0
        ours = [
            own for own in first.seen if own["action"] == "unit" and own["unit"] == "objects/many"
        ]
        assert all(own["condition"] == "retrying" for own in ours)
    assert cli("run", "--once", "--detailed-exitcode")[0] == 0


def written(repo: Repository) -> bool:
    """Whether any of the many tags is in the target."""
    with closing(sqlite3.connect(repo.path / ".stateward" / "target.db")) as db:
        found = db.execute("SELECT count(*) FROM node WHERE kind = 'BuiltinTag'").fetchone()
    return bool(found[0] > 100)


def test_a_reload_keeps_the_lead(repo: Repository) -> None:
    with both(repo) as (first, second):
        first.signal(signal.SIGHUP)
        first.until("reloaded")
        assert first.until("round", revision=change(repo, 9214, 9000))["writes"] > 0
        assert second.maybe("leading", within=0.5) is None
        config = Path(repo.path / "stateward.yaml")
        config.write_text(config.read_text() + "instance: other\n")
        first.signal(signal.SIGHUP)
        second.until("reloaded")  # it sees the file; the lease is of the instance
