"""Credentials over https: who gets them, who never does, and what is said where they do not do."""

import asyncio
import logging
import os
import ssl
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from repositories import ENVIRONMENT, LARGE, Repository, executable, snapshot
from servers import Proxy as ProxyServer
from servers import Server, gated, redirecting, smart
from stateward.errors import Code, SourceRefused, SourceUnavailable, StatewardError
from stateward.sources.address import remote
from stateward.sources.https import HttpsAccess, Login, Password, Proxy
from stateward.sources.remote import RemoteSource

USER = "x-access-token"
CANARY = "c4n4ry+=/&%;'\"$(id)`ü"
LOGIN = f"{USER}:{CANARY}"

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served" / "team" / "network.git")
    made.commit(a="1")
    return made


def token(secret: str | Callable[[], str] = CANARY) -> Password:
    read = secret if callable(secret) else lambda: secret
    return Password(username=USER, name="git.token", secret=read)


def at(
    server: Server,
    cache: Path,
    login: Login | None = None,
    *,
    path: str = "/team/network.git/.git",
    ca_file: Path | None = None,
    proxy: Proxy | None = None,
    timeout: float = 30,
) -> RemoteSource:
    place = remote(f"{server.url}{path}", schemes=["https"])
    return RemoteSource(
        place,
        cache=cache,
        revision="HEAD",
        timeout=30,
        fetch_timeout=timeout,
        limit=LARGE,
        access=HttpsAccess(remote=place, login=login, ca_file=ca_file, proxy=proxy),
    )


def served(repository: Repository) -> Path:
    return repository.path.parents[1]


async def failure(source: RemoteSource) -> StatewardError:
    with pytest.raises(StatewardError) as caught:
        await source.checkout()
    return caught.value


def spellings(secret: str) -> tuple[str, ...]:
    return secret, quote(secret, safe=""), quote(secret), b64encode(secret.encode()).decode()


async def test_whoever_has_the_token_is_let_in(
    repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
) -> None:
    with smart(served(repository), LOGIN).secured(tls) as server:
        source = at(server, tmp_path / "cache", token(), ca_file=ca_file)
        assert [entry.path for entry in (await source.checkout()).entries] == ["a.yml"]
    kept = str(snapshot(tmp_path / "cache"))
    assert not [own for own in spellings(CANARY) if own in kept]
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".git", ".lock"]


