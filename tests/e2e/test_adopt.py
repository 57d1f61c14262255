"""A takeover by the command line, of an example that another tool has loaded."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from rounds import Workshop

SCRIPT = Path(__file__).parents[2] / "examples" / "tracking" / "tenant.py"
LEAVES = "objects/network/leaves.yml"


@pytest.fixture
def loaded(repo: Repository, cli: Cli) -> Repository:
    """The example as ``infrahubctl object load`` leaves it: objects, and no group or history of ours."""
    assert cli("apply")[0] == 0
    asyncio.run(Workshop(repo.path / ".stateward").forget())
    (repo.path / ".stateward/state.db").unlink()
    return repo


@pytest.mark.usefixtures("loaded")
def test_is_proved_by_an_empty_plan(cli: Cli) -> None:
    code, text = cli("adopt")
    assert code == 0
    assert "applied   objects/network    21 adopted\n" in text
    assert text.endswith(
        "The takeover is complete: the plan is empty, a round would change nothing.\n"
    )
    assert cli("plan", "--detailed-exitcode")[0] == 0
    runs = asked(cli, "history")["runs"]
    assert {own["kind"] for own in runs} == {"adoption"}
    assert "what      adoption " in cli("show", runs[0]["run"])[1]


def test_what_is_said_to_be_ours_afterwards_can_be_taken_back(loaded: Repository, cli: Cli) -> None:
    def dropped() -> list[str]:
        found = asked(cli, "plan", "--rev", "dropped", "--allow-deletes", "100")["changes"]
        return [own["action"] for own in found]

    assert cli("adopt")[0] == 0
    loaded.git("checkout", "-qb", "dropped")
    loaded.git("rm", "-q", LEAVES)
    loaded.commit("no leaves")
    loaded.git("checkout", "-q", "main")
    assert set(dropped()) == {"release"}
    assert "21 adopted" in cli("adopt", "objects/network", "--own")[1]
    assert set(dropped()) == {"delete"}
    run = asked(cli, "history")["runs"][0]["run"]
    assert cli("rollback", run)[0] == 0
    assert set(dropped()) == {"release"}
    assert "agree on 32 members of 3 units" in cli("inventory", "verify")[1]


def test_of_nothing_but_what_would_be_taken_writes_nothing(loaded: Repository, cli: Cli) -> None:
    code, text = cli("adopt", "objects/network", "--dry-run")
    assert code == 0
    assert "objects/network  (21 to adopt)\n" in text
    assert "The takeover would be complete" in text
    assert "2 units were left out: not asked for, or suspended.\n" in text
    with sqlite3.connect(loaded.path / ".stateward/target.db") as database:
        rows = database.execute("SELECT count(*) FROM node WHERE kind = 'CoreStandardGroup'")
        assert rows.fetchone() == (0,)
    assert cli("history") == (0, "No run is recorded.\n")


def test_exits_like_the_plan_that_is_left(loaded: Repository, cli: Cli) -> None:
    edit(loaded, LEAVES, "mtu: 9214", "mtu: 9000")
    loaded.commit("another mtu")
    document = asked(cli, "adopt", code=1)
    assert document["schema"] == "stateward/adoption/v1"
    assert not document["complete"]
    assert {(own["code"], own["name"]) for own in document["left"]} == {("SW1502", "stranger")}
    assert document["left"][0]["fields"][0]["origin"]["file"] == LEAVES
    assert asked(cli, "adopt", "--differing", code=2)["rest"]["summary"]["update"] == 8
    assert cli("apply")[0] == 0
    assert cli("adopt")[0] == 0


def test_as_markdown_says_what_was_taken_and_what_is_left(loaded: Repository, cli: Cli) -> None:
    edit(loaded, LEAVES, "mtu: 9214", "mtu: 9000")
    loaded.commit("another mtu")
    _, text = cli("adopt", "--format", "markdown")
    assert "**Taken**" in text
    assert "**Left**" in text
    assert "### Stateward plan for" in text


def test_of_the_objects_of_a_script(repo: Repository, cli: Cli) -> None:
    """Of the names that the script and the example share, what its group holds is taken."""
    url = f"sqlite:///{repo.path}/.stateward/target.db"
    done = [sys.executable, str(SCRIPT), url, "ams1-srv1", "extra"]
    subprocess.run(done, check=True, capture_output=True, cwd=repo.path)
    with sqlite3.connect(repo.path / ".stateward/target.db") as database:
        (fields,) = database.execute(
            "SELECT identity FROM node WHERE kind = 'CoreStandardGroup'"
        ).fetchone()
    group = fields[2:-2]
    document = asked(cli, "adopt", "--dry-run", code=1)
    claimed = {tuple(own["hfid"]) for own in document["left"] if own["name"] == "claimed"}
    assert ("ams1-srv1",) in claimed
    document = asked(cli, "adopt", "--group", group, "--differing", code=2)
    taken = {tuple(own["hfid"]) for own in document["taken"]["changes"]}
    assert ("ams1-srv1",) in taken
    undeclared = {tuple(own["hfid"]) for own in document["left"] if own["name"] == "undeclared"}
    assert ("extra",) in undeclared
    assert document["claimed"] == len(taken)
    _, text = cli("adopt", "--group", group, "--differing", "--dry-run")
    assert "Nothing to take.\n" in text


@pytest.mark.usefixtures("loaded")
def test_of_a_group_that_is_not_there_is_an_error(cli: Cli) -> None:
    assert cli("adopt", "--group", "nobody") == (1, "")
    assert "SW1510 not-found: --group nobody: the target has no such group" in cli.errors
    assert cli("adopt", "nothing") == (1, "")
    assert "nothing: no unit matches" in cli.errors
