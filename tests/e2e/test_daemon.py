"""The daemon as operators meet it: a process, a repository, signals, and what status says."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import Cli, asked, edit
from repositories import Repository
from rounds import objects
from tending import Process

LEAVES = "objects/network/leaves.yml"
CONFIGURED = "defaults: {drift: {interval: 2s}}\nsources: [{name: default}]\n"


def units(cli: Cli, code: int = 0) -> dict[str, Any]:
    (source,) = asked(cli, "status", code=code)["sources"]
    return dict(source["units"])


def unfinished(repo: Repository) -> list[str]:
    """Return the runs that were begun and not ended."""
    with closing(sqlite3.connect(repo.path / ".stateward" / "state.db")) as db:
        begun = {run for (run,) in db.execute("SELECT run FROM record WHERE type = 'begin'")}
        ended = {run for (run,) in db.execute("SELECT run FROM record WHERE type = 'finish'")}
    return sorted(begun - ended)


@pytest.fixture
def ended(repo: Repository) -> None:
    """A repository whose units are all applied, and a daemon that has ended."""
    with Process(repo.path) as daemon:
        daemon.until("round", trigger="start")
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0


class TestCommit:
    def test_is_applied_in_under_a_second(self, repo: Repository, cli: Cli) -> None:
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
            begun = time.time()
            commit = repo.commit("smaller frames")
            done = daemon.until("round", trigger="commit")
            took = time.time() - begun
        assert done["revision"] == commit
        assert done["units"] == 1
        # The round itself takes its time on a busy machine: what counts is how soon it begins.
        assert took - done["seconds"] < 1
        assert units(cli)["objects/network"]["applied"] == commit

    def test_that_is_broken_is_told_with_its_place_and_mended_by_the_next(
        self, repo: Repository, cli: Cli
    ) -> None:
        with Process(repo.path) as daemon:
            good = repo.git("rev-parse", "HEAD")
            daemon.until("round", trigger="start")
            edit(repo, LEAVES, "status: active", "status: asleep")
            bad = repo.commit("a mistake")
            told = daemon.until("unit", unit="objects/network")
            daemon.until("round")
            assert (told["level"], told["condition"]) == ("warning", "stalled")
            found = units(cli, code=1)
            own = found["objects/network"]
            assert (own["state"], own["attempted"], own["applied"]) == ("stalled", bad, good)
            assert own["message"].startswith(f"{LEAVES}:")
            assert "SW1307" in own["message"]
            assert found["objects/locations"]["state"] == "ready"
            code, text = cli("status")
            assert code == 1
            assert own["message"] in text
            edit(repo, LEAVES, "status: asleep", "status: active")
            repo.commit("mended")
            told = daemon.until("unit", unit="objects/network")
            daemon.until("round")
            assert (told["level"], told["condition"]) == ("info", "ready")
        assert units(cli)["objects/network"]["state"] == "ready"

    def test_on_a_branch_that_is_not_followed_is_none_of_ours(self, repo: Repository) -> None:
        repo.write("stateward.yaml", b"sources: [{name: default, git: {url: ., ref: main}}]\n")
        repo.commit("follow main")
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            repo.git("checkout", "-qb", "draft")
            edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
            repo.commit("not yet")
            assert daemon.maybe("revision", within=1) is None
            repo.git("branch", "-f", "main", "draft")
            daemon.until("round", trigger="commit")

    def test_that_removes_a_directory_is_held_back_and_told(
        self, repo: Repository, cli: Cli
    ) -> None:
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            repo.git("rm", "-rq", "objects/network")
            repo.commit("no network")
            told = daemon.until("unit", unit="objects/network")
            daemon.until("round")
        assert told["condition"] == "blocked"
        own = units(cli, code=3)["objects/network"]
        assert own["message"].endswith("would be deleted: the directory is gone")
        assert "at commit" in own["details"][1]
        assert own["next"] is not None


class TestDrift:
    def change(self, repo: Repository) -> None:
        """Change something behind our back."""
        with closing(sqlite3.connect(repo.path / ".stateward" / "target.db")) as db, db:
            changed = db.execute(
                "UPDATE node SET fields = json_set(fields, '$.mtu', 1234)"
                " WHERE kind = 'DcimInterface' AND fields ->> '$.mtu' = 9214"
            )
            assert changed.rowcount > 0

    @pytest.mark.parametrize("mode", ["enforce", "report", "ignore"])
    def test_is_mended_or_told_or_left(self, repo: Repository, cli: Cli, mode: str) -> None:
        said = f"defaults: {{drift: {{interval: 1s, mode: {mode}}}}}\n"
        repo.write("stateward.yaml", said.encode())
        repo.commit("configured")
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            self.change(repo)
            if mode == "enforce":
                told = daemon.until("unit", unit="objects/network")
                assert (told["condition"], told["writes"] > 0) == ("ready", True)
            elif mode == "report":
                told = daemon.until("unit", unit="objects/network")
                assert (told["condition"], told["writes"]) == ("drifted", 0)
                assert "update DcimInterface/" in told["message"]
                assert units(cli, code=1)["objects/network"]["state"] == "drifted"
            else:
                assert daemon.maybe("round", within=3) is None
            if mode != "enforce":
                edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
                repo.commit("a commit is applied all the same")
                assert daemon.until("unit", unit="objects/network")["writes"] > 0


class TestCommands:
    def test_are_noticed_at_once_and_survive_a_restart(self, repo: Repository, cli: Cli) -> None:
        with Process(repo.path, STATEWARD_ACTOR="daemon") as daemon:
            daemon.until("round", trigger="start")
            suspended = ("suspend", "objects/network", "--for", "1h", "--reason", "a move")
            assert cli(*suspended)[1].startswith("suspended objects/network until ")
            told = daemon.until("told", command="suspend", within=1)
            assert (told["unit"], told["reason"]) == ("objects/network", "a move")
            daemon.signal(signal.SIGTERM)
            assert daemon.end() == 0
        edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
        repo.commit("smaller frames")
        with Process(repo.path) as daemon:
            daemon.until("revision", due=1)
            assert daemon.maybe("round", within=1) is None
            pause = units(cli)["objects/network"]["pause"]
            assert (pause["why"], pause["until"] is None) == ("suspended", False)
            assert "a move" in cli("status")[1]
            assert cli("reconcile", "objects/network")[0] == 1
            assert "is suspended by" in cli.errors
            assert cli("resume", "objects/network")[1] == "resumed objects/network\n"
            done = daemon.until("round", within=5)
            assert (done["trigger"], done["units"]) == ("commit+resumed", 1)
            assert cli("reconcile")[1] == "asked for a round of default\n"
            assert daemon.until("round", trigger="manual")["units"] == 3

    def test_approve_what_is_held_back(self, repo: Repository, cli: Cli) -> None:
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            repo.git("rm", "-rq", "objects/network")
            repo.commit("no network")
            daemon.until("round", trigger="commit")
            shown = cli("status")[1]
            (line,) = [own for own in shown.splitlines() if "stateward approve" in own]
            assert cli(*line.split("stateward ")[1].split())[0] == 0
            done = daemon.until("round", trigger="manual")
            assert done["writes"] > 0
        assert set(units(cli)) == {"objects/hardware", "objects/locations"}

    def test_are_kept_where_no_daemon_runs(self, repo: Repository, cli: Cli) -> None:
        said = "asked for a round of default; no daemon seems to be running: it takes it up when it starts\n"
        assert cli("reconcile") == (0, said)
        with Process(repo.path) as daemon:
            daemon.until("told", command="reconcile")


class TestRewind:
    def test_is_refused_until_exactly_that_commit_is_allowed(
        self, repo: Repository, cli: Cli
    ) -> None:
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            edit(repo, LEAVES, "mtu: 9214", "mtu: 9000")
            repo.commit("smaller frames")
            daemon.until("round", trigger="commit")
            repo.git("reset", "-q", "--hard", "HEAD~1")
            old = repo.git("rev-parse", "HEAD")
            told = daemon.until("source-failed")
            assert told["message"].startswith(f"SW2010 rewound: {old[:12]} did not come after ")
            code, shown = cli("status")
            while code == 0:  # it is told before it is written down
                daemon.maybe("round", within=0.1)
                code, shown = cli("status")
            assert (code, "objects/network    stalled" in shown) == (1, True)
            assert cli("allow-rewind", "f" * 12)[0] == 1
            assert "is not the beginning of a commit that is refused" in cli.errors
            assert cli("allow-rewind", old[:12])[0] == 0
            daemon.until("source-back")
            assert daemon.until("round")["revision"] == old
        assert units(cli)["objects/network"]["applied"] == old


class TestReload:
    def test_follows_the_file_a_bad_one_is_refused(self, repo: Repository) -> None:
        config = repo.path / "stateward.yaml"
        config.write_text(CONFIGURED)
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            config.write_text("defaults: {drift: {interval: soon}}\n")
            refused = daemon.until("reload-refused")
            assert "stateward.yaml:1:30: defaults.drift.interval: " in refused["message"]
            assert daemon.until("round", trigger="interval")["writes"] == 0
            config.write_text(CONFIGURED + "instance: other\n")
            daemon.until("reloaded")
            assert daemon.until("round")["units"] == 3

    def test_follows_a_mounted_secret_that_is_swapped(
        self, repo: Repository, tmp_path: Path
    ) -> None:
        mount = tmp_path / "mount"
        for version in ("..1", "..2"):
            (mount / version).mkdir(parents=True)
            (mount / version / "token").write_text(version)
        (mount / "..data").symlink_to("..1")
        (mount / "token").symlink_to("..data/token")
        said = f"target: {{token: {{file: {mount}/token}}}}\n"
        (repo.path / "stateward.yaml").write_text(said)
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            (mount / "..data_tmp").symlink_to("..2")
            (mount / "..data_tmp").rename(mount / "..data")
            daemon.until("reloaded")

    def test_watches_on_where_the_state_directory_was_made_anew(
        self, repo: Repository, cli: Cli
    ) -> None:
        repo.write("stateward.yaml", b"state: {url: sqlite:///kept/state.db}\n")
        repo.commit("elsewhere")
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            shutil.rmtree(repo.path / "kept")
            assert cli("reconcile")[0] == 0
            daemon.until("told", command="reconcile")


class TestRestart:
    @pytest.mark.usefixtures("ended")
    def test_goes_on_with_what_is_known(self, repo: Repository, cli: Cli) -> None:
        before = units(cli)
        with Process(repo.path) as daemon:
            daemon.until("revision", due=0)
            assert daemon.maybe("round", within=1) is None
            after = units(cli)
        assert {unit: own["state"] for unit, own in after.items()} == dict.fromkeys(before, "ready")
        nexts = [own["next"] for own in after.values()]
        assert len(set(nexts)) == len(nexts)

    @pytest.mark.usefixtures("ended")
    def test_without_its_state_looks_at_all_and_writes_nothing(self, repo: Repository) -> None:
        for file in (repo.path / ".stateward").glob("state.db*"):
            file.unlink()
        with Process(repo.path) as daemon:
            assert daemon.until("round", trigger="start")["writes"] == 0


class TestSignals:
    def many(self, repo: Repository, count: int) -> None:
        found = objects("BuiltinTag", *({"name": f"tag-{own:05}"} for own in range(count)))
        repo.write("objects/many/tags.yml", found.encode())
        repo.commit("many")

    def test_end_a_round_after_the_change_in_flight(self, repo: Repository, cli: Cli) -> None:
        self.many(repo, 6000)
        state = repo.path / ".stateward" / "state.db"
        with Process(repo.path) as daemon:
            daemon.until("revision")
            while not self.begun(state):
                assert daemon.maybe("round", within=0.05) is None
            daemon.signal(signal.SIGTERM)
            done = daemon.until("round")
            assert daemon.end() == 0
        assert done["writes"] < 6000
        assert unfinished(repo) == []
        assert daemon.seen[-1]["action"] == "stopped"
        found = units(cli, code=1)["objects/many"]
        assert (found["state"], found["message"][:14]) == ("retrying", "SW5003 stopped")
        assert cli("run", "--once")[0] == 0
        assert cli("run", "--once", "--detailed-exitcode")[0] == 0

    def begun(self, state: Path) -> bool:
        if not state.exists():
            return False
        with closing(sqlite3.connect(state)) as db:
            try:
                return bool(db.execute("SELECT 1 FROM record WHERE type = 'entries'").fetchone())
            except sqlite3.OperationalError:  # it is being made
                return False

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_end_an_idle_daemon_at_once(self, repo: Repository, number: signal.Signals) -> None:
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            daemon.signal(number)
            assert daemon.end(within=10) == 0

    def test_have_a_bad_configuration_refused_and_a_good_one_taken(self, repo: Repository) -> None:
        config = repo.path / "stateward.yaml"
        config.write_text(CONFIGURED)
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            config.write_text("defaults: {drift: {interval: soon}}\n")
            daemon.signal(signal.SIGHUP)
            refused = daemon.until("reload-refused")
            assert "stateward.yaml:1:30: defaults.drift.interval: " in refused["message"]
            assert daemon.until("round", trigger="interval")["writes"] == 0
            config.write_text(CONFIGURED + "instance: other\n")
            daemon.signal(signal.SIGHUP)
            daemon.until("reloaded")
            assert daemon.until("round")["units"] == 3
            daemon.signal(signal.SIGTERM)
            assert daemon.end() == 0

    def test_leave_no_process_and_no_file_open(self, repo: Repository) -> None:
        (repo.path / "stateward.yaml").write_text(CONFIGURED)
        with Process(repo.path) as daemon:
            daemon.until("round", trigger="start")
            daemon.until("round", trigger="interval")
            before = descriptors(daemon.pid)
            for own in range(5):
                edit(repo, LEAVES, f"mtu: {9214 - own}", f"mtu: {9213 - own}")
                daemon.until("round", revision=repo.commit("another"))
            for _ in range(3):
                daemon.signal(signal.SIGHUP)
                daemon.until("revision")
            daemon.until("round", trigger="interval")
            assert descriptors(daemon.pid) <= before
            children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text()
            assert children == ""


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - entries go while one looks


class TestWatch:
    def test_shows_what_changes_until_it_is_interrupted(self, repo: Repository) -> None:
        command = [sys.executable, "-m", "stateward", "status", "--watch"]
        with subprocess.Popen(command, cwd=repo.path, stdout=subprocess.PIPE, text=True) as watch:
            assert watch.stdout is not None
            assert watch.stdout.readline().startswith("Nothing is known here")
            with Process(repo.path) as daemon:
                daemon.until("round", trigger="start")
                assert any("3 units: 3 ready." in line for line in watch.stdout)
            watch.send_signal(signal.SIGINT)
            assert watch.wait(30) == 0

    def test_is_for_people(self, cli: Cli) -> None:
        assert cli("status", "--watch", "--format", "json")[0] == 1
        assert "--watch is for people" in cli.errors


class TestWrongStart:
    def test_is_told_like_any_other_mistake(self, repo: Repository, cli: Cli) -> None:
        (repo.path / "stateward.yaml").write_text("nonsense: 1\n")
        assert cli("run")[0] == 1
        assert "stateward.yaml:1:1: nonsense: no such setting" in cli.errors

    @pytest.mark.parametrize(
        "given",
        [["--dry-run"], ["--full"], ["--rev", "main"], ["--worktree"], ["--format", "json"]],
        ids=lambda own: own[0],
    )
    def test_takes_nothing_that_is_about_one_round(self, cli: Cli, given: list[str]) -> None:
        assert cli("run", *given)[0] == 1
        assert f"{given[0]} goes with --once only" in cli.errors

    def test_of_several_sources_and_a_repository_is_refused(
        self, repo: Repository, cli: Cli
    ) -> None:
        (repo.path / "stateward.yaml").write_text("sources: [{name: a}, {name: b}]\n")
        assert cli("run", ".")[0] == 1
        assert "several sources are configured, a, b: name one" in cli.errors


def test_a_repository_that_is_not_there_yet_is_awaited(tmp_path: Path, repo: Repository) -> None:
    later = tmp_path / "later"
    with Process(tmp_path, str(later), "--target", f"sqlite:///{tmp_path}/target.db") as daemon:
        daemon.until("source-failed")
        repo.git("clone", "-q", str(repo.path), str(later))
        daemon.until("source-back")
        daemon.until("round", trigger="start")


def test_status_of_nothing_is_said_in_words(cli: Cli) -> None:
    assert cli("status") == (
        0,
        "Nothing is known here: `stateward run` keeps it in the state database.\n",
    )
    assert json.loads(cli("status", "--format", "json")[1])["sources"] == []
