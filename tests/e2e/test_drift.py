"""What others changed, as people ask for it: beside a daemon, and without one."""

import signal
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from tending import LEAVES, Process, change

CHANGED = "UPDATE node SET fields = json_set(fields, '$.mtu', 1234) WHERE kind = 'DcimInterface' AND identity LIKE '%leaf1%Ethernet1\"%'"


def meddle(repo: Repository) -> None:
    """Change a field behind our back."""
    with closing(sqlite3.connect(repo.path / ".stateward" / "target.db")) as db, db:
        assert db.execute(CHANGED).rowcount == 1


def differences(document: Any, unit: str = "objects/network") -> list[tuple[str, list[str]]]:
    (source,) = document["sources"]
    found = source["units"][unit]["differences"]
    return [(own["what"], [one["name"] for one in own["fields"]]) for own in found]


class TestNow:
    def test_is_looked_at_where_no_daemon_keeps_anything(self, repo: Repository, cli: Cli) -> None:
        assert cli("apply")[0] == 0
        code, answer = cli("drift", "--detailed-exitcode")
        assert (code, answer.endswith("\nNo drift in 3 units.\n")) == (0, True)
        meddle(repo)
        code, answer = cli("drift", "--detailed-exitcode")
        assert code == 2
        assert (
            "  ~ changed DcimInterface/ams1-leaf1/Ethernet1  objects/network/leaves.yml" in answer
        )
        assert "      mtu: 1234, in Git 9214\n" in answer
        assert answer.endswith("\nDrift: 1 object and 1 field in 1 of 3 units.\n")
        document = asked(cli, "drift")
        assert differences(document) == [("changed", ["mtu"])]
        assert document["sources"][0]["kept"] is False
        assert "| mtu | 1234 | 9214 |" in cli("drift", "--format", "markdown")[1]

    def test_writes_nothing(self, repo: Repository, cli: Cli) -> None:
        assert cli("drift")[0] == 0
        assert not (repo.path / ".stateward").exists()

    def test_is_of_the_units_that_are_named(self, repo: Repository, cli: Cli) -> None:
        assert cli("apply")[0] == 0
        meddle(repo)
        found = asked(cli, "drift", "objects/hardware", "objects/locations", "--detailed-exitcode")
        assert set(found["sources"][0]["units"]) == {"objects/hardware", "objects/locations"}
        assert cli("drift", "objects/nowhere") == (1, "")
        assert "SW4002 no-such-unit: objects/nowhere" in cli.errors

    def test_tells_what_a_commit_asks_for_from_drift(self, repo: Repository, cli: Cli) -> None:
        assert cli("apply")[0] == 0
        before = repo.git("rev-parse", "HEAD")
        meddle(repo)
        change(repo, 9214, 9000)
        (source,) = asked(cli, "drift")["sources"]
        assert set(source["units"]) == {"objects/hardware", "objects/locations"}
        assert "was not applied yet" in source["unknown"]["objects/network"]
        assert differences(asked(cli, "drift", "--rev", before)) == [("changed", ["mtu"])]


class TestKept:
    @pytest.mark.parametrize("mode", ["enforce", "report"])
    def test_is_what_the_last_look_of_a_daemon_found(
        self, repo: Repository, cli: Cli, mode: str
    ) -> None:
        said = f"defaults: {{drift: {{interval: 1h, mode: {mode}}}}}\n"
        repo.write("stateward.yaml", said.encode())
        repo.commit("configured")
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            meddle(repo)
            assert cli("reconcile", "objects/network")[0] == 0
            daemon.until("round", trigger="manual")
            daemon.signal(signal.SIGTERM)
            assert daemon.end() == 0
        document = asked(cli, "drift", "objects/network", "--detailed-exitcode", code=2)
        assert differences(document) == [("changed", ["mtu"])]
        (source,) = document["sources"]
        assert (source["kept"], source["units"]["objects/network"]["mended"]) == (
            True,
            mode == "enforce",
        )
        answer = cli("drift")[1]
        assert "  as the daemon has kept it, of looks up to " in answer
        assert " old; to look now: stateward drift --now\n" in answer
        assert (", set back at once)" in answer) is (mode == "enforce")
        assert ": stateward drift objects/network\n" in cli("status")[1]
        left = [("changed", ["mtu"])] if mode == "report" else []
        assert differences(asked(cli, "drift", "--now")) == left

    def test_says_of_what_nothing_is_known(self, repo: Repository, cli: Cli) -> None:
        edit(repo, LEAVES, "status: active", "status: asleep")
        repo.commit("a mistake")
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
        (source,) = asked(cli, "drift")["sources"]
        assert source["unknown"] == {"objects/network": "it was not looked at yet"}
        assert cli("drift", "--source", "another")[0] == 1


class TestSuggestion:
    def test_is_taken_over_and_nothing_is_left_to_change(self, repo: Repository, cli: Cli) -> None:
        before = b"ignore: [{kind: DcimDevice, fields: [status]}]\n"
        repo.write("objects/network/.stateward.yaml", before)
        repo.commit("what counts already")
        assert cli("apply")[0] == 0
        meddle(repo)
        code, answer = cli("drift", "--suggest-ignore")
        assert (code, answer.splitlines()[0].partition(":")[0]) == (
            0,
            "# objects/network/.stateward.yaml",
        )
        repo.write("objects/network/.stateward.yaml", answer.encode())
        repo.commit("as suggested")
        assert asked(cli, "plan", "--detailed-exitcode")["changes"] == []
        assert cli("drift", "--detailed-exitcode")[0] == 0
        said = (repo.path / "objects/network/.stateward.yaml").read_text()
        assert "kind: DcimDevice\n  fields:\n  - status\n" in said

    def test_is_yaml(self, cli: Cli) -> None:
        assert cli("drift", "--suggest-ignore", "--format", "json") == (1, "")
        assert "leave --format out" in cli.errors


class TestIgnore:
    @pytest.mark.parametrize(
        ("file", "text", "at"),
        [
            ("objects/network/.stateward.yaml", "ignore: [{kind: DcimDevice, fields: [statsu]}]", "1:38"),
            ("stateward.yaml", "defaults:\n  ignore: [{kind: DcimDevise, fields: [status]}]", "2:19"),
            (
                "stateward.yaml",
                "sources: [{units: [{path: objects/network, ignore: [{kind: '*', fields: [nope]}]}]}]",
                "1:74",
            ),
        ],
        ids=["unit", "defaults", "rule"],
    )  # fmt: skip
    def test_of_what_does_not_exist_is_an_error_at_its_place(
        self, repo: Repository, cli: Cli, file: str, text: str, at: str
    ) -> None:
        repo.write(file, text.encode())
        repo.commit("a slip of the pen")
        code, answer = cli("validate")
        assert code == 1
        assert f"{file}:{at}: SW1512 ignore: ignore: " in answer
        assert "mend the name" in answer
        plan = asked(cli, "plan", code=1)
        assert not any(own["unit"] == "objects/network" for own in plan["changes"])
