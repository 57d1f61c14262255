"""The command line as scripts use it: exit codes, shapes, files."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commands import EXAMPLE, Cli, asked, edit
from repositories import ENVIRONMENT, Repository, executable

SUMMARY = ["create", "update", "adopt", "move", "release", "delete", "unchanged"]


def test_plan_apply_and_again(repo: Repository, cli: Cli) -> None:
    plan = asked(cli, "plan")
    assert plan["schema"] == "stateward/plan/v1"
    assert list(plan["summary"]) == SUMMARY
    assert plan["summary"]["create"] == 32
    assert plan["revisions"] == {"default": repo.git("rev-parse", "HEAD")}
    change = next(own for own in plan["changes"] if own["hfid"] == ["ams1-leaf1"])
    assert set(change) == {"action", "unit", "kind", "hfid", "fields", "origin"}
    assert set(change["origin"]) == {"file", "line", "column"}
    assert {"name": "location", "old": None, "new": ["ams1-room1"]} in change["fields"]
    assert not (repo.path / ".stateward").exists()

    report = asked(cli, "apply")
    assert report["schema"] == "stateward/report/v1"
    assert report["digest"] == plan["digest"]
    assert {own["outcome"] for own in report["runs"]} == {"applied"}
    assert report["writes"] == sum(own["writes"] for own in report["runs"]) + 1  # the schema
    assert repo.git("status", "--porcelain") == ""

    again = asked(cli, "run", "--once")
    assert again["writes"] == 0
    assert {own["outcome"] for own in again["runs"]} == {"unchanged"}


def test_exit_codes(repo: Repository, cli: Cli) -> None:
    assert cli("plan")[0] == 0
    assert cli("plan", "--detailed-exitcode")[0] == 2
    assert cli("run", "--once", "--dry-run", "--detailed-exitcode")[0] == 2
    assert cli("apply", "--detailed-exitcode")[0] == 2
    assert cli("apply", "--detailed-exitcode")[0] == 0
    assert cli("plan", "--detailed-exitcode")[0] == 0
    edit(repo, "objects/network/leaves.yml", "status: active", "status: asleep")
    repo.commit("wrong")
    assert cli("plan", "--detailed-exitcode")[0] == 1
    assert cli("validate")[0] == 1
    assert cli("plan", "--no-such-option")[0] == 1
    assert cli("run", "--dry-run")[0] == 1


def test_dry_run_reports_what_would_be_done(repo: Repository, cli: Cli) -> None:
    report = asked(cli, "run", "--once", "--dry-run")
    assert report["writes"] == 0
    assert {own["outcome"] for own in report["runs"]} == {"planned"}
    assert sum(own["summary"]["create"] for own in report["runs"]) == 32
    assert not (repo.path / ".stateward").exists()


def test_saved_plan_is_applied_if_it_is_still_the_same(repo: Repository, cli: Cli) -> None:
    plan = asked(cli, "plan", "--out", "plan.json")
    assert json.loads((repo.path / "plan.json").read_text())["digest"] == plan["digest"]
    report = asked(cli, "apply", "plan.json")
    assert report["digest"] == plan["digest"]

    code, answer = cli("apply", "plan.json")
    assert (code, answer) == (1, "")
    assert "SW1507 plan-moved" in cli.errors


def test_saved_plan_is_for_its_commit(repo: Repository, cli: Cli) -> None:
    asked(cli, "apply")
    edit(repo, "objects/network/leaves.yml", "mtu: 9214", "mtu: 9000")
    commit = repo.commit("smaller frames")
    asked(cli, "plan", "--out", "plan.json")
    edit(repo, "objects/network/leaves.yml", "mtu: 9000", "mtu: 1500")
    repo.commit("smaller still")

    report = asked(cli, "apply", "plan.json")
    assert {own["revision"] for own in report["runs"]} == {commit}
    assert sum(own["summary"]["update"] for own in report["runs"]) == 8


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "stateward/plan/v2"}', "\udcff"])
def test_file_that_is_no_plan(repo: Repository, cli: Cli, text: str) -> None:
    (repo.path / "plan.json").write_bytes(text.encode(errors="surrogateescape"))
    assert cli("apply", "plan.json") == (1, "")
    assert "SW4003 plan-file" in cli.errors


def test_plan_between_two_revisions_needs_no_target(repo: Repository, cli: Cli) -> None:
    servers = "objects/network/servers.yml"
    text = (repo.path / servers).read_text()
    start = text.index("    - name: rtm1-srv1")
    head = text[: text.index("    - name: ams1-srv1")]
    (repo.path / servers).write_text(text[:start])
    repo.write("objects/rotterdam/servers.yml", (head + text[start:]).encode())
    repo.commit("moved")
    plan = asked(cli, "plan", "--against", "HEAD~1", "--target", "sqlite:////nowhere/at/all.db")
    assert {own["action"] for own in plan["changes"]} == {"move"}
    assert {own["from"] for own in plan["changes"]} == {"objects/network"}
    assert plan["summary"]["unchanged"] == 30


def test_only_the_units_that_are_asked_for(cli: Cli) -> None:
    plan = asked(cli, "plan", "--unit", "objects/locations")
    assert {own["unit"] for own in plan["changes"]} == {"objects/locations"}
    report = asked(cli, "apply", "--unit", "objects/[hl]*")
    outcomes = {own["unit"]: own["outcome"] for own in report["runs"]}
    assert outcomes == {
        "objects/hardware": "applied",
        "objects/locations": "applied",
        "objects/network": "skipped",
    }


def test_uncommitted_changes_are_seen_with_worktree_only(repo: Repository, cli: Cli) -> None:
    asked(cli, "apply")
    edit(repo, "objects/network/leaves.yml", "mtu: 9214", "mtu: 9000")
    assert asked(cli, "plan")["changes"] == []
    assert asked(cli, "plan", "--worktree")["summary"]["update"] == 8


def test_export_is_what_was_declared_and_can_be_applied(cli: Cli, tmp_path: Path) -> None:
    asked(cli, "apply")
    document = asked(cli, "export")
    assert document["schema"] == "stateward/export/v1"
    assert len(document["objects"]) == 32
    leaf = next(own for own in document["objects"] if own["hfid"] == ["ams1-leaf1"])
    assert leaf["unit"] == "objects/network"
    assert leaf["fields"]["location"] == ["ams1-room1"]
    assert leaf["fields"]["tags"] == [["production"]]
    assert leaf["fields"]["primary_address"] == ["10.0.0.1/32", "default"]
    assert ["ams1-leaf1", "Loopback0"] in leaf["fields"]["interfaces"]

    code, text = cli("export")
    assert code == 0
    other = Repository(tmp_path / "other")
    shutil.copytree(EXAMPLE / "schemas", other.path / "schemas")
    other.write("all/objects.yml", text.encode())
    other.commit("exported")
    target = f"sqlite:///{tmp_path / 'other.db'}"
    assert cli("apply", str(other.path), "--target", target)[0] == 0
    copied = json.loads(cli("export", "--target", target, "--format", "json")[1])
    assert [strip(own) for own in copied["objects"]] == [strip(own) for own in document["objects"]]


def strip(own: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in own.items() if key not in {"id", "unit"}}


def test_export_of_some(cli: Cli) -> None:
    asked(cli, "apply")
    tags = asked(cli, "export", "--kind", "BuiltinTag")["objects"]
    assert [own["hfid"] for own in tags] == [["production"], ["spare"]]
    places = asked(cli, "export", "--kind", "LocationGeneric")["objects"]
    assert len(places) == 5
    hardware = asked(cli, "export", "--unit", "objects/hardware")["objects"]
    assert len(hardware) == 6
    assert cli("export", "--kind", "Nope") == (1, "")


def test_directory_below_the_top_is_a_repository_of_its_own(cli: Cli) -> None:
    plan = asked(cli, "validate", "objects", code=1)
    assert {own["name"] for own in plan["problems"]} == {"unknown-kind"}
    assert set(plan["units"]) == {"hardware", "locations", "network"}


def test_configuration(repo: Repository, cli: Cli) -> None:
    repo.write(
        "stateward.yaml",
        b"instance: lab\ntarget: {url: 'sqlite:///lab.db'}\nsources:\n"
        b"  - name: site\n    units: [{path: objects, recursive: true, limits: {deletes: 3}}]\n",
    )
    report = asked(cli, "apply")
    assert [own["unit"] for own in report["runs"]] == ["objects"]
    assert (repo.path / "lab.db").is_file()
    repo.write("stateward.yaml", b"instance: lab\ntarget_: {}\ndefaults: {adopt: perhaps}\n")
    assert cli("plan") == (1, "")
    errors = cli.errors.splitlines()
    assert any(":2:1: target_: no such setting" in line for line in errors)
    assert any(":3:19: defaults.adopt:" in line for line in errors)


def test_configuration_schema(cli: Cli) -> None:
    code, answer = cli("config", "schema")
    assert code == 0
    assert set(json.loads(answer)["properties"]) >= {"instance", "target", "sources", "defaults"}
    assert "dependsOn" in json.loads(cli("config", "schema", "--unit")[1])["properties"]


def test_environment(repo: Repository, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATEWARD_TARGET", f"sqlite:///{repo.path / 'env.db'}")
    monkeypatch.setenv("STATEWARD_INSTANCE", "env")
    asked(cli, "apply")
    assert (repo.path / "env.db").is_file()


def test_markdown_is_data_not_markup(repo: Repository, cli: Cli) -> None:
    edit(repo, "objects/network/leaves.yml", "ams1-leaf1", '"`|<b>ams1*"')
    repo.commit("markup")
    code, text = cli("plan", "--format", "markdown")
    assert code == 0
    assert "\\`\\|\\<b>ams1\\*" in text


def stateward(
    repo: Repository, *arguments: str, environment: Mapping[str, str] = ENVIRONMENT, **options: Any
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "stateward", *arguments],
        cwd=repo.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        **options,
    )


def test_stdout_holds_only_the_answer(repo: Repository) -> None:
    process = stateward(repo, "apply", "--format", "json")
    out, err = process.communicate(timeout=60)
    assert json.loads(out)["schema"] == "stateward/report/v1"
    assert err == b""


def test_interrupted_is_130(repo: Repository, tmp_path: Path) -> None:
    """It is interrupted while git works for it, and leaves no git behind."""
    pid = tmp_path / "pid"
    git = executable(tmp_path / "bin/git", [f"echo $$ > {pid}", "kill -INT $PPID", "exec sleep 60"])
    path = {"PATH": f"{git.parent}{os.pathsep}{os.environ['PATH']}"}
    process = stateward(repo, "plan", environment=path, start_new_session=True)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.split()) == (130, [b"interrupted"])
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_help_answers_at_once() -> None:
    """It imports nothing that is heavy, and takes a fraction of what a plan's imports take."""
    heavy = "pydantic", "yaml", "sqlite3", "asyncio", "stateward.settings", "stateward.engine"
    code = (
        "import sys; from stateward.__main__ import main; sys.argv = ['stateward', '--help'];"
        f"main(); print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

    def timed(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - start

    # In turn, and the best of each: others are at work on this machine, too.
    taken = [(timed("-m", "stateward", "--help"), timed("-c", "import click")) for _ in range(7)]
    assert min(own for own, _ in taken) < 2.5 * min(bare for _, bare in taken)
