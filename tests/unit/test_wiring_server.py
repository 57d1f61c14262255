"""From what is configured to who is let in."""

from pathlib import Path

import pytest

from servers import Server
from stateward.errors import ConfigError, TargetRefused
from stateward.http.hooks import Hook
from stateward.model.forge import Forge
from stateward.settings import ServerSettings, TargetSettings
from stateward.wiring.server import Front, guard
from stateward.wiring.targets import open_target

LONG = "sixteen characters and more"


def said(*hooks: dict[str, object]) -> ServerSettings:
    return ServerSettings.model_validate({"hooks": hooks})


def test_hooks_come_with_their_secrets_and_sources(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(f"{LONG}\n")
    found = guard(
        said(
            {"forge": "github", "secret": {"file": "hook"}},
            {"forge": "gitea", "secret": {"file": "hook"}, "sources": ("b",)},
        ),
        ["a", "b"],
        tmp_path,
    )
    assert found.hooks == [
        Hook(forge=Forge.GITHUB, secret=LONG, sources=frozenset({"a", "b"})),
        Hook(forge=Forge.GITEA, secret=LONG, sources=frozenset({"b"})),
    ]
    assert LONG not in repr(found)


def test_without_hooks_there_is_one_that_nobody_can_be(tmp_path: Path) -> None:
    (first,) = guard(said(), ["a"], tmp_path).hooks
    (second,) = guard(said(), ["a"], tmp_path).hooks
    assert first.secret != second.secret
    assert first.sources == frozenset()


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ({"secret": {"env": "NONE"}}, "server.hooks.0.secret: the environment has no NONE"),
        ({"secret": {"file": "short"}}, "server.hooks.0.secret: is shorter than 16 characters"),
        ({"secret": {"file": "empty"}}, "server.hooks.0.secret: is shorter than 16 characters"),
        ({"secret": {"file": "long"}, "sources": ("c",)}, "server.hooks.0.sources: c: no such source: there are a, b"),
    ],
)  # fmt: skip
def test_what_would_let_anybody_in_is_refused(
    tmp_path: Path, hook: dict[str, object], message: str
) -> None:
    (tmp_path / "short").write_text("fifteen letters")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "long").write_text(LONG)
    with pytest.raises(ConfigError, match=message) as caught:
        guard(said({"forge": "github", **hook}), ["a", "b"], tmp_path)
    assert "fifteen letters" not in str(caught.value)


async def test_requests_of_a_target_are_measured(tmp_path: Path) -> None:
    front = Front()
    with Server(401) as server:
        target = open_target(
            server.url, TargetSettings(), tmp_path, tmp_path, instruments=front.metrics
        )
        with pytest.raises(TargetRefused):
            async with target.session(None, write=False):
                pass
    text = front.metrics.written([], [], "")[0].decode()
    about = f'kind="read",outcome="4xx",target="{target.name}"'
    assert f"stateward_target_requests_total{{{about}}} 1.0\n" in text
