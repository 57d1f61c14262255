"""Where the daemon answers: what is an address, and what others may not reach."""

from typing import Any

import pytest
from pydantic import ValidationError

from stateward.errors import ConfigError
from stateward.settings import Configuration, Environment, ServerSettings, server_settings

TOKEN = {"token": {"env": "API"}}


def said(**given: Any) -> ServerSettings:
    return ServerSettings.model_validate(given)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:8085", ("127.0.0.1", 8085)),
        ("localhost:80", ("127.0.0.1", 80)),
        ("[::1]:8085", ("::1", 8085)),
        ("127.8.9.1:0", ("127.8.9.1", 0)),
    ],
)
def test_this_machines_own_addresses_need_no_token(listen: str, address: tuple[str, int]) -> None:
    own = said(listen=listen)
    assert (own.address, own.is_local) == (address, True)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:8085", "[::]:8085", "192.0.2.1:8085", "[::ffff:192.0.2.1]:80"]
)
def test_addresses_that_others_reach_do(listen: str) -> None:
    with pytest.raises(ValidationError, match=r"others can reach .*: give token"):
        said(listen=listen)
    assert not said(listen=listen, readToken={"env": "READ"}).is_local
    assert not said(listen=listen, **TOKEN).is_local
    assert not said(listen=listen, api=False).is_local


@pytest.mark.parametrize(
    "listen",
    [
        *("", "8085", ":8085", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:-1"),
        *("::1:8085", "example.org:80", "ada@127.0.0.1:80", "http://127.0.0.1:80"),
        *("127.0.0.1:80/", "127.0.0.1:80?a"),
    ],
)
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ValidationError, match="expected an address and a port"):
        said(listen=listen)


def test_without_a_word_there_is_no_port() -> None:
    assert server_settings(Configuration(), Environment()) is None


def test_the_environments_word_counts() -> None:
    configured = Configuration(server=said(listen="127.0.0.1:1", **TOKEN))
    own = server_settings(configured, Environment(listen="0.0.0.0:2"))
    assert own is not None
    assert (own.listen, own.token) == ("0.0.0.0:2", configured.server and configured.server.token)
    assert server_settings(Configuration(), Environment(listen="[::1]:2")) == said(listen="[::1]:2")


@pytest.mark.parametrize("listen", ["0.0.0.0:2", "nonsense"])
def test_what_is_wrong_with_it_is_told_by_its_name(listen: str) -> None:
    with pytest.raises(ConfigError, match="STATEWARD_LISTEN: Value error, "):
        server_settings(Configuration(), Environment(listen=listen))