async def test_a_secret_is_read_anew_for_every_fetch(
    repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    with smart(served(repository), f"{USER}:first").secured(tls) as server:
        source = at(server, tmp_path / "cache", token(file.read_text), ca_file=ca_file)
        await source.checkout()
        server.login = f"{USER}:second"
        refused = await failure(source)
        assert (type(refused), refused.code) == (SourceUnavailable, Code.SOURCE_CREDENTIALS)
        file.write_text("second")
        commit = repository.commit(a="2")
        assert (await source.checkout()).revision == commit


@pytest.mark.parametrize("status", [401, 403])
async def test_credentials_that_do_not_do(
    tmp_path: Path, tls: ssl.SSLContext, ca_file: Path, status: int
) -> None:
    with Server(status).secured(tls) as server:
        refused = await failure(at(server, tmp_path / "cache", token(), ca_file=ca_file))
    assert (type(refused), refused.code) == (SourceUnavailable, Code.SOURCE_CREDENTIALS)
    assert "not accepted" in str(refused)
    assert not [own for own in spellings(CANARY) if own in str(refused)]


async def test_without_any_it_says_which_setting_gives_them(
    repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
) -> None:
    with smart(served(repository), LOGIN).secured(tls) as server:
        refused = await failure(at(server, tmp_path / "cache", ca_file=ca_file))
    assert refused.code is Code.SOURCE_CREDENTIALS
    assert "git.token" in str(refused)


@pytest.mark.parametrize("secret", ["", "two\nlines", "bell\a", "end\r"])
async def test_what_cannot_be_sent_is_not(tmp_path: Path, tls: ssl.SSLContext, secret: str) -> None:
    with Server(401).secured(tls) as server:
        refused = await failure(at(server, tmp_path / "cache", token(secret)))
        assert server.seen == []
    assert refused.code is Code.SOURCE_CREDENTIALS
    assert str(refused).isprintable()
    assert not secret or secret not in str(refused)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_gets_nothing(
    tmp_path: Path, tls: ssl.SSLContext, ca_file: Path, status: int
) -> None:
    with Server(401).secured(tls) as thief:
        with Server(status, Location=f"{thief.url}/x/info/refs?service=git-upload-pack").secured(
            tls
        ) as server:
            refused = await failure(at(server, tmp_path / "cache", token(), ca_file=ca_file))
        assert thief.seen == []
    assert "credentials do not go to" in str(refused)


async def test_without_credentials_a_redirect_is_followed(
    repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
) -> None:
    with smart(served(repository)).secured(tls) as there:
        to = f"{there.url}/team/network.git/.git/info/refs?service=git-upload-pack"
        with redirecting(to).secured(tls) as server:
            source = at(server, tmp_path / "cache", path="/old", ca_file=ca_file)
            assert (await source.checkout()).entries


async def helper(access: HttpsAccess, question: str, word: str = "get") -> str:
    """Ask what git is given for credentials as git does."""
    async with access.granted(Path("/nonexistent")) as grant:
        (command,) = (own for own in grant.options if own.startswith("credential.helper=!"))
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", f"{command.removeprefix('credential.helper=!')} {word}"),
            env={"PATH": os.environ["PATH"], **grant.environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate(question.encode())
        assert process.returncode == 0
        return output.decode()


def access(url: str) -> HttpsAccess:
    return HttpsAccess(remote=remote(url, schemes=["https"]), login=token())


RIGHT = "protocol=https\nhost=git.example:8443\npath=team/net work.git\n\n"


async def test_the_helper_answers_for_the_repository() -> None:
    own = access("https://git.example:8443/team/net%20work.git/")
    assert await helper(own, RIGHT) == f"username={USER}\npassword={CANARY}\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("https", "http"),
        ("git.example:8443", "git.example"),
        ("git.example:8443", "evil.example"),
        ("git.example:8443", "git.example:8443.evil.example"),
        ("team/net work.git", "team/other.git"),
        ("team/net work.git", "team/net work.git/x"),
        ("path=team/net work.git\n", ""),
        ("host=git.example:8443", "host=*"),
    ],
)
async def test_the_helper_answers_for_nothing_else(old: str, new: str) -> None:
    own = access("https://git.example:8443/team/net%20work.git")
    assert await helper(own, RIGHT.replace(old, new)) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://Git.Example:8443/Team/net%20work.git",
        "https://git.example:443/a/b/",
        "https://git.example/s%C3%BC%C3%9F/%ff/%25",
        "https://[::1]:1/a",
        "https://git.example/a=b//c",
    ],
)
async def test_the_helper_spells_addresses_as_git_does(url: str) -> None:
    async with access(url).granted(Path("/nonexistent")) as grant:
        process = await asyncio.create_subprocess_exec(
            *("git", *grant.options, "credential", "fill"),
            env={**ENVIRONMENT, "GIT_TERMINAL_PROMPT": "0", **grant.environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate(f"url={url}\n\n".encode())
    assert f"password={CANARY}\n" in output.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("word", ["store", "erase"])
async def test_the_helper_keeps_nothing(word: str) -> None:
    assert await helper(access("https://git.example:8443/team/net%20work.git"), RIGHT, word) == ""


async def test_a_server_that_repeats_the_credentials(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    loud = executable(
        tmp_path / "bin" / "git",
        [
            'case " $* " in *" fetch "*)',
            'printf "fatal: %s is not %s\\n" "$STATEWARD_GIT_PASSWORD" "$STATEWARD_GIT_USERNAME" >&2',
            "exit 128;; esac",
        ],
    )
    monkeypatch.setenv("PATH", f"{loud.parent}:{os.environ['PATH']}")
    place = remote("https://git.example/x.git", schemes=["https"])
    source = RemoteSource(
        place,
        cache=tmp_path / "cache",
        revision="HEAD",
        timeout=30,
        fetch_timeout=30,
        limit=LARGE,
        access=HttpsAccess(remote=place, login=token()),
    )
    refused = await failure(source)
    assert f"*** is not {USER}" in str(refused)
    told = f"{refused!r} {refused.__cause__!r} {caplog.text} {source.__dict__!r}"
    assert not [own for own in spellings(CANARY) if own in told]


def everybody() -> list[tuple[int, bytes, bytes]]:
    """Return every process of this machine that may be looked at: its group, words, environment."""
    found = []
    for own in Path("/proc").iterdir():
        if own.name.isdigit():
            try:
                words, environment = ((own / name).read_bytes() for name in ("cmdline", "environ"))
                found.append((os.getpgid(int(own.name)), words, environment))
            except OSError:
                continue  # it is gone, or is not ours
    return found


@needs_proc
async def test_no_other_process_is_told(
    repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
) -> None:
    secret = f"{CANARY.encode().hex()}-of-the-process-list"
    with gated(served(repository), f"{USER}:{secret}").secured(tls) as server:
        source = at(server, tmp_path / "cache", token(secret), ca_file=ca_file)
        fetching = asyncio.create_task(source.checkout())
        await asyncio.to_thread(server.reached.wait)
        seen = everybody()
        server.gate.set()
        await fetching
    assert not [words for _, words, _ in seen if secret.encode() in words]
    told = {group for group, _, environment in seen if secret.encode() in environment}
    assert len(told) == 1
    assert os.getpgid(0) not in told


@needs_proc
async def test_a_server_that_hangs_leaves_no_process(
    repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
) -> None:
    with gated(served(repository), LOGIN).secured(tls) as server:
        source = at(server, tmp_path / "cache", token(), ca_file=ca_file, timeout=2)
        refused = await failure(source)
        assert "not done within 2 s" in str(refused)
        assert server.reached.is_set()
        left = [words for _, words, _ in everybody() if str(tmp_path).encode() in words]
    assert [own for own in left if b"git" in own.split(b"\0")[0]] == []


class TestTrust:
    async def test_the_authority_that_is_named_is_trusted(
        self, repository: Repository, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path
    ) -> None:
        with smart(served(repository)).secured(tls) as server:
            assert (await at(server, tmp_path / "cache", ca_file=ca_file).checkout()).entries

    async def test_a_server_of_another_is_told_nothing(
        self, repository: Repository, tmp_path: Path, tls: ssl.SSLContext
    ) -> None:
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        with smart(served(repository), LOGIN).secured(tls) as server:
            for trusted in (None, other):
                refused = await failure(at(server, tmp_path / "cache", token(), ca_file=trusted))
                assert (type(refused), refused.code) == (SourceRefused, Code.SOURCE_UNTRUSTED)
                assert "git.caFile" in str(refused)
            assert server.seen == []

    async def test_a_file_that_is_not_there(self, tmp_path: Path, tls: ssl.SSLContext) -> None:
        with Server(401).secured(tls) as server:
            source = at(server, tmp_path / "cache", token(), ca_file=tmp_path / "gone.pem")
            refused = await failure(source)
        assert "git.caFile" in str(refused)
        assert "No such file" in str(refused)


class TestProxy:
    async def test_is_the_way_there(
        self,
        repository: Repository,
        tmp_path: Path,
        tls: ssl.SSLContext,
        ca_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with smart(served(repository), LOGIN).secured(tls) as server, ProxyServer() as between:
            between.login = f"me:{CANARY}"
            proxy = Proxy(url=f"http://me@{between.place}", password=lambda: CANARY)
            source = at(server, tmp_path / "cache", token(), ca_file=ca_file, proxy=proxy)
            assert (await source.checkout()).entries
            assert between.reached.is_set()

    @pytest.mark.parametrize("password", [None, "wrong-c4n4ry"])
    async def test_may_not_let_us_through(
        self, tmp_path: Path, tls: ssl.SSLContext, ca_file: Path, password: str | None
    ) -> None:
        with Server(401).secured(tls) as server, ProxyServer() as between:
            between.login = f"me:{CANARY}"
            own = f"http://me@{between.place}" if password else f"http://{between.place}"
            read = (lambda: password) if password else None
            source = at(
                server,
                tmp_path / "cache",
                token(),
                ca_file=ca_file,
                proxy=Proxy(url=own, password=read),
            )
            refused = await failure(source)
            assert server.seen == []
        assert (type(refused), refused.code) == (SourceUnavailable, Code.SOURCE_CREDENTIALS)
        assert "proxy" in str(refused)
        assert "c4n4ry" not in str(refused)


def test_nothing_shows_a_secret() -> None:
    own = HttpsAccess(
        remote=remote("https://git.example/x.git", schemes=["https"]),
        login=token(),
        proxy=Proxy(url="http://me@proxy:1", password=lambda: CANARY),
    )
    assert CANARY not in repr(own)
