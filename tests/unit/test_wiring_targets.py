"""Which server is talked to, and as whom: the command line, the configuration, the environment."""

from pathlib import Path
from typing import Any

import pytest

from stateward.settings import TargetSettings
from stateward.targets.infrahub import InfrahubTarget
from stateward.targets.infrahub.connection import Connection
from stateward.wiring.targets import Said, open_target

URL = "http://server.example:8000"
SDK = {
    "INFRAHUB_ADDRESS": "http://sdk.example:8000",
    "INFRAHUB_DEFAULT_BRANCH": "lab",
    "INFRAHUB_API_TOKEN": "",
    "INFRAHUB_USERNAME": "ada",
    "INFRAHUB_PASSWORD": "of-ada",
    "INFRAHUB_PROXY": "http://proxy.example:3128",
    "INFRAHUB_TLS_CA_FILE": "/etc/ca.pem",
}


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SDK:
        monkeypatch.delenv(name, raising=False)


def connection(
    tmp_path: Path, named: str | None = URL, said: Said | None = None, **given: Any
) -> Connection:
    settings = TargetSettings.model_validate(given)
    target = open_target(named, settings, tmp_path, tmp_path, said)
    assert isinstance(target, InfrahubTarget)
    return target._connection


class TestEnvironmentOfTheSdk:
    @pytest.fixture(autouse=True)
    def said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in SDK.items():
            if value:
                monkeypatch.setenv(name, value)

    def test_says_where_and_as_whom(self, tmp_path: Path) -> None:
        found = connection(tmp_path, named=None)
        assert (found.address, found.branch) == ("http://sdk.example:8000", "lab")
        assert (found.token, found.username, found.password) == (None, "ada", "of-ada")
        assert (found.proxy, found.ca_file) == ("http://proxy.example:3128", "/etc/ca.pem")
        assert "of-ada" not in repr(found)

    def test_token_goes_before_the_password(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INFRAHUB_API_TOKEN", "a-token")
        found = connection(tmp_path)
        assert (found.token, found.username, found.password) == ("a-token", None, None)
        assert "a-token" not in repr(found)

    def test_configuration_goes_before_it(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("of-the-file\n")
        given = {"token": {"file": "token"}, "proxy": "http://own.example", "caFile": "own.pem"}
        found = connection(tmp_path, **given, branch="own")
        assert (found.token, found.username, found.password) == ("of-the-file", None, None)
        assert (found.proxy, found.branch) == ("http://own.example", "own")
        assert found.ca_file == str(tmp_path / "own.pem")

    def test_url_names_the_branch_before_all(self, tmp_path: Path) -> None:
        assert connection(tmp_path, f"{URL}?branch=asked", branch="own").branch == "asked"

    def test_script_goes_before_all(self, tmp_path: Path) -> None:
        said = Said(token="of-the-script", branch="its", proxy="http://its.example")  # noqa: S106
        found = connection(tmp_path, said=said)
        assert (found.token, found.username, found.password) == ("of-the-script", None, None)
        assert (found.branch, found.proxy) == ("its", "http://its.example")


def test_password_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_PASSWORD", "of-bob")
    found = connection(tmp_path, username="bob", password={"env": "THE_PASSWORD"})
    assert (found.token, found.username, found.password) == (None, "bob", "of-bob")


def test_without_a_word_it_is_nobody_on_the_default_branch(tmp_path: Path) -> None:
    found = connection(tmp_path)
    assert (found.branch, found.token, found.username, found.password) == ("main", None, None, None)
