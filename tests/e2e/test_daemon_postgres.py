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
from tending import Process, change

pytestmark = pytest.mark.postgres
WITHIN = 15
"""Seconds within which another one takes over, at the latest: so long that it shows if one had to wait."""


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
def both(repo: Repository) -> Iterator[tuple[Process, Process]]:
    """Run two daemons; the first one leads, and has had its first round."""
    with ExitStack() as stack:
        first = stack.enter_context(Process(repo.path))
        first.until("leading", term=1)
        first.until("round", trigger="start")
        second = stack.enter_context(Process(repo.path))
        second.until("standing-by", term=1)
        yield first, second


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_ends_is_followed_before_its_time_is_over(
    repo: Repository, cli: Cli, number: signal.Signals
) -> None:
    with both(repo) as (first, second):
        begun = time.monotonic()
        first.signal(number)
        second.until("leading", term=2)
        assert time.monotonic() - begun < WITHIN / 2
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


def test_a_leader_that_is_cut_off_stops_and_leads_again(
    repo: Repository, database: Database
) -> None:
    with both(repo) as (first, second):
        database.cut()
        first.until("lead-lost", term=1)
        assert first.until("leading", term=2)
        assert first.until("round", revision=change(repo, 9214, 9000))["writes"] > 0
        assert second.maybe("leading", within=0) is None


def test_a_server_that_comes_back_is_gone_on_with(repo: Repository, postgres: Cluster) -> None:
    with Process(repo.path) as process:
        process.until("round", trigger="start")
        postgres.stop()
        try:
            process.until("lease-failed")
            commit = change(repo, 9214, 9000)
        finally:
            postgres.start()
        process.until("leading", term=2)
        assert process.until("round", revision=commit)["writes"] > 0
        process.signal(signal.SIGTERM)
        assert process.end() == 0
