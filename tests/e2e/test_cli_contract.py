"""What docs/cli.md promises to scripts, sentence by sentence."""

import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import EXAMPLE, Cli, asked, edit
from repositories import ENVIRONMENT, Repository
from rounds import objects

LEAVES, SERVERS = "objects/network/leaves.yml", "objects/network/servers.yml"
TAGS = "objects/hardware/tags.yml"
CLI_PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
CANARY = "c4nary-in-the-mine"


def mistake(repo: Repository) -> None:
    edit(repo, LEAVES, "status: active", "status: asleep")


def change(repo: Repository) -> None:
    edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")


def emptied(repo: Repository) -> None:
    """Have a guard hold a prune back."""
    repo.git("rm", "-rq", "objects/network")


def waiting(repo: Repository) -> None:
    """Refer to what only the server can make, and has not made yet."""
    edit(repo, "schemas/dcim.yml", "\nnodes:", CHECKS)
    check = objects("LabCheck", {"name": "mtu", "query": "not-there-yet"})
    repo.write("objects/checks/1.yml", check.encode())


CHECKS = """
nodes:
  - name: Check
    namespace: Lab
    human_friendly_id: [name__value]
    attributes: [{name: name, kind: Text, unique: true}]
    relationships: [{name: query, peer: CoreGraphQLQuery, cardinality: one, identifier: check__query}]
"""


class TestExitCode:
    @pytest.fixture
    def applied(self, cli: Cli) -> Cli:
        assert cli("apply")[0] == 0
        return cli

    @pytest.mark.parametrize(
        ("situations", "code"),
        [
            ([], 0),
            ([change], 2),
            ([emptied], 3),
            ([waiting], 4),
            ([mistake], 1),
            ([waiting, change], 4),
            ([waiting, emptied], 3),
            ([waiting, mistake], 1),
        ],
        ids=["same", "changes", "guard", "waiting", "mistake", "waiting-over-changes",
             "guard-over-waiting", "mistake-over-waiting"],
    )  # fmt: skip
    @pytest.mark.parametrize("command", [["plan"], ["apply"], ["run", "--once"]], ids=" ".join)
    def test_is_the_first_of_1_3_4_2_that_applies(
        self, repo: Repository, applied: Cli, command: list[str], situations: list[Any], code: int
    ) -> None:
        for make in situations:
            make(repo)
        repo.commit("situation")
        assert applied(*command, "--detailed-exitcode")[0] == code

    @pytest.mark.parametrize("command", [["plan"], ["apply"], ["run", "--once"]], ids=" ".join)
    def test_of_changes_is_0_without_detail(
        self, repo: Repository, applied: Cli, command: list[str]
    ) -> None:
        change(repo)
        repo.commit("change")
        assert applied(*command)[0] == 0

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["nonsense"],
            ["plan", "--format", "xml"],
            ["plan", "--allow-deletes", "-1"],
            ["plan", "--rev", "no-such"],
            ["plan", "--config", "no-such.yaml"],
            ["plan", "--target", "mysql://x"],
            ["plan", "--source", "no-such"],
            ["plan", "--unit", "no-such"],
            ["plan", "no-such-directory"],
            ["plan", "--out", "no/such/directory/plan.json"],
            ["export", "--kind", "NoSuch"],
            ["run", "--dry-run"],
        ],
        ids=" ".join,
    )
    def test_of_a_wrong_command_line_is_1_and_nothing_is_answered(
        self, cli: Cli, arguments: list[str]
    ) -> None:
        assert cli(*arguments) == (1, "")
        assert cli.errors
        assert "Traceback" not in cli.errors

    @pytest.mark.parametrize("arguments", [["--help"], ["plan", "-h"], ["--version"]], ids=" ".join)
    def test_of_help_is_0(self, cli: Cli, arguments: list[str]) -> None:
        code, answer = cli(*arguments)
        assert code == 0
        assert answer


