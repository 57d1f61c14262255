"""Under whose name runs are recorded, and how long they are kept."""

import getpass
import os
from datetime import timedelta
from pathlib import Path

import pytest

from stateward import wiring
from stateward.errors import ConfigError
from stateward.settings import RetentionSettings
from stateward.wiring import Invocation
from stateward.wiring.history import journal, login_user
from stateward.wiring.state import SqliteState


class TestActor:
    def test_is_the_login_user(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("STATEWARD_ACTOR", raising=False)
        monkeypatch.setenv("LOGNAME", "ada")
        assert wiring.wire(Invocation(repo=str(tmp_path))).actor == "ada"

    def test_is_what_the_environment_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATEWARD_ACTOR", "pipeline 7")
        assert wiring.wire(Invocation(repo=str(tmp_path))).actor == "pipeline 7"

    def test_is_a_number_where_the_system_knows_no_name(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def nobody() -> str:
            raise KeyError("uid not found")

        monkeypatch.setattr(getpass, "getuser", nobody)
        assert login_user() == f"uid {os.getuid()}"


def test_retention_is_read_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "stateward.yaml").write_text("state: {retention: {age: 1h30m, count: 3}}\n")
    found = wiring.wire(Invocation(repo=str(tmp_path))).configuration.state.retention
    assert (found.age, found.count) == (timedelta(minutes=90), 3)


async def test_retention_reaches_the_journal(tmp_path: Path) -> None:
    settings = RetentionSettings(age=timedelta(days=1), count=3)
    async with journal(SqliteState(path=tmp_path / "state.db", kept=tmp_path), settings) as own:
        assert (own._age, own._count) == (timedelta(days=1), 3)


@pytest.mark.parametrize(
    "wrong", ["age: 10", "age: tomorrow", "age: 1.5h", "age: -3d", "count: 0", "count: many"]
)
def test_retention_that_means_nothing_is_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "stateward.yaml").write_text(f"state: {{retention: {{{wrong}}}}}\n")
    with pytest.raises(ConfigError, match=r"stateward\.yaml:1:\d+"):
        wiring.wire(Invocation(repo=str(tmp_path)))
