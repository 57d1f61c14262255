"""From an address to a client of the tracking library."""

import subprocess
import sys
from pathlib import Path

import pytest

import stateward
from stateward.errors import Code, ConfigError
from targets import SCHEMA, SMALL

SERVER = "https://infrahub.example"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_server_has_branches() -> None:
    client = stateward.connect(SERVER, token="secret", branch="feature")  # noqa: S106
    assert client._target(None).name == f"{SERVER}?branch=feature"
    assert client._target("other").name == f"{SERVER}?branch=other"
    assert client._target(None) is client._target(None)
    assert stateward.connect(f"{SERVER}?branch=x")._target(None).name == f"{SERVER}?branch=x"


def test_what_is_not_said_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRAHUB_ADDRESS", SERVER)
    assert stateward.connect()._target(None).name == f"{SERVER}?branch=main"


@pytest.mark.parametrize("branch", [None, "main"])
def test_a_file_has_no_branches(branch: str | None, tmp_path: Path) -> None:
    client = stateward.connect("sqlite:///demo.db", branch=branch)
    assert client._target(None).name == f"sqlite:///{tmp_path}/demo.db"
    with pytest.raises(ConfigError) as caught:
        client.start_tracking("site", branch="feature")
    assert caught.value.code is Code.TARGET_BRANCH


async def test_the_journal_is_kept_out_of_git(tmp_path: Path) -> None:
    async with stateward.connect("sqlite:///demo.db") as client:
        async with client.start_tracking("site") as session:
            await session.upsert("BuiltinTag", {"name": "red"})
        assert [own.opening.caller.partition(":")[0] for own in await client.history()] == [
            "test_connect"
        ]
    assert (tmp_path / ".stateward" / "state.db").exists()
    assert (tmp_path / ".stateward" / ".gitignore").read_text() == "*\n"


async def test_the_journal_keeps_as_much_as_is_said() -> None:
    given = {"retention": {"count": 2, "age": "30d"}}
    for name in ("red", "blue", "green", "grey"):
        async with stateward.connect("sqlite:///demo.db", **given) as client:
            async with client.start_tracking(f"site-{name}") as session:
                await session.upsert("BuiltinTag", {"name": name})
            left = [own.opening.subject for own in await client.history()]
    assert left == ["site-grey", "site-green"]


@pytest.mark.parametrize(
    ("said", "message"),
    [({"count": 0}, "retention.count: "), ({"days": 3}, "retention.days: ")],
)
def test_retention_that_is_wrong_is_told(said: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stateward.connect("sqlite:///demo.db", retention=said)


async def test_the_journal_is_where_it_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATEWARD_STATE", "sqlite:///env.db")
    for given, name in ((None, "env.db"), ("sqlite:///said.db", "said.db")):
        client = stateward.connect("sqlite:///demo.db", state=given)
        async with client, client.start_tracking(f"site-{name}") as session:
            await session.upsert("BuiltinTag", {"name": name})
        assert (tmp_path / name).exists()


async def test_a_schema_is_loaded_and_stays(tmp_path: Path) -> None:
    directory = tmp_path / "schemas" / "deep"
    directory.mkdir(parents=True)
    (directory / "suite.yml").write_text(SMALL)
    async with stateward.connect("sqlite:///demo.db", schema="schemas") as client:
        assert await client.all("SuiteSite") == []
    async with stateward.connect("sqlite:///demo.db") as client:
        assert await client.all("SuiteSite") == []
    (tmp_path / "whole.yml").write_text(SCHEMA)
    async with stateward.connect("sqlite:///demo.db", schema=[tmp_path / "whole.yml"]) as client:
        assert await client.all("SuiteLocation") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "schema: .*lost.yml: No such file"),
        ("nodes: [", "lost.yml:2:1: SW1001"),
        (
            "version: '1.0'\nnodes: [{name: Site, namespace: Suite, inherit_from: [X]}]",
            "lost.yml:2:",
        ),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused(
    text: str | None, said: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "lost.yml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        stateward.connect("sqlite:///demo.db", schema="lost.yml")


def test_names_are_there_when_they_are_asked_for() -> None:
    code = (
        "import sys, stateward; assert 'asyncio' not in sys.modules;"
        "print(sorted(name for name in stateward.__all__ if getattr(stateward, name) is None))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError, match="nothing"):
        _ = stateward.nothing  # type: ignore[attr-defined]
