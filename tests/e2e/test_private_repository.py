"""A private repository, from the configuration to what is applied: https, a token, an authority."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from servers import Smart, smart, trusted

LEAVES = "objects/network/leaves.yml"
CANARY = "c4nary-in-the-mine"


@pytest.fixture
def server(repo: Repository, tmp_path: Path) -> Iterator[Smart]:
    tls = trusted(tmp_path / "here" / "ca.pem")
    with smart(repo.path.parent, f"x-access-token:{CANARY}").secured(tls) as found:
        yield found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    directory = tmp_path / "here"
    directory.mkdir()
    return directory


@pytest.fixture
def private(here: Path, server: Smart, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line where the repository's address is configured, with the way into it."""
    monkeypatch.chdir(here)
    (here / "token").write_text(f"{CANARY}\n")
    (here / "stateward.yaml").write_text(
        f"sources:\n  - git: {{url: '{server.url}/site/.git', token: {{file: token}},"
        " caFile: ca.pem, depth: 1}\n"
    )
    return cli


def test_is_applied_and_nothing_remembers_the_token(private: Cli, here: Path) -> None:
    report = asked(private, "run", "--once")
    assert report["writes"] > 32
    assert asked(private, "run", "--once")["writes"] == 0
    code, answer = private("doctor")
    assert code == 0, answer
    told = answer + private.errors + str(report)
    (here / "token").unlink()
    files = [own.read_bytes() for own in here.rglob("*") if own.is_file()]
    assert files
    assert not [own for own in files if CANARY.encode() in own]
    assert CANARY not in told


def test_that_is_closed_is_told_with_what_to_do(private: Cli, server: Smart) -> None:
    server.login = "x-access-token:another"
    code, answer = private("doctor")
    assert code == 1
    assert "SW2007 source-credentials" in answer
    assert "gives credentials that may read it" in answer
    code, _ = private("run", "--once")
    assert code == 1
    assert "SW2007 source-credentials" in private.errors
    assert CANARY not in private.errors + answer


def test_with_little_of_its_history_says_what_it_cannot_know(
    private: Cli, repo: Repository, here: Path
) -> None:
    asked(private, "run", "--once")
    edit(repo, LEAVES, "mtu: 9214", "")
    repo.commit("a field less")
    shutil.rmtree(here / ".stateward" / "mirrors")
    plan = asked(private, "plan")
    assert [own["code"] for own in plan["problems"]] == ["SW1505"]
    assert plan["changes"] == []
    configured = here / "stateward.yaml"
    configured.write_text(configured.read_text().replace(", depth: 1", ""))
    plan = asked(private, "plan")
    assert plan["problems"] == []
    assert plan["summary"]["update"] == 8, "with its history it is known what was declared"
