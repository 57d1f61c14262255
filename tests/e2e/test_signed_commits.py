"""Only signed commits count: what commands and a daemon say of others, and what they leave alone."""

import signal
from pathlib import Path

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from rounds import objects
from signing import Key, ssh_key
from tending import LEAVES, Process

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
    code, _ = cli("plan", "--config", "stateward.yaml", "--rev", bad)
    assert code == 1
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
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0
    with Process(repo.path) as daemon:  # another one knows what was gone along with
        told = daemon.until("source-failed")
        assert f"commit {bad[:12]} is not signed" in told["message"]
        assert daemon.until("round")["revision"] == signed
        good = ada.commit(repo, "this one is mine")
        assert daemon.until("round", trigger="commit")["revision"] == good
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0
    (source,) = asked(cli, "status")["sources"]
    assert source["units"]["objects/network"]["applied"] == good


def test_what_was_applied_is_read_whoever_signs_now(
    repo: Repository, cli: Cli, signed: str, ada: Key, tmp_path: Path
) -> None:
    """A rollback goes by the limits that the unit had, though its commit would be refused today."""
    assert signed
    repo.write("objects/tags/tags.yml", objects("BuiltinTag", {"name": "red"}).encode())
    repo.write("objects/tags/.stateward.yaml", b"limits: {deletes: 0, percent: 0}\n")
    ada.commit(repo, "tags, none of which is to be deleted")
    assert cli("apply", "--config", "stateward.yaml")[0] == 0
    runs = asked(cli, "history", "objects/tags", "--config", "stateward.yaml")["runs"]
    (tmp_path / "eve").mkdir()
    eve = ssh_key(tmp_path / "eve" / "key")
    repo.write("signers", eve.public.encode())
    eve.commit(repo, "it is my turn")
    code, text = cli("rollback", runs[0]["run"], "--config", "stateward.yaml")
    assert code == 3, text + cli.errors
    assert "more than 0 objects" in text
