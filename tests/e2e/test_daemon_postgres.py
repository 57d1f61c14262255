"""Real processes that share nothing but a PostgreSQL server."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from clusters import PASSWORD, Cluster, Database
from commands import Cli, asked
from repositories import Repository
from tending import Process, change, wrote
from wires import Wire

pytestmark = pytest.mark.postgres
WITHIN = 4
"""Seconds within which another one takes over, at the latest."""
SLACK = 4
"""Seconds more, for a busy machine: the election itself is tested to the second elsewhere."""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    found = tmp_path / "secret"
    found.write_text(f"{PASSWORD}\n")
    return found


@pytest.fixture
def repo(repo: Repository, database: Database, secret: Path) -> Repository:
    (repo.path / "stateward.yaml").write_text(
        f"defaults: {{drift: {{interval: 2s}}}}\nleader: {{within: {WITHIN}s}}\n"
        f"state: {{url: '{database.url}', password: {{file: '{secret}'}}}}\n"
    )
    return repo


def runs(database: Database) -> int:
    ((count,),) = database.ask("SELECT count(*) FROM record WHERE type = 'begin'")
    return int(count)


def test_a_run_is_recorded_and_read_back(cli: Cli, repo: Repository, database: Database) -> None:
    assert asked(cli, "history")["runs"] == []
    assert cli("doctor")[1].count("is not there yet") == 2
    with Process(repo.path, "--once") as process:
        assert process.end() == 0
    assert runs(database) == len(asked(cli, "history")["runs"]) > 0
    assert cli("audit", "verify")[0] == 0
    _, answer = cli("doctor")
    assert f"{database.url}: can be written to" in answer
    assert not [*(repo.path / ".stateward").glob("state.db*")]
    database.ask("ALTER TABLE record DISABLE TRIGGER USER")
    database.ask("UPDATE record SET at = '2001-01-01' WHERE number = 2")
    assert cli("audit", "verify")[0] == 1


def test_the_password_is_nowhere(cli: Cli, repo: Repository) -> None:
    with Process(repo.path) as process:
        process.until("round", trigger="start")
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.signal(signal.SIGTERM)
        assert process.end() == 0
        said = f"{process.seen}"
    for arguments in (("history",), ("status",), ("doctor",), ("config", "show")):
        code, answer = cli(*arguments)
        said += f"{code} {answer} {cli.errors}"
    assert PASSWORD not in said + command.decode()
    kept = [own.read_bytes() for own in (repo.path / ".stateward").rglob("*") if own.is_file()]
    assert PASSWORD.encode() not in b"".join(kept)


@contextmanager
def both(repo: Repository, **first_only: str) -> Iterator[tuple[Process, Process]]:
    """Run two daemons; the first one leads, and has had its first round."""
    with ExitStack() as stack:
        first = stack.enter_context(Process(repo.path, **first_only))
        first.until("leading", term=1)
        first.until("round", trigger="start")
        second = stack.enter_context(Process(repo.path))
        second.until("standing-by", term=1)
        yield first, second


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_ends_is_followed_within_the_lease_time(
    repo: Repository, cli: Cli, number: signal.Signals
) -> None:
    with both(repo) as (first, second):
        begun = time.monotonic()
        first.signal(number)
        second.until("leading", term=2)
        assert time.monotonic() - begun < WITHIN + SLACK
        first.end()
        assert second.until("round", revision=change(repo, 9214, 9000))["writes"] > 0
        (source,) = asked(cli, "status")["sources"]
        assert re.search(rf"-{second.pid}-\w+$", source["leader"])
        assert cli("audit", "verify")[0] == 0


def test_what_one_is_told_the_next_one_knows(repo: Repository, cli: Cli) -> None:
    with both(repo) as (first, second):
        assert cli("suspend", "objects/network")[0] == 0
        first.until("told", command="suspend")
        os.kill(first.pid, signal.SIGKILL)
        second.until("leading", term=2)
        assert second.until("told")["command"] == "suspend"


def test_a_leader_whose_connections_are_ended_goes_on(repo: Repository, database: Database) -> None:
    with both(repo) as (first, second):
        database.cut()
        assert first.until("round", revision=change(repo, 9214, 9000))["writes"] > 0
        assert first.maybe("lead-lost", within=0) is None
        assert second.maybe("leading", within=0) is None


def test_who_is_cut_off_stops_before_the_other_begins(repo: Repository, database: Database) -> None:
    port = database.cluster.port
    with Wire(port) as wire:
        through = database.url.replace(f":{port}/", f":{wire.port}/")
        with both(repo, STATEWARD_STATE=through) as (first, second):
            begun = time.monotonic()
            wire.cut()
            lost = first.until("lead-lost", term=1)
            leading = second.until("leading", term=2)
            assert time.monotonic() - begun < WITHIN + SLACK
            assert lost["time"] < leading["time"]
            assert second.until("round", revision=change(repo, 9214, 9000))["writes"] > 0
            assert not wrote(first)


def test_a_server_that_comes_back_is_gone_on_with(repo: Repository, postgres: Cluster) -> None:
    with Process(repo.path) as process:
        process.until("round", trigger="start")
        postgres.stop()
        try:
            process.until("lease-failed")
            process.until("lead-lost", term=1)
            commit = change(repo, 9214, 9000)
        finally:
            postgres.start()
        process.until("leading", term=2)
        assert process.until("round", revision=commit)["writes"] > 0
        process.signal(signal.SIGTERM)
        assert process.end() == 0