class TestValidate:
    def test_finds_every_problem_at_once(self, repo: Repository, cli: Cli) -> None:
        mistake(repo)
        edit(repo, SERVERS, "tags: [spare]", "tags: [none]")
        repo.write("objects/more/1.yml", b"kind: Object\nspec: {\n")
        repo.commit("three")
        document = asked(cli, "validate", code=1)
        assert {own["name"] for own in document["problems"]} == {"enum", "unresolved", "yaml"}
        assert all(own["line"] and own["column"] for own in document["problems"])

    def test_is_offline_and_writes_nothing(self, repo: Repository, cli: Cli) -> None:
        repo.write("stateward.yaml", b"target: {url: 'sqlite:////nowhere/at/all.db'}\n")
        document = asked(cli, "validate")
        assert list(document) == ["schema", "revisions", "units", "problems"]
        assert document["units"] == {
            "objects/hardware": [],
            "objects/locations": [],
            "objects/network": [],
        }
        assert not (repo.path / ".stateward").exists()


class TestOut:
    def test_is_written_beside_the_answer(self, repo: Repository, cli: Cli) -> None:
        answer = asked(cli, "plan", "--out", "plan.json")
        saved = json.loads((repo.path / "plan.json").read_text())
        assert {name: own for name, own in saved.items() if name in answer} == answer

    def test_is_applied_from_anywhere(
        self, repo: Repository, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repo.write("conf/stateward.yaml", b"instance: lab\n")
        asked(cli, "plan", "--config", "conf/stateward.yaml", "--out", "plan.json")
        monkeypatch.chdir(tmp_path)
        report = asked(cli, "apply", str(repo.path / "plan.json"))
        assert report["writes"] > 32
        assert (repo.path / "conf/.stateward/target.db").exists()

    def test_means_the_same_in_another_environment(
        self, repo: Repository, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repo.write("conf/stateward.yaml", b"state: {url: 'sqlite:///state.db'}\n")
        monkeypatch.setenv("STATEWARD_INSTANCE", "lab")
        monkeypatch.setenv("STATEWARD_CONFIG", "conf/stateward.yaml")
        asked(cli, "plan", "--out", "plan.json")
        monkeypatch.delenv("STATEWARD_INSTANCE")
        monkeypatch.delenv("STATEWARD_CONFIG")
        asked(cli, "apply", "plan.json")
        assert (repo.path / "conf/state.db").exists()
        target = "sqlite:///conf/.stateward/target.db"
        again = asked(cli, "plan", "--target", target)
        assert again["summary"]["adopt"] == 32  # as another instance, which owns none of it

    def test_of_the_configured_repository_is_applied(
        self, repo: Repository, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "stateward.yaml").write_text(f"sources: [{{git: {{url: '{repo.url}'}}}}]\n")
        monkeypatch.chdir(elsewhere)
        asked(cli, "plan", "--out", "plan.json")
        assert asked(cli, "apply", "plan.json")["writes"] > 32

    def test_holds_for_its_units_and_its_deletes_only(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "apply")
        repo.git("rm", "-rq", "objects/network")
        repo.commit("gone")
        plan = ["plan", "--allow-deletes", "21", "--unit", "objects/network", "--out", "plan.json"]
        asked(cli, *plan)
        report = asked(cli, "apply", "plan.json")
        done = {own["unit"]: own["summary"]["delete"] for own in report["runs"]}
        assert done == {"objects/hardware": 0, "objects/locations": 0, "objects/network": 21}

    @pytest.mark.parametrize("what", ["target", "digest"])
    def test_is_refused_when_it_is_not_the_same_any_more(
        self, repo: Repository, cli: Cli, what: str
    ) -> None:
        asked(cli, "plan", "--out", "plan.json")
        if what == "target":
            asked(cli, "apply", "--unit", "objects/hardware")
        else:
            edit(repo, "plan.json", '"digest": "', '"digest": "0')
        assert cli("apply", "plan.json") == (1, "")
        assert "SW1507 plan-moved" in cli.errors

    @pytest.mark.parametrize(
        "option",
        [
            ["--unit", "objects/hardware"],
            ["--target", "sqlite:///other.db"],
            ["--rev", "HEAD"],
            ["--allow-deletes", "0"],
            ["--worktree"],
            ["--config", "stateward.yaml"],
            ["--source", "default"],
        ],
        ids=" ".join,
    )
    def test_takes_no_option_that_says_something_else(
        self, repo: Repository, cli: Cli, option: list[str]
    ) -> None:
        asked(cli, "plan", "--out", "plan.json")
        assert cli("apply", "plan.json", *option) == (1, "")
        assert f"{option[0]}: the plan says that already" in cli.errors
        assert not (repo.path / ".stateward").exists()

    def test_of_two_revisions_is_no_plan_for_a_target(self, repo: Repository, cli: Cli) -> None:
        change(repo)
        repo.commit("change")
        asked(cli, "plan", "--against", "HEAD~1", "--out", "plan.json")
        assert cli("apply", "plan.json") == (1, "")


class TestRevision:
    @pytest.fixture
    def commit(self, repo: Repository) -> str:
        """An older commit, a branch and a tag of it; HEAD has an object less."""
        commit = repo.git("rev-parse", "HEAD")
        repo.git("branch", "old")
        repo.git("tag", "v1")
        text = (repo.path / SERVERS).read_text()
        (repo.path / SERVERS).write_text(text[: text.index("    - name: rtm1-srv1")])
        repo.commit("less")
        return commit

    @pytest.mark.parametrize("name", ["old", "v1", "HEAD~1", "{commit}"])
    def test_is_a_branch_a_tag_or_a_commit(self, cli: Cli, commit: str, name: str) -> None:
        plan = asked(cli, "plan", "--rev", name.format(commit=commit))
        assert plan["revisions"] == {"default": commit}
        assert plan["summary"]["create"] == 32

    def test_is_head_by_default(self, repo: Repository, cli: Cli, commit: str) -> None:
        plan = asked(cli, "plan")
        assert (
            plan["revisions"] == {"default": repo.git("rev-parse", "HEAD")} != {"default": commit}
        )
        assert plan["summary"]["create"] == 30

    @pytest.mark.parametrize("command", ["validate", "plan", "apply", "run"])
    def test_is_for_every_command_that_reads_one(self, cli: Cli, commit: str, command: str) -> None:
        once = ["--once"] if command == "run" else []
        assert commit in cli(command, *once, "--rev", "v1", "--format", "json")[1]


class TestWorktree:
    def test_may_be_a_folder_that_is_no_repository(self, cli: Cli, tmp_path: Path) -> None:
        shutil.copytree(EXAMPLE, tmp_path / "folder")
        plan = asked(cli, "plan", str(tmp_path / "folder"), "--worktree")
        assert plan["summary"]["create"] == 32

    def test_is_not_read_unless_it_is_asked_for(self, cli: Cli, tmp_path: Path) -> None:
        shutil.copytree(EXAMPLE, tmp_path / "folder")
        assert cli("plan", str(tmp_path / "folder")) == (1, "")
        assert "SW2001" in cli.errors

    def test_plan_is_refused_once_a_file_changed(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "plan", "--worktree", "--out", "plan.json")
        change(repo)
        assert cli("apply", "plan.json") == (1, "")

    def test_plan_is_applied_while_the_files_are_the_same(self, cli: Cli, tmp_path: Path) -> None:
        plan = str(tmp_path / "plan.json")
        asked(cli, "plan", "--worktree", "--out", plan)
        assert asked(cli, "apply", plan)["writes"] > 32


class TestPlaces:
    def test_target_is_relative_to_here(self, repo: Repository, cli: Cli, tmp_path: Path) -> None:
        here = tmp_path / "here"
        here.mkdir()
        os.chdir(here)  # the fixture goes back
        asked(cli, "apply", str(repo.path), "--target", "sqlite:///t.db")
        assert (here / "t.db").exists()

    def test_target_is_in_the_repository_by_default(
        self, repo: Repository, cli: Cli, tmp_path: Path
    ) -> None:
        os.chdir(tmp_path)
        asked(cli, "apply", str(repo.path))
        assert (repo.path / ".stateward/target.db").exists()

    def test_source_is_chosen_by_name(self, repo: Repository, cli: Cli) -> None:
        repo.write(
            "stateward.yaml",
            b"sources: [{name: a, units: [{path: objects/hardware}]}, {name: b}]\n",
        )
        assert set(asked(cli, "plan", "--source", "a")["units"]) == {"objects/hardware"}
        assert cli("plan") == (1, "")
        assert "choose one of a, b" in cli.errors

    def test_every_source_has_its_round(self, repo: Repository, cli: Cli) -> None:
        repo.write(
            "stateward.yaml",
            b"sources:\n"
            b"  - {name: hardware, units: [{path: objects/hardware}]}\n"
            b"  - {name: lost, git: {url: /nowhere}, units: [{path: objects/x}]}\n"
            b"  - {name: locations, units: [{path: objects/locations}]}\n",
        )
        code, text = cli("run", "--once", "--dry-run")
        assert code == 1
        assert [line for line in text.splitlines() if line.startswith("source ")] == [
            "source hardware",
            "source locations",
        ]
        assert cli.errors.startswith("lost: SW2001 ")
        code, answer = cli("run", "--once", "--format", "json")
        assert code == 1
        assert [(own["source"], own["writes"] > 0) for own in json.loads(answer)] == [
            ("hardware", True),
            ("locations", True),
        ]
        assert asked(cli, "run", "--once", "--source", "hardware")["writes"] == 0
        assert cli("validate", "--source", "lost")[0] == 1
        assert cli("doctor")[1].count("\nsource ") == 2


@pytest.mark.parametrize("glob", ["objects/n*", "*work", "obj*ork", "objects/network"])
def test_unit_pattern_matches_slashes_too(cli: Cli, glob: str) -> None:
    plan = asked(cli, "plan", "--unit", glob, code=4)
    assert {own["unit"] for own in plan["changes"]} <= {"objects/network"}
    states = {unit: own["state"] for unit, own in plan["units"].items()}
    assert [unit for unit, own in states.items() if own != "suspended"] == ["objects/network"]


@pytest.mark.parametrize(
    ("command", "forms"),
    [
        (["validate"], ["text", "json", "markdown"]),
        (["plan"], ["text", "json", "markdown"]),
        (["apply"], ["text", "json", "markdown"]),
        (["run", "--once"], ["text", "json", "markdown"]),
        (["run", "--once", "--dry-run"], ["text", "json", "markdown"]),
        (["export"], ["yaml", "json"]),
    ],
    ids=" ".join,
)
def test_every_format_is_an_answer_and_the_first_is_the_default(
    cli: Cli, command: list[str], forms: list[str]
) -> None:
    cli("apply")
    answers = {form: cli(*command, "--format", form) for form in forms}
    assert {code for code, _ in answers.values()} == {0}
    assert len({answer for _, answer in answers.values()}) == len(forms)
    assert cli(*command)[1] == answers[forms[0]][1]


class TestAllowDeletes:
    @pytest.fixture
    def going(self, repo: Repository, cli: Cli) -> Cli:
        """A unit of 21 objects is gone from Git."""
        asked(cli, "apply")
        repo.git("rm", "-rq", "objects/network")
        repo.commit("gone")
        return cli

    def test_lets_so_many_through(self, going: Cli) -> None:
        report = asked(going, "apply", "--allow-deletes", "21")
        assert sum(own["summary"]["delete"] for own in report["runs"]) == 21

    def test_lets_no_more_through(self, going: Cli) -> None:
        report = asked(going, "apply", "--allow-deletes", "20", code=3)
        assert sum(own["summary"]["delete"] for own in report["runs"]) == 0
        outcomes = {own["unit"]: own["outcome"] for own in report["runs"]}
        assert outcomes["objects/network"] == "blocked"

    def test_lets_nothing_of_a_protected_kind_through(self, repo: Repository, going: Cli) -> None:
        repo.write("stateward.yaml", b"defaults: {limits: {protectedKinds: [DcimDevice]}}\n")
        plan = asked(going, "plan", "--allow-deletes", "1000", code=3)
        assert plan["summary"]["delete"] == 0
        (blocked,) = plan["blocked"]
        assert {"unit", "reason", "figures", "objects", "digest"} <= set(blocked)

    def test_is_recorded(self, repo: Repository, going: Cli) -> None:
        asked(going, "apply", "--allow-deletes", "21")
        with closing(sqlite3.connect(repo.path / ".stateward/state.db")) as db:
            query = "SELECT body FROM record WHERE type = 'begin' ORDER BY number DESC"
            (body,) = db.execute(query).fetchone()
        assert json.loads(body)["detail"] == "--allow-deletes 21"

    def test_is_for_one_round(self, going: Cli) -> None:
        asked(going, "plan", "--allow-deletes", "21")
        assert going("plan")[0] == 3

    def test_is_not_needed_for_what_was_approved(self, going: Cli) -> None:
        plan = asked(going, "plan", code=3)
        (blocked,) = plan["blocked"]
        approved = ("approve", "objects/network", blocked["digest"], "--for", "1h")
        assert going(*approved)[0] == 0
        approved_plan = asked(going, "plan")
        assert (approved_plan["summary"]["delete"], approved_plan["blocked"]) == (21, [])
        report = asked(going, "apply")
        assert sum(own["summary"]["delete"] for own in report["runs"]) == 21
        assert report["digest"] == approved_plan["digest"]


class TestAgainst:
    def test_same_revision_is_no_change(self, cli: Cli) -> None:
        plan = asked(cli, "plan", "--against", "HEAD", "--detailed-exitcode")
        assert plan["changes"] == []

    def test_tells_updates_and_deletes(self, repo: Repository, cli: Cli) -> None:
        change(repo)
        text = (repo.path / SERVERS).read_text()
        (repo.path / SERVERS).write_text(text[: text.index("    - name: rtm1-srv1")])
        repo.commit("change")
        plan = asked(cli, "plan", "--against", "HEAD~1", "--detailed-exitcode", code=2)
        assert (plan["summary"]["update"], plan["summary"]["delete"]) == (8, 2)
        assert not any("id" in own for own in plan["changes"])
        assert not (repo.path / ".stateward").exists()

    def test_unknown_revision_is_an_error(self, cli: Cli) -> None:
        assert cli("plan", "--against", "no-such") == (1, "")
        assert "SW2002" in cli.errors

    def test_schema_with_errors_is_an_error(self, repo: Repository, cli: Cli) -> None:
        edit(repo, "schemas/dcim.yml", "version:", "nodes: 5\nversion:")
        repo.commit("broken")
        assert cli("plan", "--against", "HEAD~1")[0] == 1


class TestPlanDocument:
    def test_delete_has_an_id_and_no_origin(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "apply")
        text = (repo.path / SERVERS).read_text()
        (repo.path / SERVERS).write_text(text[: text.index("    - name: rtm1-srv1")])
        repo.commit("less")
        changes = asked(cli, "plan")["changes"]
        assert [own["action"] for own in changes] == ["delete", "delete"]
        assert all(own["id"] and own["origin"] is None for own in changes)

    def test_digest_is_of_the_target_and_the_revision(self, repo: Repository, cli: Cli) -> None:
        digests = [
            asked(cli, "plan")["digest"],
            asked(cli, "plan", "--format", "text", "--target", "sqlite:///other.db")["digest"],
        ]
        repo.commit("nothing")
        digests.append(asked(cli, "plan")["digest"])
        assert len(set(digests)) == 3

    def test_digest_is_the_same_for_the_same_plan(self, cli: Cli) -> None:
        assert asked(cli, "plan")["digest"] == asked(cli, "plan")["digest"]

    @pytest.mark.parametrize(
        ("make", "code", "stalled"),
        [(waiting, 4, "LabCheck/mtu"), (mistake, 1, None)],
        ids=["an-object", "the-unit"],
    )
    def test_problem_names_the_object_where_it_stalls_no_more(
        self, repo: Repository, cli: Cli, make: Any, code: int, stalled: str | None
    ) -> None:
        make(repo)
        repo.commit("situation")
        problem = asked(cli, "plan", code=code)["problems"][0]
        assert list(problem) == [
            "code", "name", "severity", "message", "unit", "object", "file", "line", "column",
        ]  # fmt: skip
        assert problem["object"] == stalled


class TestReportDocument:
    def test_has_the_documented_keys(self, cli: Cli) -> None:
        report = asked(cli, "apply")
        assert list(report) == [
            *(
                "schema",
                "digest",
                "writes",
                "requests",
                "runs",
                "commit",
                "letThrough",
                "blocked",
                "problems",
            )
        ]
        keys = ["unit", "revision", "outcome", "summary", "writes", "survivors"]
        assert all(list(own) == keys for own in report["runs"])

    def test_has_the_error_of_a_unit_that_failed(self, repo: Repository, cli: Cli) -> None:
        mistake(repo)
        repo.commit("wrong")
        report = asked(cli, "apply", code=1)
        runs = {own["unit"]: own for own in report["runs"]}
        assert runs["objects/network"]["outcome"] == "failed"
        assert runs["objects/network"]["error"].startswith(f"{LEAVES}:")
        assert "error" not in runs["objects/hardware"]

    def test_suspended_unit_is_skipped(self, repo: Repository, cli: Cli) -> None:
        repo.write("objects/hardware/.stateward.yaml", b"suspend: true\n")
        repo.commit("suspended")
        report = asked(cli, "run", "--once", code=4)
        outcomes = {own["unit"]: own["outcome"] for own in report["runs"]}
        assert outcomes["objects/hardware"] == "skipped"

    def test_of_a_dry_run_is_what_the_run_does(self, cli: Cli) -> None:
        dry = asked(cli, "run", "--once", "--dry-run")
        real = asked(cli, "run", "--once")
        assert dry["digest"] == real["digest"]
        assert [own["summary"] for own in dry["runs"]] == [own["summary"] for own in real["runs"]]
        assert {own["outcome"] for own in dry["runs"]} == {"planned"}


def test_text_is_as_documented(repo: Repository, cli: Cli) -> None:
    """Play what the page shows; the answers are those that stand there."""
    asked(cli, "apply")
    text = (repo.path / SERVERS).read_text()
    head, rest = text[: text.index("    - name: ams1-srv1")], text[text.index("    - name: rtm1") :]
    rest = rest.replace("    - name: rtm1-srv1\n", "    - name: rtm1-srv1\n      status: active\n")
    repo.git("rm", "-q", SERVERS)
    repo.write("objects/rotterdam/servers.yml", (head + rest).encode())
    repo.commit("moved")
    page = CLI_PAGE.read_text().split("```text\n", 1)[1].split("```", 1)[0]
    assert f"$ stateward plan\n{cli('plan')[1]}$ stateward apply\n{cli('apply')[1]}" == page


class TestExport:
    def test_leaves_out_what_is_not_for_a_file(self, repo: Repository, cli: Cli) -> None:
        edit(repo, "schemas/dcim.yml", "\nnodes:", ACCOUNTS)
        secret = objects("LabAccount", {"name": "ada", "password": CANARY, "pin": CANARY})
        repo.write("objects/accounts/1.yml", secret.encode())
        repo.commit("accounts")
        asked(cli, "apply")
        code, answer = cli("export", "--format", "json")
        document = json.loads(answer)
        assert code == 0
        assert CANARY not in answer + cli("export")[1]
        (account,) = (own for own in document["objects"] if own["kind"] == "LabAccount")
        assert account["fields"] == {"name": "ada"}
        assert "CoreStandardGroup" not in {own["kind"] for own in document["objects"]}

    def test_kinds_add_up(self, cli: Cli) -> None:
        asked(cli, "apply")
        both = asked(cli, "export", "--kind", "BuiltinTag", "--kind", "LocationGeneric")["objects"]
        assert len(both) == 7

    def test_of_an_empty_target_is_empty(self, cli: Cli) -> None:
        assert asked(cli, "export") == {"schema": "stateward/export/v1", "objects": []}


ACCOUNTS = """
nodes:
  - name: Account
    namespace: Lab
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: password, kind: Password}
      - {name: pin, kind: HashedPassword}
"""


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("command", ["plan", "apply", "validate"])
def test_password_is_never_shown(repo: Repository, cli: Cli, command: str, form: str) -> None:
    edit(repo, "schemas/dcim.yml", "\nnodes:", ACCOUNTS)
    secret = objects("LabAccount", {"name": "ada", "password": CANARY, "pin": CANARY})
    repo.write("objects/accounts/1.yml", secret.encode())
    repo.commit("accounts")
    code, answer = cli(command, "--format", form)
    assert code == 0
    assert CANARY not in answer + cli.errors


class TestStreams:
    @pytest.fixture
    def terminal(self) -> Iterator[tuple[int, int]]:
        ends = pty.openpty()
        yield ends
        for own in ends:
            os.close(own)

    def _apply(self, repo: Repository, stderr: int) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "stateward", "apply", "--format", "json"],
            cwd=repo.path,
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=True,
        )

    def test_progress_is_shown_at_a_terminal(
        self, repo: Repository, terminal: tuple[int, int]
    ) -> None:
        done = self._apply(repo, terminal[1])
        assert json.loads(done.stdout)["schema"] == "stateward/report/v1"
        assert b"32 of 32 changes" in os.read(terminal[0], 100_000)

    def test_errors_do_not_go_to_stdout(self, repo: Repository) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "stateward", "plan", "--rev", "no-such"],
            cwd=repo.path,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"SW2002 ")

    def test_reader_who_has_seen_enough_is_no_error(self, repo: Repository) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "stateward", "plan", "--format", "json"],
            cwd=repo.path,
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        process.stderr.close()
        assert (process.wait(timeout=60), errors) == (0, b"")
