"""What was done, by whom and why, as the command line tells it; and whether that is whole."""

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest

from commands import Cli, asked, edit
from repositories import Repository

DEVICES = "objects/network/servers.yml"


@pytest.fixture
def applied(repo: Repository, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two rounds, the second of which changes one unit; returns their revisions."""
    monkeypatch.setenv("STATEWARD_ACTOR", "ada")
    asked(cli, "apply")
    first = asked(cli, "plan")["revisions"]["default"]
    edit(repo, DEVICES, "status: active", "status: planned")
    repo.commit("planned")
    asked(cli, "apply")
    return [first, asked(cli, "plan")["revisions"]["default"]]


def tamper(repo: Repository, statement: str) -> None:
    with closing(sqlite3.connect(repo.path / ".stateward/state.db")) as db, db:
        for trigger in ("record_stays", "record_kept"):
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(statement)


class TestHistory:
    def test_tells_who_did_what_and_why(self, cli: Cli, applied: list[str]) -> None:
        runs = asked(cli, "history")["runs"]
        assert [own["subject"] for own in runs] == [
            "objects/network",
            *sorted({own["subject"] for own in runs}, reverse=True),
        ]
        newest = runs[0]
        assert (newest["actor"], newest["trigger"]) == ("ada", "manual")
        assert (newest["revision"], newest["outcome"]) == (applied[1], "applied")
        assert {own["action"] for own in newest["changes"]} == {"update"}
        fields = [own for change in newest["changes"] for own in change["fields"]]
        assert fields[0] == {"name": "status", "old": "active", "new": "planned"}

    def test_is_read_at_a_glance(self, cli: Cli, applied: list[str]) -> None:
        code, text = cli("history", "--limit", "1")
        head, line = text.splitlines()
        assert code == 0
        assert line.index("objects/network") == head.index("unit")
        assert f"round {applied[1][:12]}" in line
        assert line.endswith("  applied  ada")

    @pytest.mark.usefixtures("applied")
    def test_of_one_unit(self, cli: Cli) -> None:
        subjects = {own["subject"] for own in asked(cli, "history", "objects/hardware")["runs"]}
        assert subjects == {"objects/hardware"}
        assert asked(cli, "history", "nothing")["runs"] == []

    @pytest.mark.usefixtures("applied")
    def test_since_a_moment(self, cli: Cli) -> None:
        assert len(asked(cli, "history", "--since", "10m")["runs"]) == 4
        assert asked(cli, "history", "--since", "0s")["runs"] == []
        assert asked(cli, "history", "--since", "2999-01-31")["runs"] == []
        assert len(asked(cli, "history", "--since", "2020-01-31T10:00:00+01:00")["runs"]) == 4
        assert cli("history", "--since", "tomorrow")[0] == 1
        assert "--since tomorrow: expected 90m" in cli.errors

    @pytest.mark.usefixtures("applied")
    def test_as_lines_has_a_run_on_each(self, cli: Cli) -> None:
        _, text = cli("history", "--format", "jsonl", "--limit", "0")
        assert [json.loads(line) for line in text.splitlines()] == asked(cli, "history")["runs"]

    @pytest.mark.usefixtures("applied")
    def test_as_markdown_is_a_table(self, cli: Cli) -> None:
        _, text = cli("history", "--format", "markdown")
        assert text.count("\n| ") == 5

    def test_of_a_place_where_nothing_was_done(self, cli: Cli, repo: Repository) -> None:
        assert cli("history") == (0, "No run is recorded.\n")
        assert not (repo.path / ".stateward").exists()

    @pytest.mark.usefixtures("applied")
    def test_of_another_place(
        self, cli: Cli, repo: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(repo.path.parent)
        assert asked(cli, "history")["runs"] == []
        assert len(asked(cli, "history", "--repo", str(repo.path))["runs"]) == 4

    @pytest.mark.usefixtures("applied")
    def test_needs_no_choice_of_a_source(self, cli: Cli, repo: Repository) -> None:
        repo.write("stateward.yaml", b"sources: [{name: one}, {name: two}]\n")
        assert len(asked(cli, "history")["runs"]) == 4


class TestShow:
    @pytest.mark.usefixtures("applied")
    def test_takes_the_beginning_of_an_id(self, cli: Cli) -> None:
        run = asked(cli, "history", "--limit", "1")["runs"][0]
        assert asked(cli, "show", run["run"][:10])["runs"] == [run]
        code, text = cli("show", run["run"])
        assert code == 0
        assert '    status: "active" → "planned"\n' in text
        assert "by        ada, manual\n" in text
        assert cli("show", run["run"], "--format", "markdown")[1].startswith("### Stateward run")

    @pytest.mark.usefixtures("applied")
    def test_of_no_run_is_an_error(self, cli: Cli) -> None:
        assert cli("show", "nothing") == (1, "")
        assert "SW5002 no-such-run: nothing: there is no such run" in cli.errors


class TestAudit:
    @pytest.mark.usefixtures("applied")
    def test_finds_a_whole_record_whole(self, cli: Cli) -> None:
        code, text = cli("audit", "verify")
        assert code == 0
        assert text.startswith("whole: ")
        found = asked(cli, "audit", "verify")
        head = f"{found['head']['number']}:{found['head']['hash']}"
        assert text.endswith(f"head {head}\n")
        assert cli("audit", "verify", "--head", head)[0] == 0

    @pytest.mark.usefixtures("applied")
    def test_finds_an_edit(self, cli: Cli, repo: Repository) -> None:
        tamper(repo, "UPDATE record SET body = replace(body, 'ada', 'eve') WHERE number = 2")
        code, text = cli("audit", "verify")
        assert code == 1
        assert text.startswith("broken: record 2: its hash is not")
        assert asked(cli, "audit", "verify", code=1)["broken"]["number"] == 2

    @pytest.mark.usefixtures("applied")
    def test_finds_that_all_was_forged_anew(self, cli: Cli, repo: Repository) -> None:
        found = asked(cli, "audit", "verify")["head"]
        head = f"{found['number']}:{found['hash']}"
        (repo.path / ".stateward/state.db").unlink()
        assert "not there any more" in cli("audit", "verify", "--head", head)[1]
        edit(repo, DEVICES, "status: planned", "status: active")
        repo.commit("again")
        asked(cli, "apply")
        assert cli("audit", "verify")[0] == 0
        assert cli("audit", "verify", "--head", f"1:{found['hash']}") == (
            1,
            "broken: record 1: it is another one than it was\n",
        )
        assert cli("audit", "verify", "--head", "nonsense")[0] == 1

    @pytest.mark.usefixtures("applied")
    def test_exports_what_anybody_can_verify(self, cli: Cli) -> None:
        _, text = cli("audit", "export")
        links = [json.loads(line) for line in text.splitlines()]
        assert len(links) == asked(cli, "audit", "verify")["links"]
        previous = "0" * 64
        for own in links:
            assert own["previous"] == previous
            parts = [previous, *(own[name] for name in ("number", "type", "run", "at", "body"))]
            spelled = json.dumps(parts, separators=(",", ":"))
            previous = hashlib.sha256(spelled.encode()).hexdigest()
            assert own["hash"] == previous


def test_retention_is_configured(cli: Cli, repo: Repository) -> None:
    repo.write("stateward.yaml", b"state: {retention: {count: 2}}\n")
    repo.commit("keep two")
    asked(cli, "apply")
    for old, new in (("active", "planned"), ("planned", "active"), ("active", "planned")):
        edit(repo, DEVICES, f"status: {old}", f"status: {new}")
        repo.commit(new)
        asked(cli, "apply")
    assert len(asked(cli, "history")["runs"]) == 2
    assert cli("audit", "verify")[0] == 0


class TestRollback:
    def test_takes_a_run_back_and_holds_its_unit(self, cli: Cli, applied: list[str]) -> None:
        run = asked(cli, "history", "--limit", "1")["runs"][0]["run"][:10]
        plan = asked(cli, "rollback", run, "--dry-run")
        assert plan["summary"]["update"] == 1
        assert plan["changes"][0]["fields"] == [
            {"name": "status", "old": "planned", "new": "active"}
        ]
        report = asked(cli, "rollback", run)
        assert [own["outcome"] for own in report["runs"]] == ["applied"]
        held = asked(cli, "plan")
        assert held["units"]["objects/network"]["state"] == "held"
        assert held["changes"] == []
        code, text = cli("apply")
        assert code == 0
        assert f"held: objects/network: {applied[1]} was rolled back" in text
        newest, undone, *_ = asked(cli, "history")["runs"]
        assert (newest["kind"], newest["undoes"]) == ("rollback", undone["run"])
        assert undone["undoneBy"] == [newest["run"]]
        assert {own["state"] for own in undone["changes"]} == {"undone"}
        assert cli("audit", "verify")[0] == 0

    @pytest.mark.usefixtures("applied")
    def test_is_lifted_by_another_commit(self, cli: Cli, repo: Repository) -> None:
        run = asked(cli, "history", "--limit", "1")["runs"][0]["run"]
        asked(cli, "rollback", run)
        edit(repo, DEVICES, "description: To ams1", "description: From ams1")
        repo.commit("another")
        assert asked(cli, "apply")["writes"] > 0
        assert asked(cli, "plan")["units"]["objects/network"]["state"] == "ready"

    @pytest.mark.usefixtures("applied")
    def test_beyond_the_limits_is_blocked(self, cli: Cli) -> None:
        run = asked(cli, "history", "objects/network")["runs"][-1]["run"]
        plan = asked(cli, "rollback", run, "--dry-run", "--force", code=3)
        assert plan["changes"] == []
        assert plan["blocked"][0]["figures"]["deletes"] == 21
        report = asked(cli, "rollback", run, "--force", "--allow-deletes", "21")
        assert report["runs"][0]["summary"]["delete"] == 21

    @pytest.mark.usefixtures("applied")
    def test_of_what_was_changed_since_is_an_error(self, cli: Cli) -> None:
        run = asked(cli, "history", "objects/network")["runs"][-1]["run"]
        plan = asked(cli, "rollback", run, "--dry-run", code=1)
        codes = {own["name"] for own in plan["problems"]}
        assert codes == {"changed-since"}
        assert "'active' was recorded, 'planned' stands there" in str(plan["problems"])

    @pytest.mark.usefixtures("applied")
    def test_goes_by_the_units_own_limits(self, cli: Cli, repo: Repository) -> None:
        repo.write("objects/network/.stateward.yaml", b"limits: {deletes: 30}\n")
        edit(repo, DEVICES, "status: planned", "status: active")
        repo.commit("more at once")
        asked(cli, "apply")
        newest, _, first, *_ = asked(cli, "history", "objects/network")["runs"]
        assert asked(cli, "rollback", newest["run"])["writes"] > 0
        plan = asked(cli, "rollback", first["run"], "--dry-run", "--force", code=3)
        assert plan["blocked"][0]["figures"]["limitDeletes"] == 10

    @pytest.mark.usefixtures("applied")
    def test_of_a_run_on_another_target_is_refused(self, cli: Cli) -> None:
        run = asked(cli, "history", "--limit", "1")["runs"][0]["run"]
        assert cli("rollback", run, "--target", "sqlite:///other.db")[0] == 1
        assert "name that one as the target" in cli.errors
        assert cli("rollback", "nothing")[0] == 1
        assert "SW5002" in cli.errors
