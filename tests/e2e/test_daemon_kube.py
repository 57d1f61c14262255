"""Two daemons that share a target and a Lease, and nothing else: as pods of a cluster do."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from commands import Cli
from repositories import Repository
from tending import Process, change, wrote
from wires import Wire

WITHIN = 4
SLACK = 4
"""Seconds more, for a busy machine: the election itself is tested to the second elsewhere."""


@pytest.fixture
def repo(repo: Repository) -> Repository:
    (repo.path / "stateward.yaml").write_text(
        f"defaults: {{drift: {{interval: 2s}}}}\n"
        f"leader: {{lease: kubernetes, within: {WITHIN}s, name: e2e-{uuid4().hex}}}\n"
    )
    return repo


@contextmanager
def both(repo: Repository, one: str, other: str) -> Iterator[tuple[Process, Process]]:
    """Run two daemons, each with a KUBECONFIG and a state of its own; the first one leads."""
    state = f"sqlite:///{repo.path.parent}"  # beside the repository: all of that is committed
    with ExitStack() as stack:
        first = stack.enter_context(
            Process(repo.path, KUBECONFIG=one, STATEWARD_STATE=f"{state}/one.db")
        )
        first.until("leading", term=1)
        first.until("round", trigger="start")
        second = stack.enter_context(
            Process(repo.path, KUBECONFIG=other, STATEWARD_STATE=f"{state}/other.db")
        )
        second.until("standing-by", term=1)
        yield first, second


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP])
def test_who_is_gone_is_followed_within_the_lease_time(
    repo: Repository, kube: str, number: signal.Signals
) -> None:
    with both(repo, kube, kube) as (first, second):
        begun = time.monotonic()
        first.signal(number)
        second.until("leading", term=2)
        assert time.monotonic() - begun < WITHIN + SLACK
        done = second.until("round", revision=change(repo, 9214, 9000))
        assert done["writes"] > 0
        if number is signal.SIGSTOP:
            first.signal(signal.SIGCONT)
            first.until("lead-lost", term=1)
            first.until("standing-by", term=2)
            assert not wrote(first)


def test_who_is_cut_off_stops_before_the_other_begins(
    repo: Repository, kube: str, tmp_path: Path
) -> None:
    text = Path(kube).read_text()
    (port,) = re.findall(r"https://127\.0\.0\.1:(\d+)", text)
    with Wire(int(port)) as wire:
        through = tmp_path / "through.conf"
        through.write_text(text.replace(f":{port}", f":{wire.port}"))
        with both(repo, str(through), kube) as (first, second):
            begun = time.monotonic()
            wire.cut()
            lost = first.until("lead-lost", term=1)
            leading = second.until("leading", term=2)
            assert time.monotonic() - begun < WITHIN + SLACK
            assert lost["time"] < leading["time"]
            done = second.until("round", revision=change(repo, 9214, 9000))
            assert done["writes"] > 0
            assert not wrote(first)


def test_without_a_cluster_it_is_told_what_is_missing(
    repo: Repository, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (repo.path / "stateward.yaml").is_file()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing.conf"))
    assert cli("run")[0] == 1
    assert "leader.lease: kubernetes: " in cli.errors
