"""What is said of addresses that lead nowhere, or to what is no Infrahub: over real sockets."""

import ssl
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import stamina
import trustme
from infrahub_wire import Server, cuts, free_port, hangs, listening, resets, says

from stateward.model.finding import Finding, Level
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.diagnosis import Diagnosis
from stateward.targets.lease import Lease

TOKEN = "canary-token"  # noqa: S105
CONFIG = says({"main": {"allow_anonymous_access": True}})
REFUSED = says({"data": None, "errors": [{"message": "Invalid token"}]}, 401)

unused_port = pytest.fixture(free_port)


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=1):
        yield


async def examined(tmp_path: Path, address: str, **more: Any) -> list[Finding]:
    given = {"address": address, "branch": "main", "in_flight": 2, "token": TOKEN}
    connection = Connection(**{**given, "timeout": 5.0, "write_timeout": 5.0, **more})
    found = await Diagnosis(connection, Lease(tmp_path / "lease")).run(None, ())
    assert "canary" not in str(found)
    assert all(own.advice for own in found if own.level is not Level.OK)
    return list(found)


async def only(tmp_path: Path, address: str, **more: Any) -> str:
    (found,) = await examined(tmp_path, address, **more)
    assert (found.level, found.subject) == (Level.ERROR, "address")
    return f"{found.message}: {found.advice}"


async def served(tmp_path: Path, *script: Any, scheme: str = "http", **more: Any) -> str:
    async with listening(Server(*script)) as (host, port):
        return await only(tmp_path, f"{scheme}://{host}:{port}", **more)


async def test_nobody_listens(tmp_path: Path, unused_port: int) -> None:
    said = await only(tmp_path, f"http://127.0.0.1:{unused_port}")
    assert f"nothing answers at port {unused_port}" in said


async def test_proxy_that_is_not_there(tmp_path: Path, unused_port: int) -> None:
    proxy = f"http://ada:canary@127.0.0.1:{unused_port}"
    said = await only(tmp_path, "http://infrahub.invalid", proxy=proxy)
    assert "the proxy 127.0.0.1: nothing answers" in said


async def test_proxy_that_wants_to_know_who_we_are(tmp_path: Path) -> None:
    async with listening(Server(says(b"", 407))) as (host, port):
        proxy = f"http://{host}:{port}"
        said = await only(tmp_path, "http://infrahub.invalid", proxy=proxy)
    assert "the proxy does not accept the credentials" in said


async def test_no_such_host(tmp_path: Path) -> None:
    assert "no such host" in await only(tmp_path, "http://no-such-host.invalid")


async def test_no_answer_in_time(tmp_path: Path) -> None:
    said = await served(tmp_path, hangs, timeout=0.3)
    assert "did not answer within 0.3 s: it may be busy" in said


async def test_connection_that_breaks(tmp_path: Path) -> None:
    assert "broke" in await served(tmp_path, resets)
    assert "broke" in await served(tmp_path, cuts)


async def test_redirect(tmp_path: Path) -> None:
    moved = says(b"", 302, location="https://login.example/?next=secret")
    said = await served(tmp_path, moved)
    assert "redirects to https://login.example/:" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html>welcome</html>", content_type="text/html"),
        says(b"<html>no</html>", 404, content_type="text/html"),
        says({"main": "page"}, 404),
        says({"hello": "world"}),
        says(["main"]),
    ],
)
async def test_not_an_infrahub(tmp_path: Path, answer: Any) -> None:
    said = await served(tmp_path, answer)
    assert "Infrahub's own address is wanted" in said


async def test_tls_where_there_is_none(tmp_path: Path) -> None:
    said = await served(tmp_path, CONFIG, scheme="https")
    assert "use http://" in said or "TLS" in said


@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [("127.0.0.1", False, "is not trusted: give the authority"), ("other.example", True, "name")],
)
async def test_certificate(tmp_path: Path, name: str, words: str, *, trusted: bool) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca_file = str(tmp_path / "ca.pem") if trusted else None
    async with listening(Server(CONFIG), tls) as (_, port):
        said = await only(tmp_path, f"https://127.0.0.1:{port}", ca_file=ca_file)
    assert words in said


async def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    said = await only(tmp_path, "https://host", ca_file=str(tmp_path / "none.pem"))
    assert "cannot be read" in said


async def test_credentials_go_only_to_an_infrahub(tmp_path: Path) -> None:
    server = Server(says({"hello": "world"}))
    async with listening(server) as (host, port):
        await only(tmp_path, f"http://{host}:{port}")
    assert [TOKEN in str(own.headers) for own in server.seen] == [False]


async def test_clock_and_token(tmp_path: Path) -> None:
    late = formatdate(time.time() - 600, usegmt=True)
    config = says({"main": {}}, date=late)
    async with listening(Server(config, REFUSED)) as (host, port):
        found = await examined(tmp_path, f"http://{host}:{port}")
    assert [(own.subject, own.level.value) for own in found] == [
        ("address", "ok"),
        ("clock", "warning"),
        ("account", "error"),
    ]


async def test_an_infrahub_that_fails(tmp_path: Path) -> None:
    failing = says(b"Internal Server Error", 500, content_type="text/plain")
    async with listening(Server(CONFIG, failing)) as (host, port):
        found = await examined(tmp_path, f"http://{host}:{port}")
    told = {own.subject: own.level for own in found}
    assert told.pop("address") is Level.OK
    assert {"account", "version", "branch", "workers"} <= told.keys()
    assert set(told.values()) == {Level.ERROR}


async def test_answers_of_another_shape(tmp_path: Path) -> None:
    odd = says({"data": {"AccountProfile": [], "InfrahubInfo": 1, "InfrahubStatus": None}})
    async with listening(Server(CONFIG, odd)) as (host, port):
        found = await examined(tmp_path, f"http://{host}:{port}")
    assert all(own.level is Level.ERROR for own in found if own.subject != "address")


async def test_somebody_else_is_writing(tmp_path: Path, unused_port: int) -> None:
    lease = Lease(tmp_path / "lease")
    lease.take()
    try:
        found = await examined(tmp_path, f"http://127.0.0.1:{unused_port}")
    finally:
        lease.release()
    assert [own.subject for own in found] == ["lease", "address"]
    assert found[0].level is Level.WARNING
