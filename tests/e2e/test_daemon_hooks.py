"""A push to a remote repository, told by a webhook, as a forge sends it."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from commands import edit
from repositories import Repository, git
from servers import Smart, smart, trusted
from tending import Process

LEAVES = "objects/network/leaves.yml"
CANARY = "c4nary-in-the-hook"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    directory = tmp_path / "here"
    directory.mkdir()
    return directory


@pytest.fixture
def server(repo: Repository, here: Path) -> Iterator[Smart]:
    with smart(repo.path.parent).secured(trusted(here / "ca.pem")) as found:
        yield found


def call(address: str, body: bytes, secret: str = CANARY) -> httpx.Response:
    proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={proof}", "X-GitHub-Event": "push"}
    return httpx.post(f"http://{address}/hooks/github/net", content=body, headers=headers)


def soon(daemon: Process, repo: Repository, address: str, url: str) -> Iterator[float]:
    """Yield how many seconds after its call a commit's round begins, until one is soon enough.

    What git itself takes to ask and to fetch is left out: on a busy machine that is the most of it.
    """
    for mtu in range(9214, 9209, -1):
        edit(repo, LEAVES, f"mtu: {mtu}", f"mtu: {mtu - 1}")
        commit = repo.commit("smaller frames")
        begun = time.time()
        assert call(address, f"{{{mtu}}}".encode()).status_code == 202
        done = daemon.until("round", trigger="commit")
        assert done["revision"] == commit
        took = time.time() - begun - done["seconds"]
        begun = time.time()
        for _ in range(2):
            git("-c", "http.sslVerify=false", "ls-remote", url)
        yield took - (time.time() - begun)
        if took < 1:
            return


def test_is_at_work_within_a_second_and_tells_no_secret(
    repo: Repository, here: Path, server: Smart
) -> None:
    (here / "hook").write_text(CANARY)
    (here / "stateward.yaml").write_text(
        "sources:\n"
        f"  - {{name: net, git: {{url: '{server.url}/site/.git', caFile: ca.pem, interval: 1h}}}}\n"
        "server: {listen: '127.0.0.1:0', hooks: [{forge: github, secret: {file: hook}}]}\n"
    )
    with Process(here) as daemon:
        address = daemon.until("listening")["address"]
        daemon.until("round", trigger="start")
        asked = len(server.seen)
        assert call(address, b"{}", "wrong, but as long").status_code == 401
        assert min(soon(daemon, repo, address, f"{server.url}/site/.git")) < 1
        told = len(server.seen)
        assert told > asked
        assert call(address, b"{9214}").status_code == 202
        numbers = httpx.get(f"http://{address}/metrics").text
        assert 'stateward_hooks_total{forge="github",outcome="repeated"} 1.0\n' in numbers
        assert len(server.seen) == told
        assert CANARY not in numbers + str(daemon.seen)
    (here / "hook").unlink()
    files = [own.read_bytes() for own in here.rglob("*") if own.is_file()]
    assert files
    assert not [own for own in files if CANARY.encode() in own]
