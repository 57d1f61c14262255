"""The doctor as people call it: what it says of broken things, here and on a real server."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import account
from commands import Cli, asked, edit
from live import Lab
from repositories import Repository
from stateward.targets.lease import Lease

CANARY = "canary-06f1"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INFRAHUB_ADDRESS", "INFRAHUB_API_TOKEN", "STATEWARD_TARGET"):
        monkeypatch.delenv(name, raising=False)


def findings(cli: Cli, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    found = asked(cli, "doctor", *arguments, code=code)
    assert found["schema"] == "stateward/doctor/v1"
    for own in found["findings"]:
        assert set(own) == {"level", "subject", "message", "advice"}
        assert own["level"] == "ok" or own["advice"], own
    return list(found["findings"])


def levels(found: list[dict[str, Any]]) -> dict[str, str]:
    return {own["subject"]: own["level"] for own in found}


def said(found: list[dict[str, Any]], subject: str) -> str:
    return " / ".join(
        f"{own['message']}: {own['advice']}" for own in found if own["subject"] == subject
    )


class TestHere:
    def test_nothing_is_wrong_and_nothing_is_made(self, repo: Repository, cli: Cli) -> None:
        code, text = cli("doctor")
        assert code == 0
        assert text.startswith("ok       configuration: none, the defaults are used\n")
        assert text.endswith("\nNothing is wrong.\n")
        assert not (repo.path / ".stateward").exists()

    def test_after_an_apply(self, cli: Cli) -> None:
        asked(cli, "apply")
        found = findings(cli)
        assert set(levels(found).values()) == {"ok"}
        assert {"state", "target", "lease", "schema"} <= levels(found).keys()
        assert "can be read and written" in said(found, "target")

    def test_one_mistake_hides_no_other(self, repo: Repository, cli: Cli) -> None:
        repo.write("stateward.yaml", b"no: such setting\n")
        (repo.path / "foreign.db").write_text("this is text, and no database, at any length" * 9)
        found = findings(cli, "--target", "sqlite:///foreign.db", code=1)
        assert levels(found)["configuration"] == "error"
        assert levels(found)["repository"] == "ok"
        assert levels(found)["target"] == "error"
        assert "move it away" in said(found, "target")

    @pytest.mark.parametrize(
        ("target", "advice"),
        [
            ("ftp://host", "https://host"),
            (f"https://user:{CANARY}@host", "https://host"),
            (f"https://host:{CANARY}", "https://host"),
        ],
    )
    def test_an_address_that_is_none(self, cli: Cli, target: str, advice: str) -> None:
        found = findings(cli, "--target", target, code=1)
        assert levels(found)["target"] == "error"
        assert advice in said(found, "target")
        assert CANARY not in str(found) + cli.errors

    def test_a_token_that_is_not_there(self, repo: Repository, cli: Cli) -> None:
        target = "target: {url: 'https://host.invalid', token: {env: NO_SUCH_VARIABLE}}\n"
        repo.write("stateward.yaml", target.encode())
        found = findings(cli, code=1)
        assert "NO_SUCH_VARIABLE" in said(found, "target")

    def test_an_unknown_source(self, cli: Cli) -> None:
        assert levels(findings(cli, "--source", "other", code=1))["configuration"] == "error"

    def test_no_repository(self, cli: Cli, tmp_path: Path) -> None:
        found = findings(cli, str(tmp_path / "nowhere"), code=1)
        assert levels(found)["repository"] == "error"
        assert levels(found)["target"] == "ok"

    def test_no_units(self, cli: Cli, tmp_path: Path) -> None:
        empty = Repository(tmp_path / "empty")
        empty.commit()
        found = findings(cli, str(empty.path))
        assert levels(found)["repository"] == "warning"

    def test_files_that_are_wrong(self, repo: Repository, cli: Cli) -> None:
        edit(repo, "objects/network/leaves.yml", "spec:", "spec: [")
        edit(repo, "schemas/dcim.yml", "namespace: Dcim", "namespace: [Dcim]")
        repo.commit("wrong")
        found = findings(cli, code=1)
        assert "SW1001" in said(found, "units")
        assert "SW1201" in said(found, "schema files")

    def test_somebody_is_writing(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "apply")
        lease = Lease(repo.path / ".stateward" / "target.db")
        lease.take()
        try:
            found = findings(cli)
        finally:
            lease.release()
        assert levels(found)["lease"] == "warning"

    def test_another_schema(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "apply")
        more = (
            "nodes:\n  - {namespace: More, name: Thing, attributes: [{name: name, kind: Text}]}\n"
        )
        repo.write("schemas/more.yml", f'version: "1.0"\n{more}'.encode())
        repo.commit("more")
        found = findings(cli)
        assert levels(found)["schema"] == "warning"
        assert "MoreThing: added" in said(found, "schema")

    def test_a_state_of_another_program(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "apply")
        state = repo.path / ".stateward" / "state.db"
        state.unlink()
        with sqlite3.connect(state) as db:
            db.execute("CREATE TABLE theirs (x)")
        db.close()
        found = findings(cli, code=1)
        assert levels(found)["state"] == "error"

    def test_an_interrupted_run(self, repo: Repository, cli: Cli) -> None:
        asked(cli, "apply")
        with sqlite3.connect(repo.path / ".stateward" / "state.db") as db:
            db.execute("DROP TRIGGER record_kept")
            db.execute("DELETE FROM record WHERE type = 'finish'")
        db.close()
        found = findings(cli)
        assert levels(found)["state"] == "warning"
        assert "apply again" in said(found, "state")


@pytest.fixture
def server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The real server, by the environment."""
    monkeypatch.setenv("INFRAHUB_ADDRESS", lab.address)
    monkeypatch.setenv("INFRAHUB_API_TOKEN", lab.token)
    return lab


