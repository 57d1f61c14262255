"""Only signed commits count: what commands and a daemon say of others, and what they leave alone."""

import signal
from pathlib import Path

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from signing import Key, ssh_key
from tending import Process

LEAVES = "objects/network/leaves.yml"
CONFIGURED = (
    "defaults: {drift: {interval: 1s}}\n"
    "sources: [{name: default, git: {url: ., interval: 1s, verify: {allowedSigners: {file: signers}}}}]\n"
)


@pytest.fixture
def ada(tmp_path: Path) -> Key:
    return ssh_key(tmp_path / "ada")


@pytest.fixture
def signed(repo: Repository, ada: Key) -> str:
    """A repository that takes commits of one person only; returns the first one of hers."""
    repo.write("stateward.yaml", CONFIGURED.encode())
    repo.write("signers", ada.public.encode())
    return ada.commit(repo, "from now on, signed")


def test_commands_refuse_what_is_not_signed(repo: Repository, cli: Cli, signed: str) -> None:
    assert cli("apply", "--config", "stateward.yaml")[0] == 0
    edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
    bad = repo.commit("not by anybody")
    for command in ("plan", "apply", "validate", "doctor"):
        code, text = cli(command, "--config", "stateward.yaml")
        assert code != 0, command
        wanted = f"SW2011 not-signed: {repo.path}: commit {bad[:12]} is not signed"
        assert wanted in text + cli.errors, command
    code, text = cli("plan", "--config", "stateward.yaml", "--rev", signed)
    assert code == 0, text
    assert text.startswith("Nothing to change")


def test_a_daemon_stays_with_the_last_one_that_is(
    repo: Repository, cli: Cli, signed: str, ada: Key
) -> None:
    with Process(repo.path) as daemon:
        daemon.until("round", trigger="start")
        edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
        bad = repo.commit("not by anybody")
        told = daemon.until("source-failed")
        assert f"commit {bad[:12]} is not signed" in told["message"]
        assert daemon.until("round")["revision"] == signed  # looks for drift go on
        (source,) = asked(cli, "status", code=1)["sources"]
        assert "SW2011" in source["error"]
        assert source["units"]["objects/network"]["applied"] == signed
        good = ada.commit(repo, "this one is mine")
        assert daemon.until("round", trigger="commit")["revision"] == good
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0
    (source,) = asked(cli, "status")["sources"]
    assert source["units"]["objects/network"]["applied"] == good
