"""Which adapter stands behind which port, and where relative paths lead."""

import os
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from stateward import wiring
from stateward.errors import (
    Code,
    ConfigError,
    SourceRefused,
    SourceUnavailable,
    StateUnavailable,
)
from stateward.model.identity import ObjectKey
from stateward.settings import Environment, SecretReference, TargetSettings
from stateward.sources.access import Grant
from stateward.sources.folder import FolderSource
from stateward.sources.remote import RemoteSource
from stateward.sources.repository import RepositorySource
from stateward.wiring import Invocation, Wired
from stateward.wiring.leading import Candidate
from stateward.wiring.state import PostgresState, SqliteState
from stateward.wiring.targets import open_target

TWO = "sources: [{name: one}, {name: two}]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to be in, beside the repository."""
    for name in Environment.model_fields:
        monkeypatch.delenv(f"STATEWARD_{name.upper()}", raising=False)
    for name in [own for own in os.environ if own.startswith("INFRAHUB_")]:
        monkeypatch.delenv(name)
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    directory = tmp_path / "repo"
    directory.mkdir()
    return directory


def configure(directory: Path, text: str, name: str = "stateward.yaml") -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / name
    file.write_text(text)
    return file


def wire(repo: Path | str | None = None, **given: Any) -> Wired:
    return wiring.wire(Invocation(repo=None if repo is None else str(repo), **given))


def refused(repo: Path | None = None, **given: Any) -> ConfigError:
    with pytest.raises(ConfigError) as refusal:
        wire(repo, **given)
    return refusal.value


