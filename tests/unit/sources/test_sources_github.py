"""A GitHub App: what is sent for a token, how long one is used, and what is said without one."""

import json
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from repositories import LARGE, Repository
from servers import Proxy as ProxyServer
from servers import Server, Smart
from stateward.errors import Code, SourceRefused, SourceUnavailable, StatewardError
from stateward.sources.address import remote
from stateward.sources.github import App, GithubLogin, _api
from stateward.sources.https import HttpsAccess, Proxy
from stateward.sources.remote import RemoteSource

START = 1_700_000_000.0
HOUR = 3600.0


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Github(Smart):
    """Repositories for whoever has the last token that was given to the app 12345."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.login = "nobody:yet"
        self.asked: list[Any] = []
        self.refusal: tuple[int, str] | None = None

    class handler(Smart.handler):  # noqa: N801
        server_: ClassVar[Any]

        def do_POST(self) -> None:  # noqa: N802 - the library's name
            if self.path == "/api/v3/app/installations/678/access_tokens":
                status, answer = self.server_.exchange(self)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            else:
                super().do_POST()

    def exchange(self, request: Any) -> tuple[int, bytes]:
        statement = request.headers["Authorization"].removeprefix("Bearer ")
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        if self.refusal:
            return self.refusal[0], self.refusal[1].replace("STATEMENT", statement).encode()
        claims = jwt.decode(
            statement,
            KEY.public_key(),
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},
        )
        self.asked.append((claims, body))
        token = f"ghs_c4n4ry{len(self.asked)}"
        self.login = f"x-access-token:{token}"
        ends = datetime.fromtimestamp(self.clock.now + HOUR, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 201, json.dumps({"token": token, "expires_at": ends}).encode()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served" / "work", "--bare")
    source = Repository(tmp_path / "work")
    source.commit(a="1")
    source.git("push", "-q", str(made.path), "main")
    made.path.rename(made.path.with_name("network.git"))
    return source


@pytest.fixture
def server(repository: Repository, tmp_path: Path, tls: ssl.SSLContext) -> Iterator[Github]:
    del repository
    found = Github()
    found.root = tmp_path
    with found.secured(tls):
        yield found


def login(
    server: Server,
    *,
    ca_file: Path | None,
    key: str | Callable[[], str] = "",
    proxy: Proxy | None = None,
    clock: Clock | None = None,
) -> GithubLogin:
    text = key or pem(KEY)
    return GithubLogin(
        App(id="12345", installation=678, key=text if callable(text) else lambda: text),
        remote(f"{server.url}/served/network.git", schemes=["https"]),
        ca_file=ca_file,
        proxy=proxy,
        now=clock or Clock(),
    )


async def failure(own: GithubLogin) -> StatewardError:
    with pytest.raises(StatewardError) as caught:
        await own.read()
    return caught.value


async def test_the_repository_is_fetched_with_a_token_for_it_alone(
    server: Github, tmp_path: Path, ca_file: Path
) -> None:
    own = login(server, ca_file=ca_file, clock=server.clock)
    place = remote(f"{server.url}/served/network.git", schemes=["https"])
    source = RemoteSource(
        place,
        cache=tmp_path / "cache",
        revision="HEAD",
        timeout=30,
        fetch_timeout=30,
        limit=LARGE,
        access=HttpsAccess(remote=place, login=own, ca_file=ca_file),
    )
    assert [entry.path for entry in (await source.checkout()).entries] == ["a.yml"]
    ((claims, body),) = server.asked
    assert claims == {"iss": "12345", "iat": int(START) - 60, "exp": int(START) + 540}
    assert body == {"repositories": ["network"], "permissions": {"contents": "read"}}

    server.login = "x-access-token:another"  # revoked before its time
    with pytest.raises(SourceUnavailable) as caught:
        await source.checkout()
    assert caught.value.code is Code.SOURCE_CREDENTIALS
    assert "c4n4ry" not in str(caught.value)
    assert (await source.checkout()).entries
    assert len(server.asked) == 2


async def test_a_token_is_used_until_five_minutes_before_its_end(
    server: Github, ca_file: Path
) -> None:
    own = login(server, ca_file=ca_file, clock=server.clock)
    first = await own.read()
    assert first == ("x-access-token", "ghs_c4n4ry1")
    server.clock.now = START + HOUR - 301
    assert await own.read() == first
    server.clock.now = START + HOUR - 300
    assert await own.read() == ("x-access-token", "ghs_c4n4ry2")


async def test_the_key_is_read_for_every_token(server: Github, ca_file: Path) -> None:
    keys = ["no key", pem(KEY)]
    own = login(server, ca_file=ca_file, key=lambda: keys.pop(0))
    assert "git.githubApp.privateKey" in str(await failure(own))
    assert (await own.read())[1] == "ghs_c4n4ry1"


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nc4n4ry\n-----END RSA PRIVATE KEY-----",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(KEY, b"c4n4ry"),
    ],
    ids=["garbage", "of another kind", "with a passphrase"],
)
async def test_a_key_that_does_not_do(server: Github, ca_file: Path, key: str) -> None:
    refused = await failure(login(server, ca_file=ca_file, key=key))
    assert (type(refused), refused.code) == (SourceUnavailable, Code.SOURCE_CREDENTIALS)
    assert "git.githubApp.privateKey: is no private RSA key" in str(refused)
    assert "c4n4ry" not in f"{refused!r} {refused.__cause__!r}"
    assert server.seen == []


@pytest.mark.parametrize(
    ("status", "answer", "code", "said"),
    [
        (401, '{"message": "A JSON web token could not be decoded"}', Code.SOURCE_CREDENTIALS, "could not be decoded"),
        (404, '{"message": "Not Found"}', Code.SOURCE_CREDENTIALS, "404: Not Found"),
        (422, '{"message": "There is at least one repository that\\nis not accessible"}', Code.SOURCE_CREDENTIALS, "422"),
        (401, '{"message": "not STATEMENT"}', Code.SOURCE_CREDENTIALS, "not ***"),
        (500, "<html>", Code.FETCH, "cannot be read"),
        (201, "[]", Code.FETCH, "cannot be read"),
        (201, '{"token": "a", "expires_at": "soon"}', Code.FETCH, "cannot be read"),
        (302, "{}", Code.FETCH, "cannot be read"),
        (201, '{"token": "a\\npassword=b", "expires_at": "2033-01-01T00:00:00Z"}', Code.SOURCE_CREDENTIALS, "line breaks"),
        (200, "x" * 100_000, Code.FETCH, "too large"),
    ],
    ids=["key", "installation", "repository", "repeated", "broken", "list", "time", "redirect", "lines", "large"],
)  # fmt: skip
async def test_no_token(
    server: Github, ca_file: Path, status: int, answer: str, code: Code, said: str
) -> None:
    server.refusal = (status, answer)
    refused = await failure(login(server, ca_file=ca_file))
    assert (type(refused), refused.code) == (SourceUnavailable, code)
    assert said in str(refused)
    assert str(refused).isprintable()


async def test_a_server_that_is_not_trusted_is_sent_nothing(server: Github) -> None:
    refused = await failure(login(server, ca_file=None))
    assert (type(refused), refused.code) == (SourceRefused, Code.SOURCE_UNTRUSTED)
    assert server.seen == []


async def test_a_server_that_is_not_there(ca_file: Path, tls: ssl.SSLContext) -> None:
    with Server().secured(tls) as gone:
        pass
    refused = await failure(login(gone, ca_file=ca_file))
    assert (type(refused), refused.code) == (SourceUnavailable, Code.FETCH)
    assert "cannot be reached: ConnectError" in str(refused)


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_the_proxy_of_the_repository_is_the_way_there(
    server: Github, ca_file: Path, password: str
) -> None:
    with ProxyServer() as between:
        between.login = "me:right"
        proxy = Proxy(url=f"http://me@{between.place}", password=lambda: password)
        own = login(server, ca_file=ca_file, proxy=proxy)
        if password == "right":  # noqa: S105 - a word
            assert (await own.read())[1] == "ghs_c4n4ry1"
            assert between.reached.is_set()
        else:
            refused = await failure(own)
            assert refused.code is Code.SOURCE_CREDENTIALS
            assert "proxy" in str(refused)
            assert server.seen == []


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("github.com", "https://api.github.com"),
        ("octo.ghe.com", "https://api.octo.ghe.com"),
        ("git.example:8443", "https://git.example:8443/api/v3"),
        ("github.com.evil.example", "https://github.com.evil.example/api/v3"),
    ],
)
def test_where_the_api_is(host: str, api: str) -> None:
    assert _api(remote(f"https://{host}/o/r.git", schemes=["https"])) == api


async def test_nothing_shows_a_secret(server: Github, ca_file: Path) -> None:
    own = login(server, ca_file=ca_file)
    await own.read()
    place = remote("https://git.example/x.git", schemes=["https"])
    shown = repr(HttpsAccess(remote=place, login=own)) + repr(own._app)
    assert "c4n4ry" not in shown
    assert "PRIVATE" not in shown
