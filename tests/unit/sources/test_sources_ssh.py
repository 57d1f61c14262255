"""Access over ssh, from a real server: which key, which hosts, and what is left on the disk."""

import asyncio
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repositories import LARGE, Repository
from sshd import Sshd, agent, keypair, sshd
from stateward.errors import Code, SourceRefused, SourceUnavailable, StatewardError
from stateward.sources.address import remote
from stateward.sources.remote import RemoteSource
from stateward.sources.ssh import SshAccess

PROMPT = 30


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys: one that the server takes, one that it does not, and one with a passphrase."""
    made = tmp_path_factory.mktemp("keys")
    for name in ("right", "wrong", "other-host"):
        keypair(made / name)
    keypair(made / "locked", passphrase="hunter2hunter2")  # noqa: S106
    (made / "authorized").write_text(
        "".join((made / f"{own}.pub").read_text() for own in ("right", "locked"))
    )
    return made


@pytest.fixture(scope="module")
def server(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd") / "run", keys / "authorized") as found:
        yield found


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "network")
    made.commit(a="1")
    return made


@pytest.fixture(params=["cache", "with space, 50% and it's"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def at(
    url: str,
    cache: Path,
    key: Path | str | None,
    known_hosts: str | Callable[[], str],
    timeout: float = PROMPT,
) -> RemoteSource:
    text = key.read_text() if isinstance(key, Path) else key
    hosts = known_hosts if callable(known_hosts) else lambda: known_hosts
    return RemoteSource(
        remote(url, schemes=["ssh"]),
        cache=cache,
        revision="HEAD",
        timeout=PROMPT,
        fetch_timeout=timeout,
        limit=LARGE,
        access=SshAccess(known_hosts=hosts, key=(lambda: text) if text is not None else None),
    )


async def failure(source: RemoteSource) -> StatewardError:
    with pytest.raises(StatewardError) as caught:
        await source.checkout()
    return caught.value


def suffixes(cache: Path) -> list[str]:
    return sorted(own.suffix for own in cache.iterdir())


async def test_the_right_key_is_let_in(
    repository: Repository, cache: Path, server: Sshd, keys: Path
) -> None:
    source = at(server.url(repository.path / ".git"), cache, keys / "right", server.known())
    assert [own.path for own in (await source.checkout()).entries] == ["a.yml"]
    commit = repository.commit(a="2")
    assert (await source.checkout()).revision == commit
    assert suffixes(cache) == [".git", ".lock"]


@pytest.mark.parametrize("change", [str.strip, lambda text: text.replace("\n", "\r\n")])
async def test_a_key_from_an_environment_lacks_its_last_line_break(
    repository: Repository,
    tmp_path: Path,
    server: Sshd,
    keys: Path,
    change: Callable[[str], str],
) -> None:
    key = change((keys / "right").read_text())
    source = at(server.url(repository.path / ".git"), tmp_path / "c", key, server.known())
    assert (await source.checkout()).entries


@pytest.mark.parametrize("name", ["wrong", "locked"])
async def test_another_key_is_not(
    repository: Repository, tmp_path: Path, server: Sshd, keys: Path, name: str
) -> None:
    cache = tmp_path / "c"
    refused = await failure(
        at(server.url(repository.path / ".git"), cache, keys / name, server.known())
    )
    assert (type(refused), refused.code) == (SourceUnavailable, Code.SOURCE_CREDENTIALS)
    assert ("passphrase" in str(refused)) == (name == "locked")
    secret = [line for line in (keys / name).read_text().splitlines() if len(line) > 16]
    assert not [line for line in secret if line in f"{refused!r}"]
    assert suffixes(cache) == [".lock"]


async def test_the_agent_is_asked_where_no_key_is_configured(
    repository: Repository,
    tmp_path: Path,
    server: Sshd,
    keys: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = server.url(repository.path / ".git")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    refused = await failure(at(url, tmp_path / "c", None, server.known()))
    assert refused.code is Code.SOURCE_CREDENTIALS
    with agent(tmp_path / "agent", keys / "right"):
        refused = await failure(at(url, tmp_path / "c", keys / "wrong", server.known()))
        assert refused.code is Code.SOURCE_CREDENTIALS
        assert (await at(url, tmp_path / "c", None, server.known()).checkout()).entries


async def test_an_unknown_host_is_not_spoken_to(
    repository: Repository, tmp_path: Path, server: Sshd, keys: Path
) -> None:
    known = server.known().replace("127.0.0.1", "127.0.0.2")
    url = server.url(repository.path / ".git")
    refused = await failure(at(url, tmp_path / "c", keys / "right", known))
    assert (type(refused), refused.code) == (SourceRefused, Code.SOURCE_UNTRUSTED)
    assert "git.knownHosts" in str(refused)


async def test_a_changed_host_is_not_spoken_to(
    repository: Repository, tmp_path: Path, server: Sshd, keys: Path
) -> None:
    lines = [server.known(keys / "other-host")]
    url = server.url(repository.path / ".git")
    source = at(url, tmp_path / "c", keys / "right", lambda: lines[0])
    refused = await failure(source)
    assert (type(refused), refused.code) == (SourceRefused, Code.SOURCE_UNTRUSTED)
    assert "another key than the one it is known by" in str(refused)
    lines[0] = server.known()
    assert (await source.checkout()).entries, "it is read anew for every fetch"


async def test_a_repository_that_is_not_there(tmp_path: Path, server: Sshd, keys: Path) -> None:
    url = server.url(tmp_path / "not-there.git")
    refused = await failure(at(url, tmp_path / "c", keys / "right", server.known()))
    assert (type(refused), refused.code) == (SourceRefused, Code.NO_REPOSITORY)


@pytest.mark.parametrize("hosts", ["", "\n", "# nobody\n\n"])
async def test_known_hosts_that_know_none(tmp_path: Path, keys: Path, hosts: str) -> None:
    refused = await failure(at("ssh://git@git.example/x", tmp_path / "c", keys / "right", hosts))
    assert (type(refused), refused.code) == (SourceRefused, Code.SOURCE_UNTRUSTED)
    assert "git.knownHosts" in str(refused)


async def test_the_public_half_of_a_key(tmp_path: Path, keys: Path) -> None:
    source = at("ssh://git@git.example/x", tmp_path / "c", keys / "right.pub", "x ssh-rsa AAAA")
    refused = await failure(source)
    assert refused.code is Code.SOURCE_CREDENTIALS
    assert "is it the public one" in str(refused)


async def test_what_is_laid_down_is_for_us_alone_and_taken_away(tmp_path: Path, keys: Path) -> None:
    text = (keys / "right").read_text()
    access = SshAccess(known_hosts=lambda: "h ssh-rsa AAAA\n", key=lambda: text)
    private = tmp_path / "private"
    async with access.granted(private) as grant:
        modes = {own.name: stat.S_IMODE(own.stat().st_mode) for own in private.iterdir()}
        assert modes == {"key": 0o600, "known_hosts": 0o600}
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert (private / "key").read_text() == text
        assert "PRIVATE KEY" not in str(grant.environment)
    assert not private.exists()
    assert "PRIVATE KEY" not in repr(grant)


async def test_what_a_killed_process_left_is_taken_away(
    repository: Repository, tmp_path: Path, server: Sshd, keys: Path
) -> None:
    cache = tmp_path / "c"
    source = at(server.url(repository.path / ".git"), cache, keys / "right", server.known())
    await source.checkout()
    (mirror,) = cache.glob("*.git")
    left = mirror.with_suffix(".private")
    left.mkdir()
    (left / "key").write_text("left")
    repository.commit(a="2")
    assert (await source.checkout()).entries
    assert suffixes(cache) == [".git", ".lock"]


async def test_a_server_that_never_answers(tmp_path: Path, keys: Path) -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    quiet = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with quiet:
        port = quiet.sockets[0].getsockname()[1]
        url = f"ssh://git@127.0.0.1:{port}/x.git"
        cache = tmp_path / "c"
        with pytest.raises(SourceUnavailable, match=r"not done within 1 s"):
            await at(url, cache, keys / "right", "h ssh-rsa AAAA", timeout=1).checkout()
        await gone.wait()
    assert suffixes(cache) == [".lock"]