class TestTarget:
    def test_is_in_the_repository_by_default(self, repo: Path) -> None:
        assert wire(repo).round.target.name == f"sqlite:///{repo}/.stateward/target.db"

    def test_is_here_where_the_repository_is_elsewhere(self, here: Path) -> None:
        found = wire("https://git.example/network.git")
        assert found.round.target.name == f"sqlite:///{here}/.stateward/target.db"

    def test_of_the_configuration_is_relative_to_its_file(self, repo: Path, tmp_path: Path) -> None:
        file = configure(tmp_path / "conf", "target: {url: 'sqlite:///sub/t.db'}", "x.yaml")
        found = wire(repo, config=str(file))
        assert found.round.target.name == f"sqlite:///{tmp_path}/conf/sub/t.db"

    def test_of_the_command_line_is_relative_to_here(self, repo: Path, here: Path) -> None:
        configure(repo, "target: {url: 'sqlite:///conf.db'}")
        found = wire(repo, target="sqlite:///cli.db")
        assert found.round.target.name == f"sqlite:///{here}/cli.db"

    def test_of_the_environment_is_relative_to_here(
        self, repo: Path, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(repo, "target: {url: 'sqlite:///conf.db'}")
        monkeypatch.setenv("STATEWARD_TARGET", "sqlite:///env.db")
        assert wire(repo).round.target.name == f"sqlite:///{here}/env.db"

    def test_of_the_command_line_wins_over_the_environment(
        self, repo: Path, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATEWARD_TARGET", "sqlite:///env.db")
        found = wire(repo, target="sqlite:///cli.db")
        assert found.round.target.name == f"sqlite:///{here}/cli.db"

    def test_may_be_absolute(self, repo: Path) -> None:
        found = wire(repo, target="sqlite:////srv/infra.db")
        assert found.round.target.name == "sqlite:////srv/infra.db"

    @pytest.mark.parametrize(
        "url",
        ["postgres://db", "target.db", "sqlite", "sqlite:", "sqlite://x", "sqlite:///", "x:y"],
    )
    def test_of_an_unknown_kind_is_refused(self, repo: Path, url: str) -> None:
        assert refused(repo, target=url).code is Code.TARGET_UNKNOWN

    def test_of_an_unknown_kind_is_refused_in_the_configuration_too(self, repo: Path) -> None:
        configure(repo, "target: {url: 'mysql://x'}")
        assert refused(repo).code is Code.TARGET_UNKNOWN

    def test_is_not_looked_at_offline(self, repo: Path) -> None:
        found = wiring.wire(Invocation(repo=str(repo), target="no://such"), offline=True)
        assert "/none-" in found.round.target.name
        assert list(repo.iterdir()) == []


def file_state(path: Path) -> SqliteState:
    return SqliteState(path=path, kept=path.parent)


class TestState:
    def test_is_in_the_repository_by_default(self, repo: Path) -> None:
        assert wire(repo).state == file_state(repo / ".stateward/state.db")

    def test_of_the_configuration_is_relative_to_its_file(self, repo: Path, tmp_path: Path) -> None:
        file = configure(tmp_path / "conf", "state: {url: 'sqlite:///s.db'}")
        assert wire(repo, config=str(file)).state == file_state(tmp_path / "conf/s.db")

    def test_of_the_environment_wins(self, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(repo, "state: {url: 'sqlite:///s.db'}")
        monkeypatch.setenv("STATEWARD_STATE", "sqlite:////srv/state.db")
        assert wire(repo).state == file_state(Path("/srv/state.db"))

    def test_of_an_unknown_kind_is_refused(self, repo: Path) -> None:
        configure(repo, "state: {url: 'mysql://ada:canary@x'}")
        said = str(refused(repo))
        assert "mysql://…: expected sqlite:///path or postgresql://" in said
        assert "canary" not in said

    def test_may_be_on_a_server(self, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(repo, "state: {url: 'postgresql://ada@db/s?sslmode=require', password: {env: P}}")
        monkeypatch.setenv("P", "canary")
        state = wire(repo).state
        assert isinstance(state, PostgresState)
        assert state.address.name == "postgresql://ada@db/s"
        assert state.kept == repo / ".stateward"
        assert state.watched is None
        assert "canary" not in repr(state)

    def test_on_a_server_has_no_password_in_its_address(
        self, repo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATEWARD_STATE", "postgresql://ada:canary@db/s")
        said = str(refused(repo))
        assert "state.password" in said
        assert "canary" not in said

    @pytest.mark.parametrize("url", ["sqlite:///s.db", "postgresql://db/s"])
    def test_may_have_what_is_kept_on_this_machine_elsewhere(self, repo: Path, url: str) -> None:
        configure(repo, f"state: {{url: '{url}', directory: scratch}}")
        assert wire(repo).state.kept == repo / "scratch"

    def test_may_have_it_elsewhere_by_the_environment(
        self, repo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATEWARD_STATE_DIRECTORY", "/var/scratch")
        configure(repo, "state: {directory: scratch}")
        assert wire(repo).state.kept == Path("/var/scratch")

    def test_that_is_a_file_keeps_no_lease_of_a_server(self, repo: Path) -> None:
        configure(repo, "leader: {lease: postgres}")
        setup = wiring.set_up(Invocation(repo=str(repo)))
        with pytest.raises(ConfigError, match="the state is a file"):
            Candidate(lambda _: None).leadership(setup, "target")

    def test_has_beside_it_all_that_is_kept_on_this_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a pod the directory of the configuration cannot be written to."""
        given = tmp_path / "etc"
        text = "target: {url: 'https://infrahub.example'}\nsources: [{git: {url: 'https://git.example/a'}}]"
        file = configure(given, text)
        kept = tmp_path / "state"
        monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{kept}/state.db")
        wired = wire(config=str(file))
        with wired.round.target.hold("a session"):
            assert _names(kept) == ["leases"]
        source = wired.round.loader.source
        assert isinstance(source, RemoteSource)
        assert source._mirror.is_relative_to(kept)
        assert _names(given) == ["stateward.yaml"]


class TestConfiguration:
    def test_is_that_of_the_repository(self, repo: Path, here: Path) -> None:
        configure(here, "instance: here")
        configure(repo, "instance: repo")
        assert wire(repo).configuration.instance == "repo"

    def test_is_that_of_this_directory_where_none_is_named(self, here: Path) -> None:
        configure(here, "instance: here")
        assert wire().configuration.instance == "here"

    @pytest.mark.parametrize(
        ("cli", "env", "instance"),
        [
            ("cli.yaml", "env.yaml", "cli"),
            (None, "env.yaml", "env"),
            (None, None, "repo"),
        ],
        ids=["command-line", "environment", "repository"],
    )
    def test_named_last_wins(
        self,
        repo: Path,
        here: Path,
        cli: str | None,
        env: str | None,
        instance: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        configure(repo, "instance: repo")
        configure(here, "instance: cli", "cli.yaml")
        configure(here, "instance: env", "env.yaml")
        if env:
            monkeypatch.setenv("STATEWARD_CONFIG", env)
        assert wire(repo, config=cli).round.scope.instance == instance

    def test_that_is_named_has_to_be_there(self, repo: Path) -> None:
        assert str(refused(repo, config="no.yaml")) == (
            "SW4001 configuration: no.yaml: no such file"
        )

    @pytest.mark.parametrize(
        ("text", "code", "place"),
        [
            ("instance: [", Code.YAML, "stateward.yaml:2:1"),
            ("a: 1\na: 2", Code.DUPLICATE_KEY, "stateward.yaml:2:1"),
            ("a: 1", Code.CONFIGURATION, "stateward.yaml:1:1"),
        ],
        ids=["yaml", "duplicate", "unknown"],
    )
    def test_that_cannot_be_read_is_refused(
        self, repo: Path, text: str, code: Code, place: str
    ) -> None:
        configure(repo, text)
        error = refused(repo)
        assert error.code is code
        assert place in str(error)

    def test_gives_the_instance_unless_the_environment_does(
        self, repo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(repo, "instance: conf")
        assert wire(repo).round.scope.instance == "conf"
        monkeypatch.setenv("STATEWARD_INSTANCE", "env")
        assert wire(repo).round.scope.instance == "env"


class TestSourceName:
    def test_may_be_left_out_where_there_is_one(self, repo: Path) -> None:
        configure(repo, "sources: [{name: only}]")
        assert wire(repo).round.scope.source == "only"

    def test_chooses_among_several(self, repo: Path) -> None:
        configure(repo, TWO)
        assert wire(repo, source="two").round.scope.source == "two"

    @pytest.mark.parametrize("name", [None, "three"])
    def test_has_to_be_one_of_them(self, repo: Path, name: str | None) -> None:
        configure(repo, TWO)
        assert "choose one of one, two" in str(refused(repo, source=name))

    def test_that_is_wrong_is_refused_where_there_is_one(self, repo: Path) -> None:
        assert "choose one of default" in str(refused(repo, source="x"))

    @pytest.mark.parametrize("name", [None, "default"])
    def test_that_two_sources_bear_is_refused(self, repo: Path, name: str | None) -> None:
        configure(repo, "sources: [{schemas: [a]}, {schemas: [b]}]")
        assert "default: two sources have this name" in str(refused(repo, source=name))


class TestSource:
    def test_is_the_repository_that_is_given(self, repo: Path) -> None:
        configure(repo, "sources: [{git: {url: 'https://git.example/x.git'}}]")
        source = wire(repo).round.loader.source
        assert isinstance(source, RepositorySource)
        assert source.name == str(repo)

    def test_is_that_of_the_configuration_where_none_is_given(self, here: Path) -> None:
        configure(here, "sources: [{git: {url: 'https://git.example/x.git'}}]")
        source = wire().round.loader.source
        assert isinstance(source, RemoteSource)
        assert source.name == "https://git.example/x.git"

    def test_is_this_directory_by_default(self, here: Path) -> None:
        source = wire().round.loader.source
        assert isinstance(source, RepositorySource)
        assert source.name == str(here)

    def test_is_the_folder_as_it_lies_with_worktree(self, repo: Path) -> None:
        assert isinstance(wire(repo, worktree=True).round.loader.source, FolderSource)

    def test_elsewhere_has_no_work_tree(self) -> None:
        with pytest.raises(ConfigError, match="is not a directory of this machine"):
            wire("https://git.example/x.git", worktree=True)

    @pytest.mark.parametrize(
        "url", ["http://git.example/x", "git://git.example/x", "ftp://git.example/x"]
    )
    def test_of_another_scheme_is_refused(self, url: str) -> None:
        with pytest.raises(SourceRefused):
            wire(url)

    async def test_is_let_in_by_what_is_configured_for_its_address_alone(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_TOKEN", "c4n4ry")
        url = "https://git.example/x.git"
        git = (
            f"{{url: '{url}', token: {{env: GIT_TOKEN}}, ref: main, timeout: 1m, fetchTimeout: 5m}}"
        )
        configure(here, f"sources: [{{git: {git}}}]")
        for given, let_in in ((None, True), (url, True), ("https://git.example/y.git", False)):
            source = wire(given, config="stateward.yaml").round.loader.source
            assert isinstance(source, RemoteSource)
            async with source.access.granted(here / "private") as grant:
                assert ("c4n4ry" in str(grant.environment)) is let_in
                assert "c4n4ry" not in repr(grant)

    async def test_may_be_one_that_an_app_has_access_to(self, here: Path) -> None:
        app = "{appId: 12345, installationId: 678, privateKey: {file: app.pem}}"
        configure(here, f"sources: [{{git: {{url: 'https://github.com/a/b', githubApp: {app}}}}}]")
        source = wire().round.loader.source
        assert isinstance(source, RemoteSource)
        with pytest.raises(SourceUnavailable, match=r"app\.pem: No such file"):
            await source.checkout()

    async def test_reads_secrets_when_they_are_needed(self, here: Path) -> None:
        configure(
            here,
            "sources: [{git: {url: 'git@git.example:x.git', sshKey: {file: key},"
            " knownHosts: {file: hosts}}}]",
        )
        source = wire().round.loader.source
        assert isinstance(source, RemoteSource)
        for name in ("hosts", "key"):
            with pytest.raises(SourceUnavailable, match=f"{name}: No such file") as caught:
                await source.checkout()
            assert caught.value.code is Code.SOURCE_CREDENTIALS
            (here / name).write_text("git.example ssh-ed25519 AAAA")
        with pytest.raises(SourceUnavailable, match="no private key"):
            await source.checkout()

    async def test_over_ssh_alone_goes_by_the_settings_of_whoever_runs_it(self, here: Path) -> None:
        source = wire("ssh://git@git.example/x.git").round.loader.source
        assert isinstance(source, RemoteSource)
        async with source.access.granted(here / "private") as grant:
            assert grant == Grant()

    def test_has_the_schemas_of_the_configuration(self, repo: Path) -> None:
        configure(repo, "sources: [{schemas: [a, b/]}]")
        found = wire(repo)
        assert found.round.loader.schemas == found.round.scope.schemas == ("a", "b/")


class TestUnitSettings:
    RULES = """
        sources:
          - units:
              - {path: "a/*", exclude: [a/x], adopt: never}
              - {path: "a/**", adopt: always}
              - {path: b, recursive: true, limits: {deletes: 7}}
        defaults: {limits: {deletes: 3}}
    """

    @pytest.mark.parametrize(
        ("unit", "adopt", "deletes"),
        [
            ("a/1", "never", 3),
            ("a/x", "always", 3),
            ("a/1/2", "always", 3),
            ("b", "identical", 7),
            ("gone", "identical", 3),
        ],
        ids=["first", "excluded", "deeper", "recursive", "no-rule"],
    )
    def test_follow_the_first_rule_that_matches(
        self, repo: Path, unit: str, adopt: str, deletes: int
    ) -> None:
        configure(repo, dedent(self.RULES))
        settings, problems = wire(repo).round.loader.read_settings(unit, None)
        assert (settings.adopt, settings.limits.deletes, problems) == (adopt, deletes, ())

    def test_rules_are_the_layout_too(self, repo: Path) -> None:
        configure(repo, dedent(self.RULES))
        layout = wire(repo).round.loader.layout
        found = [layout.unit(path) for path in ("a/1/f.yml", "b/c/f.yml", "c/f.yml")]
        assert found == ["a/1", "b", None]


class TestOwners:
    @pytest.mark.parametrize(
        ("key", "unit"),
        [
            (("RoutingAs", "65001"), "objects/base"),
            (("RoutingAs", "64512"), None),
            (("Site", "a", "b"), "first"),
            (("Other", "x"), None),
        ],
    )
    def test_are_found_by_the_first_pattern_that_matches(
        self, repo: Path, key: tuple[str, ...], unit: str | None
    ) -> None:
        configure(repo, "sources: [{owner: {'RoutingAs/65*': objects/base, 'Site/*': first, 'Site/a/*': second}}]")  # fmt: skip
        kind, *parts = key
        assert wire(repo).round.scope.owners(ObjectKey(kind, tuple(parts))) == unit


class TestReconciler:
    async def test_keeps_our_directory_out_of_git(self, repo: Path) -> None:
        await _opened(wire(repo))
        assert _text(repo / ".stateward/.gitignore") == "*\n"

    async def test_leaves_what_is_written_there_already(self, repo: Path) -> None:
        configure(repo / ".stateward", "mine\n", ".gitignore")
        await _opened(wire(repo))
        assert _text(repo / ".stateward/.gitignore") == "mine\n"

    async def test_keeps_the_directory_of_the_target_out_of_git_where_the_state_is_elsewhere(
        self, repo: Path, tmp_path: Path
    ) -> None:
        configure(repo, f"state: {{url: 'sqlite:///{tmp_path}/state/s.db'}}")
        await _opened(wire(repo))
        assert _text(repo / ".stateward/.gitignore") == "*\n"

    async def test_writes_into_no_directory_of_others(self, repo: Path) -> None:
        configure(repo, "state: {url: 'sqlite:///s.db'}\ntarget: {url: 'sqlite:///t.db'}")
        await _opened(wire(repo))
        assert _names(repo) == ["stateward.yaml"]

    async def test_makes_our_directory_for_nobody_else_to_read(self, repo: Path) -> None:
        await _opened(wire(repo))
        assert _mode(repo / ".stateward") & 0o077 == 0

    async def test_says_so_where_our_directory_cannot_be_made(self, repo: Path) -> None:
        configure(repo, "in the way", ".stateward")
        with pytest.raises(StateUnavailable, match=r"\.stateward"):
            await _opened(wire(repo))


async def _opened(wired: Wired) -> None:
    async with wiring.reconciler(wired):
        pass


def _text(file: Path) -> str:
    return file.read_text()


def _names(directory: Path) -> list[str]:
    return sorted(own.name for own in directory.iterdir())


def _mode(path: Path) -> int:
    return path.stat().st_mode


def test_planning_writes_nothing(repo: Path) -> None:
    wire(repo)
    assert list(repo.iterdir()) == []


class TestServer:
    """A server as the target, and who we are there."""

    def test_is_named_with_its_branch(self, tmp_path: Path) -> None:
        named = open_target(
            "https://infrahub.example/?branch=lab", TargetSettings(), tmp_path, tmp_path
        )
        assert named.name == "https://infrahub.example?branch=lab"
        configured = TargetSettings(url="https://infrahub.example", branch="lab")
        assert open_target(None, configured, tmp_path, tmp_path).name == named.name

    def test_is_the_one_of_the_sdk_where_nothing_else_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INFRAHUB_ADDRESS", "http://sdk.example:8000")
        monkeypatch.setenv("INFRAHUB_DEFAULT_BRANCH", "lab")
        assert (
            open_target(None, TargetSettings(), tmp_path, tmp_path).name
            == "http://sdk.example:8000?branch=lab"
        )
        said = TargetSettings(url="sqlite:///own.db")
        assert open_target(None, said, tmp_path, tmp_path).name == f"sqlite:///{tmp_path}/own.db"

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            pytest.param({"env": "NO_SUCH"}, "the environment has no NO_SUCH", id="no-variable"),
            pytest.param({"file": "none"}, "No such file or directory", id="no-file"),
        ],
    )
    def test_secret_that_is_not_there_is_told(
        self, tmp_path: Path, reference: dict[str, str], said: str
    ) -> None:
        settings = TargetSettings(
            url="https://infrahub.example", token=SecretReference(**reference)
        )
        with pytest.raises(ConfigError, match=said):
            open_target(None, settings, tmp_path, tmp_path)

    def test_secret_is_shown_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "token").write_text("canary-1\n")
        monkeypatch.setenv("PASSWORD", "canary-2")
        settings = TargetSettings(
            url="https://infrahub.example",
            token=SecretReference(file="token"),
            username="stateward",
            password=SecretReference(env="PASSWORD"),
        )
        target = open_target(None, settings, tmp_path, tmp_path)
        assert "canary" not in f"{target!r} {target.name} {settings!r}"
