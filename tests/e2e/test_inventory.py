"""Groups, journal and Git compared by the command line, after somebody has been at the groups."""

import asyncio
import sqlite3

import pytest

from commands import Cli, asked
from repositories import Repository
from rounds import Workshop
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Delete, Enrol
from stateward.ports import Query

DEVICE = ObjectKey("DcimDevice", ("ams1-srv1",))
PORT = ObjectKey("DcimInterface", ("ams1-srv1", "eth0"))
GROUP = "stateward/default/default/objects/network"


async def disturb(shop: Workshop) -> None:
    """Take one object out of its group, and delete another one."""
    async with shop.target.session(None, write=True) as session:
        found = await session.observe(Query(references=[DEVICE, PORT], groups=[GROUP]))
        device, port = found.references[DEVICE][0], found.references[PORT][0]
        leave = Enrol(id=device, kind=DEVICE.kind, leave=(found.groups[GROUP].id,))
        assert await session.apply([leave, Delete(id=port, kind=PORT.kind)]) == [None, None]


@pytest.fixture
def disturbed(repo: Repository, cli: Cli) -> Repository:
    assert cli("apply")[0] == 0
    assert cli("inventory", "verify") == (
        0,
        "Groups, journal and files agree on 32 members of 3 units.\n",
    )
    asyncio.run(disturb(Workshop(repo.path / ".stateward")))
    return repo


@pytest.mark.usefixtures("disturbed")
def test_differences_are_told_by_name(cli: Cli) -> None:
    code, text = cli("inventory", "verify")
    assert code == 2
    assert "  gone  DcimInterface/ams1-srv1/eth0  objects/network/servers.yml:15:13\n" in text
    assert "  orphan  DcimDevice/ams1-srv1  objects/network/servers.yml:7:7\n" in text
    assert text.endswith("SW1516 inventory: 2 differences in 1 of 3 units.\n")
    document = asked(cli, "inventory", "verify", "objects/*", code=2)
    assert document["schema"] == "stateward/inventory/v1"
    assert [own["what"] for own in document["differences"]] == ["gone", "orphan"]
    assert [own["repairable"] for own in document["differences"]] == [False, True]
    assert document["differences"][1]["run"] in {
        own["run"] for own in asked(cli, "history")["runs"]
    }
    assert cli("inventory", "verify", "objects/hardware")[0] == 0


def test_without_a_journal_groups_and_files_are_compared(disturbed: Repository, cli: Cli) -> None:
    (disturbed.path / ".stateward/state.db").unlink()
    document = asked(cli, "inventory", "verify", code=2)
    assert [own["what"] for own in document["differences"]] == ["stranger", "gone"]
    assert not any(own["journaled"] for own in document["units"].values())
    code, text = cli("inventory", "verify")
    assert code == 2
    assert "Of 3 units the journal knows nothing" in text
    assert not (disturbed.path / ".stateward/state.db").exists()


def test_files_that_cannot_be_used_are_an_error(repo: Repository, cli: Cli) -> None:
    repo.write("schemas/dcim.yml", b"version: '1.0'\nnodes: 5\n")
    repo.commit("a mistake")
    assert cli("inventory", "verify") == (1, "")
    assert "schemas/dcim.yml" in cli.errors


def test_nothing_is_written(disturbed: Repository, cli: Cli) -> None:
    with sqlite3.connect(disturbed.path / ".stateward/target.db") as database:
        before = list(database.iterdump())
        cli("inventory", "verify")
        assert list(database.iterdump()) == before


@pytest.mark.usefixtures("disturbed")
def test_what_is_no_risk_is_put_right_and_the_rest_is_told(cli: Cli) -> None:
    code, text = cli("inventory", "repair", "--dry-run")
    assert code == 2
    assert text.startswith("objects/network: DcimDevice/ams1-srv1: would be a member again")
    assert text.endswith("SW1516 inventory: 1 difference in 1 of 3 units.\n")
    document = asked(cli, "inventory", "repair", code=2)
    assert document["schema"] == "stateward/repair/v1"
    assert [own["what"] for own in document["after"]["differences"]] == ["gone"]
    assert document["report"]["writes"] == 1
    assert asked(cli, "history", "--limit", "1")["runs"][0]["kind"] == "repair"
    assert cli("apply")[0] == 0
    code, text = cli("inventory", "repair")
    assert code == 0
    assert text.startswith("Nothing to put right without a risk.\n0 writes")
    assert cli("plan", "--detailed-exitcode")[0] == 0


@pytest.mark.usefixtures("disturbed")
def test_a_repair_is_taken_back(cli: Cli) -> None:
    asked(cli, "inventory", "repair", code=2)
    run = asked(cli, "history", "--limit", "1")["runs"][0]["run"]
    document = asked(cli, "rollback", run)
    assert document["runs"][0]["summary"]["release"] == 1
