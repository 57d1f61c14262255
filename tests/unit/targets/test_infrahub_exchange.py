"""The client over real sockets: answers that are cut, reset, dripped, led astray or forged."""

import asyncio
import base64
import logging
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import stamina
import trustme
from cryptography.hazmat.primitives import serialization
from infrahub_wire import Server, cuts, drips, free_port, hangs, listening, resets, says

from stateward.errors import Code, ConfigError, StatewardError, TargetRefused, TargetUnavailable
from stateward.targets.infrahub.answers import Untouched
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.connection import Connection

TOKEN = "canary-token"  # noqa: S105
OK = says({"data": {"ok": True}})
PLAIN_500 = says(b"Internal Server Error", 500, content_type="text/plain")

unused_port = pytest.fixture(free_port)


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def connection(address: str, **more: Any) -> Connection:
    given = {"address": address, "branch": "main", "in_flight": 2, "token": TOKEN}
    return Connection(**{**given, "timeout": 5.0, "write_timeout": 5.0, **more})


@asynccontextmanager
async def talking(
    server: Server, *, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[Client]:
    async with listening(server, tls) as (host, port):
        scheme = "https" if tls else "http"
        async with Client(connection(f"{scheme}://{host}:{port}", **more)) as own:
            yield own


async def refused(call: Any) -> StatewardError:
    with pytest.raises(StatewardError) as caught:
        await call
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


async def test_requests_share_a_connection():
    server = Server(OK)
    async with talking(server) as own:
        await own.query("{a}")
        await own.mutate("mutation{a}", {})

    assert [(own.method, own.target, own.connection) for own in server.seen] == [
        ("POST", "/graphql/main", 1),
        ("POST", "/graphql/main", 1),
    ]
    assert server.seen[0].headers["x-infrahub-key"] == TOKEN


@pytest.mark.parametrize("trouble", [cuts, resets, PLAIN_500])
async def test_reading_survives_a_broken_connection(trouble):
    server = Server(trouble, trouble, OK)
    async with talking(server) as own:
        assert await own.query("{a}") == {"ok": True}


@pytest.mark.parametrize("trouble", [cuts, resets, PLAIN_500])
async def test_a_change_on_a_broken_connection_is_uncertain_and_sent_once(trouble):
    server = Server(trouble, OK)
    async with talking(server) as own:
        found = await refused(own.mutate("mutation{a}", {}))

    assert type(found) is TargetUnavailable
    assert "not known" in str(found)
    assert len(server.seen) == 1


async def test_reading_survives_a_connection_that_was_kept_and_reset_when_it_was_used_again():
    server = Server(OK, resets, OK)
    async with talking(server) as own:
        await own.query("{a}")
        assert await own.query("{a}") == {"ok": True}

    assert [seen.connection for seen in server.seen] == [1, 1, 2]


async def test_no_change_is_sent_on_a_connection_that_the_server_is_about_to_drop():
    server = Server(PLAIN_500, OK)
    async with talking(server) as own:
        await refused(own.mutate("mutation{a}", {}))
        assert (await own.mutate("mutation{a}", {})).data == {"ok": True}

    assert [seen.connection for seen in server.seen] == [1, 2]


@pytest.mark.parametrize("trouble", [drips, hangs])
async def test_the_deadline_is_for_the_whole_answer(trouble):
    async with talking(Server(trouble), timeout=0.1, write_timeout=0.1) as own:
        read = await refused(own.query("{a}"))
        changed = await refused(own.mutate("mutation{a}", {}))

    assert "within 0.1 s" in str(read)
    assert "not known" in str(changed)


async def test_a_change_that_nobody_listened_to_did_not_happen(unused_port):
    async with Client(connection(f"http://127.0.0.1:{unused_port}")) as own:
        found = await refused(own.mutate("mutation{a}", {}))

    assert isinstance(found, Untouched)
    assert own.writes == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("login", [False, True])
async def test_redirects_are_not_followed(status, login):
    elsewhere = Server(OK)
    more = {"token": None, "username": "u", "password": "canary-password"} if login else {}
    async with listening(elsewhere) as (host, port):
        place = f"http://canary-user:x@{host}:{port}/start?token={TOKEN}"
        async with talking(Server(says(b"", status, location=place)), **more) as own:
            for call in (own.query("{a}"), own.mutate("mutation{a}", {}), own.get("/api/config")):
                found = await refused(call)
                assert (type(found), found.code) == (TargetRefused, Code.TARGET_ANSWER)
                assert f"redirects to http://{host}:{port}/start:" in str(found)

    assert (elsewhere.connections, elsewhere.seen) == (0, [])


@pytest.mark.parametrize("place", ["http://[canary-token", "\x01canary-token", "http://a:b", ""])
async def test_a_redirect_to_nowhere_is_an_error_of_ours(place):
    async with talking(Server(says(b"", 302, location=place))) as own:
        await refused(own.query("{a}"))


def bomb() -> bytes:
    own = zlib.compressobj(9, wbits=31)
    return own.compress(b'{"data":{"a":"' + b" " * 70_000_000 + b'"}}') + own.flush()


async def test_an_answer_that_unpacks_to_anything_is_not_taken():
    packed = says(bomb(), content_encoding="gzip")
    async with talking(Server(packed)) as own:
        read = await refused(own.query("{a}"))
        changed = await refused(own.mutate("mutation{a}", {}))

    assert (type(read), read.code) == (TargetRefused, Code.TARGET_ANSWER)
    assert (type(changed), changed.code) == (TargetUnavailable, Code.TARGET_ANSWER)


async def test_an_answer_without_end_is_not_read_to_its_end():
    async def endless(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            await writer.drain()

    async with talking(Server(endless), timeout=60.0) as own:
        assert "too large" in str(await refused(own.query("{a}")))


async def test_a_packed_answer_is_unpacked():
    own = zlib.compressobj(wbits=31)
    data = own.compress(b'{"data":{"a":1}}') + own.flush()
    async with talking(Server(says(data, content_encoding="gzip"))) as client:
        assert await client.query("{a}") == {"a": 1}


async def test_an_answer_in_a_packing_that_was_not_asked_for_is_not_taken():
    async with talking(Server(says(b"x", content_encoding="canary-br"))) as own:
        found = await refused(own.query("{a}"))

    assert (type(found), found.code) == (TargetUnavailable, Code.TARGET_ANSWER)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 \r\n canary-token\r\n\r\n",
        b"canary-token\r\n\r\n",
        b"HTTP/1.1 999999 X\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_an_error_of_ours(answer):
    async def behave(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with talking(Server(behave)) as own:
        assert isinstance(await refused(own.query("{a}")), TargetUnavailable)


async def test_a_cancelled_request_leaves_the_way_free():
    arrived = asyncio.Event()

    async def slow(_: Any, __: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with talking(Server(slow, OK), in_flight=1) as own:
        task = asyncio.create_task(own.mutate("mutation{a}", {}))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await own.query("{a}") == {"ok": True}


def serving(authority: trustme.CA, *, clients: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def written(folder: Path, name: str, *blobs: trustme.Blob) -> str:
    path = folder / name
    path.write_bytes(b"".join(own.bytes() for own in blobs))
    return str(path)


async def test_a_server_whose_authority_is_named_is_trusted(authority, tmp_path):
    ca_file = written(tmp_path, "ca.pem", authority.cert_pem)
    async with talking(Server(OK), tls=serving(authority), ca_file=ca_file) as own:
        assert await own.query("{a}") == {"ok": True}


@pytest.mark.parametrize("named", [True, False])
async def test_a_server_of_another_authority_is_told_nothing(authority, named, tmp_path):
    server = Server(OK)
    other = written(tmp_path, "ca.pem", trustme.CA().cert_pem) if named else None
    async with talking(server, tls=serving(authority), ca_file=other) as own:
        for call in (own.query("{a}"), own.mutate("mutation{a}", {})):
            found = await refused(call)
            assert (type(found), found.code) == (TargetRefused, Code.TARGET_UNREACHABLE)
            assert "certificate is not trusted" in str(found)

    assert server.seen == []


async def test_a_certificate_for_another_name_is_not_trusted(authority, tmp_path):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("infrahub.example.com").configure_cert(context)
    ca_file = written(tmp_path, "ca.pem", authority.cert_pem)
    async with talking(Server(OK), tls=context, ca_file=ca_file) as own:
        assert isinstance(await refused(own.query("{a}")), TargetRefused)


async def test_a_client_certificate_is_shown(authority, tmp_path):
    own_ca = trustme.CA()
    leaf = own_ca.issue_cert("stateward@example.com")
    files = {
        "ca_file": written(tmp_path, "ca.pem", authority.cert_pem),
        "client_cert": written(tmp_path, "cert.pem", *leaf.cert_chain_pems),
        "client_key": written(tmp_path, "key.pem", leaf.private_key_pem),
    }
    server = Server(OK)
    async with talking(server, tls=serving(authority, clients=own_ca), **files) as own:
        assert await own.query("{a}") == {"ok": True}
    async with talking(
        server, tls=serving(authority, clients=own_ca), ca_file=files["ca_file"]
    ) as own:
        assert isinstance(await refused(own.query("{a}")), TargetUnavailable)

    assert len(server.seen) == 1


@pytest.mark.parametrize("content", [None, "canary"])
@pytest.mark.parametrize("which", ["ca_file", "client_cert", "client_key"])
def test_certificates_that_cannot_be_read_are_named_before_anything_is_sent(
    content, which, authority, tmp_path
):
    leaf = authority.issue_cert("x@example.com")
    files = {"client_cert": written(tmp_path, "cert.pem", *leaf.cert_chain_pems)}
    path = tmp_path / "wrong.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="certificates") as caught:
        Client(connection("https://h", **{**files, which: str(path)}))

    assert "canary" not in str(caught.value)


def test_a_key_that_asks_for_a_password_does_not_ask_it_on_the_terminal(authority, tmp_path):
    leaf = authority.issue_cert("x@example.com")
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"canary-pw"),
        )
    )
    files = {
        "client_cert": written(tmp_path, "cert.pem", *leaf.cert_chain_pems),
        "client_key": str(tmp_path / "key.pem"),
    }
    with pytest.raises(ConfigError, match="protected by a password"):
        Client(connection("https://h", **files))


class Forwarding(Server):
    """A proxy: what is asked of it is passed on by its one behaviour."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = first.split(" ")[1]
        if not first.startswith("CONNECT "):
            raise AssertionError(first)
        self.asked = first
        host, _, port = target.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_pass(reader, back), _pass(there, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def test_a_plain_proxy_is_asked_for_the_whole_address(unused_port):
    proxy = Server(OK)
    async with listening(proxy) as (host, port):
        own = connection(
            f"http://127.0.0.1:{unused_port}", proxy=f"http://u:canary-pw@{host}:{port}"
        )
        async with Client(own) as client:
            assert await client.query("{a}") == {"ok": True}
    [seen] = proxy.seen

    assert seen.target == f"http://127.0.0.1:{unused_port}/graphql/main"
    given = seen.headers["proxy-authorization"].removeprefix("Basic ")
    assert base64.b64decode(given) == b"u:canary-pw"


async def test_a_proxy_sees_nothing_of_what_goes_over_tls(authority, tmp_path):
    ca_file = written(tmp_path, "ca.pem", authority.cert_pem)
    proxy = Forwarding(OK)
    async with (
        listening(proxy) as (host, port),
        talking(
            Server(OK), tls=serving(authority), ca_file=ca_file, proxy=f"http://{host}:{port}"
        ) as own,
    ):
        assert await own.query("{a}") == {"ok": True}

    assert TOKEN not in proxy.asked


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_credentials_is_named(scheme):
    proxy = Server(says(b"canary-pw", 407))
    async with listening(proxy) as (host, port):
        own = connection(f"{scheme}://infrahub", proxy=f"http://u:canary-pw@{host}:{port}")
        async with Client(own) as client:
            found = await refused(client.mutate("mutation{a}", {}))

    assert (type(found), found.code) == (TargetRefused, Code.TARGET_CREDENTIALS)
    assert "the proxy" in str(found)
    assert len(proxy.seen) == 1


async def test_the_environment_names_no_proxy_and_no_credentials(monkeypatch, tmp_path):
    proxy, server = Server(OK), Server(OK)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    async with listening(proxy) as (host, port):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{host}:{port}")
        async with talking(server, token=None) as own:
            await own.query("{a}")

    assert (proxy.connections, len(server.seen)) == (0, 1)
    assert "authorization" not in server.seen[0].headers


async def test_secrets_are_in_no_log_of_any_library(caplog):
    login = says({"access_token": "canary-access"})
    script = Server(login, OK, PLAIN_500, resets, OK)
    more = {"token": None, "username": "u", "password": "canary-password"}
    with caplog.at_level(logging.DEBUG):
        async with talking(script, **more) as own:
            await own.query("{a}")
            await own.query("{a}")

    assert len(script.seen) == 5
    assert any(own.name.startswith("httpcore") for own in caplog.records)
    assert not [own for own in caplog.records if "canary" in own.getMessage()]