@pytest.fixture
def few(server: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An account that may look at everything, and write to regions of the map only."""
    with account(server, {"*": "view", "BuiltinTag": "any"}) as token:
        monkeypatch.setenv("INFRAHUB_API_TOKEN", token)
        yield token


class TestServer:
    def test_is_fine(self, server: Lab, cli: Cli) -> None:
        found = findings(cli)
        got = levels(found)
        assert got.pop("schema") in {"ok", "warning"}  # whether others have loaded it
        for subject in ("workers", "branch", "permissions"):
            assert got.pop(subject) in {"ok", "warning"}  # others load schemas, and merge
        assert set(got.values()) == {"ok"}
        assert {"address", "clock", "account", "version", "default branch"} <= got.keys()
        assert server.token not in str(found)

    @pytest.mark.usefixtures("server")
    def test_wrong_token(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INFRAHUB_API_TOKEN", CANARY)
        found = findings(cli, code=1)
        assert [own["subject"] for own in found if own["level"] == "error"] == ["account"]
        assert "Invalid token" in said(found, "account")
        assert levels(found)["version"] == "ok"
        assert CANARY not in str(found) + cli.errors

    @pytest.mark.usefixtures("server")
    def test_no_token(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("INFRAHUB_API_TOKEN")
        found = findings(cli, code=1)
        assert "anonymous" in said(found, "account")
        assert "INFRAHUB_API_TOKEN" in said(found, "account")

    @pytest.mark.long
    def test_lineage(self, server: Lab, repo: Repository, cli: Cli) -> None:
        repo.write("stateward.yaml", b"target: {lineage: {source: true}}\n")
        found = findings(cli)
        assert levels(found)["lineage"] == "ok"
        assert server.token not in str(found)

    @pytest.mark.usefixtures("server")
    def test_lineage_of_nobody(
        self, repo: Repository, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repo.write("stateward.yaml", b"target: {lineage: {source: true}}\n")
        monkeypatch.delenv("INFRAHUB_API_TOKEN")
        found = findings(cli, code=1)
        assert levels(found)["lineage"] == "error"
        assert "not known" in said(found, "lineage")

    def test_unknown_branch(self, server: Lab, cli: Cli) -> None:
        found = findings(cli, "--target", f"{server.address}?branch=no-such-branch", code=1)
        assert [own["subject"] for own in found if own["level"] == "error"] == ["branch"]
        assert "main" in said(found, "branch")
        assert levels(found)["account"] == "ok"

    def test_few_permissions(self, few: str, cli: Cli) -> None:
        found = findings(cli, code=1)
        assert "edit_default_branch" in said(found, "default branch")
        denied = said(found, "permissions")
        assert "may not create, update, delete" in denied
        assert "CoreStandardGroup" in denied
        assert "BuiltinTag" not in denied
        assert levels(found)["account"] == "ok"
        assert few not in str(found)
