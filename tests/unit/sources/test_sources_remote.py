"""Mirrors: made, kept up, shared, mended; and the servers they come from."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from repositories import LARGE, Repository, executable, far, git
from servers import Server, dumb, gated, redirecting, smart
from stateward.errors import Code, SourceRefused, SourceUnavailable, StatewardError
from stateward.sources.access import Fixed, Grant
from stateward.sources.address import remote
from stateward.sources.remote import RemoteSource

CANARY = "s3cr3t-c4n4ry"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "not yet" / "cache"


def at(
    url: str, cache: Path, *, timeout: float = 30, environment: dict[str, str] | None = None
) -> RemoteSource:
    return RemoteSource(
        remote(url, schemes=["http", "ssh", "file"]),
        cache=cache,
        revision="HEAD",
        timeout=30,
        fetch_timeout=timeout,
        limit=LARGE,
        access=Fixed(Grant(environment=environment or {})),
    )


async def files(source: RemoteSource, revision: str | None = None) -> dict[str, bytes]:
    entries = (await source.checkout(revision)).entries
    read = await source.read([entry.blob for entry in entries])
    return {entry.path: read[entry.blob] for entry in entries}


def everything(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def mirror(cache: Path) -> Path:
    (found,) = cache.glob("*.git")
    return found


def tidy(cache: Path) -> bool:
    """Whether a cache holds one mirror and its lock, for us alone, and nothing half made."""
    kept = sorted(path.suffix for path in cache.iterdir())
    left = [*mirror(cache).rglob("*.lock"), *mirror(cache).rglob("tmp_*")]
    return kept == [".git", ".lock"] and not left and stat.S_IMODE(cache.stat().st_mode) == 0o700


def harm(mirror: Path, script: str) -> None:
    subprocess.run(
        ["/bin/sh", "-c", f"chmod -R u+w .; {script}"], cwd=mirror, check=False, capture_output=True
    )


def said(path: Path) -> list[str]:
    return path.with_name(f"{path.name}.log").read_text().split("\n")


async def test_only_what_is_needed_is_kept(repository: Repository, cache: Path) -> None:
    repository.commit(a="1")
    repository.git("update-ref", "refs/pull/1/head", "HEAD")
    repository.git("update-ref", "refs/notes/x", "HEAD")
    repository.git("tag", "v1")
    await files(far(repository.path, cache))
    refs = git("-C", str(mirror(cache)), "for-each-ref", "--format=%(refname)").split()
    assert refs == [b"refs/heads/main", b"refs/stateward/head", b"refs/tags/v1"]
    assert tidy(cache)
    assert not (mirror(cache) / "hooks").exists()


async def test_everything_that_can_happen_to_a_branch(repository: Repository, cache: Path) -> None:
    first = repository.commit(a="1")
    repository.git("branch", "topic")
    repository.git("branch", "gone")
    repository.git("tag", "v1")
    source = far(repository.path, cache)
    assert await files(source) == {"a.yml": b"1"}

    second = repository.commit(a="2")
    assert (await source.checkout()).revision == second
    repository.git("reset", "-q", "--hard", first)
    third = repository.commit(a="3")
    repository.git("tag", "-f", "v1")
    repository.git("branch", "-D", "gone")
    repository.git("branch", "-D", "topic")
    repository.git("branch", "topic/deeper")
    assert (await source.checkout()).revision == third
    assert (await source.checkout("v1")).revision == third
    assert (await source.checkout("topic/deeper")).revision == third
    for revision in ("gone", "topic"):
        with pytest.raises(SourceRefused):
            await source.checkout(revision)
    assert not await source.is_ancestor(second, third)

    repository.git("switch", "-q", "-c", "other")
    fourth = repository.commit(b="4")
    assert (await source.checkout()).revision == fourth


async def test_a_known_commit_needs_no_remote(repository: Repository, cache: Path) -> None:
    old = repository.commit(a="1")
    source = far(repository.path, cache)
    await source.checkout()
    repository.path.rename(repository.path.with_name("moved"))
    assert await files(source, old) == {"a.yml": b"1"}
    with pytest.raises(SourceRefused) as caught:
        await source.checkout()
    assert caught.value.code is Code.NO_REPOSITORY
    with pytest.raises(StatewardError):
        await source.checkout("1" * 40)


async def test_an_empty_remote_fills(repository: Repository, cache: Path) -> None:
    source = far(repository.path, cache)
    with pytest.raises(SourceRefused, match="no commits yet"):
        await source.checkout()
    repository.commit(a="1")
    assert await files(source) == {"a.yml": b"1"}


async def test_a_head_that_vanishes_is_not_remembered(repository: Repository, cache: Path) -> None:
    repository.commit(a="1")
    source = far(repository.path, cache)
    await source.checkout()
    repository.git("symbolic-ref", "HEAD", "refs/heads/not-there")
    with pytest.raises(SourceRefused, match="it has main"):
        await source.checkout()


async def test_what_many_fetches_leave_is_packed(repository: Repository, cache: Path) -> None:
    source = far(repository.path, cache)
    for number in range(60):
        repository.commit(**{f"f{n}": str(number) for n in range(101)})
        await source.checkout()
    assert len(list((mirror(cache) / "objects/pack").glob("*.pack"))) < 60


DAMAGES = {
    "directory gone": "rm -rf .",
    "directory empty": "rm -rf ./*",
    "no objects": "rm -rf objects",
    "no HEAD": ": > HEAD",
    "no packs": "rm -f objects/pack/*.pack; find objects -type f -path '*/??/*' -delete",
    "garbage in a branch": "rm -f packed-refs; mkdir -p refs/heads; echo garbage > refs/heads/main",
    "dangling branch": f"mkdir -p refs/heads; echo {'1' * 40} > refs/heads/main",
    "broken configuration": "echo '[' > config",
    "packs cut": "for f in objects/pack/*.pack; do : > $f; done",
    "indexes cut": "for f in objects/pack/*.idx; do : > $f; done",
    "left by a killed git": (
        "touch packed-refs.lock HEAD.lock config.lock objects/pack/tmp_pack_x;"
        "mkdir -p refs/heads; touch refs/heads/main.lock objects/pack/pack-x.keep"
    ),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("moved_on", [True, False])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_mirror_is_mended(
    repository: Repository, cache: Path, damage: str, *, moved_on: bool, packed: bool
) -> None:
    repository.commit(a="1", b__c="2")
    source = far(repository.path, cache)
    await source.checkout()
    if packed:
        git("-C", str(mirror(cache)), "gc", "-q")
    harm(mirror(cache), DAMAGES[damage])
    expected = {"a.yml": b"1", "b/c.yml": b"2"}
    if moved_on:
        repository.commit(a="3")
        expected["a.yml"] = b"3"
    assert await files(source) == expected
    assert await files(far(repository.path, cache)) == expected
    assert tidy(cache)


async def test_a_mirror_that_is_damaged_between_two_questions_is_mended(
    repository: Repository, cache: Path
) -> None:
    old = repository.commit(a="1" * 1000)
    new = repository.commit(a="2" * 1000)
    source = far(repository.path, cache)
    checkout = await source.checkout()
    for path in mirror(cache).rglob("objects/??/*"):
        path.chmod(0o644)
        path.write_bytes(b"garbage")
    blob = checkout.entries[0].blob
    assert await source.read([blob]) == {blob: b"2" * 1000}
    (mirror(cache) / "HEAD").write_text("")
    assert await source.changed(old, new) == {"a.yml"}
    (mirror(cache) / "HEAD").write_text("")
    assert await source.is_ancestor(old, new)


async def test_what_never_was_there_is_no_reason_to_clone_again(
    repository: Repository, cache: Path
) -> None:
    repository.commit(a="1")
    source = far(repository.path, cache)
    await source.checkout()
    before = mirror(cache).stat().st_ino
    with pytest.raises(SourceRefused):
        await source.read(["1" * 40])
    assert mirror(cache).stat().st_ino == before


async def test_a_damaged_mirror_is_kept_until_there_is_a_better_one(
    repository: Repository, cache: Path
) -> None:
    repository.commit(a="1")
    source = far(repository.path, cache)
    await source.checkout()
    (mirror(cache) / "HEAD").write_text("")
    repository.path.rename(repository.path.with_name("moved"))
    with pytest.raises(SourceRefused) as caught:
        await source.checkout()
    assert caught.value.code is Code.NO_REPOSITORY
    assert mirror(cache).exists()


async def test_a_remote_that_is_damaged_itself(repository: Repository, cache: Path) -> None:
    repository.commit(a="1" * 1000)
    repository.object("HEAD:a.yml").write_bytes(b"garbage")
    with pytest.raises(SourceUnavailable) as caught:
        await far(repository.path, cache).checkout()
    assert caught.value.code is Code.FETCH
    assert [path.suffix for path in everything(cache)] == [".lock"]


async def test_a_cache_that_cannot_be_written(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceUnavailable, match="cannot be kept"):
        await far(repository.path, tmp_path / "file" / "cache").checkout()


async def test_the_lock_is_that_of_the_file_that_others_find(
    repository: Repository, cache: Path
) -> None:
    repository.commit(a="1")
    source = far(repository.path, cache)
    await source.checkout()
    harm(cache, "rm *.lock")
    assert await files(source) == {"a.yml": b"1"}


ASK = """
import asyncio, sys
from pathlib import Path
from stateward.sources.address import remote
from stateward.sources.remote import RemoteSource

async def main():
    url, cache = sys.argv[1:]
    source = RemoteSource(remote(url, schemes=["file", "http"]), cache=Path(cache),
                          revision="HEAD", timeout=30, fetch_timeout=30, limit=1 << 30)
    checkout = await source.checkout()
    await source.read([entry.blob for entry in checkout.entries])
    print(checkout.revision)

asyncio.run(main())
"""


def another(url: str, cache: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ASK, url, str(cache)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def test_processes_share_a_cache(repository: Repository, cache: Path) -> None:
    commit = repository.commit(**{f"f{n}": "x" * n for n in range(200)})
    for _ in ("a first time", "and again"):
        running = [another(repository.url, cache) for _ in range(4)]
        said = [process.communicate()[0] for process in running]
        assert said == [commit.encode() + b"\n"] * 4
        commit = repository.commit(a=commit)
    assert tidy(cache)


async def test_a_smart_server(repository: Repository, cache: Path) -> None:
    repository.commit(a="1")
    with smart(repository.path.parent) as server:
        source = at(f"{server.url}/work/.git", cache)
        assert await files(source) == {"a.yml": b"1"}
        repository.commit(a="2")
        assert await files(source) == {"a.yml": b"2"}
    with pytest.raises(SourceUnavailable, match=r"Failed to connect|refused") as caught:
        await source.checkout()
    assert caught.value.code is Code.FETCH


async def test_a_server_of_files(repository: Repository, cache: Path) -> None:
    repository.commit(a="1")
    repository.git("update-server-info")
    with dumb(repository.path.parent) as server:
        source = at(f"{server.url}/work/.git", cache)
        assert await files(source) == {"a.yml": b"1"}
        repository.commit(a="2")
        repository.git("gc", "-q")
        repository.git("update-server-info")
        assert await files(source) == {"a.yml": b"2"}


async def test_a_server_without_the_repository(tmp_path: Path, cache: Path) -> None:
    with dumb(tmp_path) as server, pytest.raises(SourceRefused, match="not found") as caught:
        await at(f"{server.url}/not-there.git", cache).checkout()
    assert caught.value.code is Code.NO_REPOSITORY


async def test_a_server_that_asks_who_we_are(cache: Path) -> None:
    with (
        Server(401) as server,
        pytest.raises(SourceUnavailable, match=r"give git\.token") as caught,
    ):
        await at(f"{server.url}/private.git", cache).checkout()
    assert caught.value.code is Code.SOURCE_CREDENTIALS


async def test_a_secret_that_a_server_repeats_is_not_printed(cache: Path) -> None:
    to = f"http://user:{CANARY}@127.0.0.1:1/x.git/info/refs?service=git-upload-pack&token={CANARY}"
    with redirecting(to) as server, pytest.raises(SourceUnavailable) as caught:
        await at(f"{server.url}/x.git", cache).checkout()
    assert CANARY not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1:1/x", "ssh://127.0.0.1/x"])
async def test_a_redirect_leads_to_no_other_protocol(cache: Path, to: str) -> None:
    with redirecting(to) as server, pytest.raises(SourceUnavailable):
        await at(f"{server.url}/x.git", cache).checkout()


async def test_a_server_that_never_answers(cache: Path) -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable, match=r"git fetch: not done within 0\.5 s"):
            await at(f"http://127.0.0.1:{port}/x.git", cache, timeout=0.5).checkout()
        # Whoever was connected, a child of git's, has gone as well.
        await gone.wait()


async def test_a_git_that_outlives_us_is_not_disturbed(repository: Repository, cache: Path) -> None:
    commit = repository.commit(a="1")
    with gated(repository.path.parent) as server:
        url = f"{server.url}/work/.git"
        process = another(url, cache)
        await asyncio.to_thread(server.reached.wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with pytest.raises(SourceUnavailable, match="another process held"):
            await at(url, cache, timeout=0.2).checkout()
        server.gate.set()
        assert (await at(url, cache).checkout()).revision == commit
    assert tidy(cache)


def fake_ssh(path: Path, *lines: str) -> Path:
    """An ssh that notes how it was called, and runs the command on this machine."""
    return executable(
        path,
        [
            f'for word in "$@"; do echo "$word" >> {path}.log; last=$word; done',
            *lines,
            f'PATH={os.environ["PATH"]} exec /bin/sh -c "$last"',
        ],
    )


@pytest.mark.parametrize("url", ["ssh://deploy@git.example:2222{}/.git", "deploy@git.example:{}"])
async def test_ssh(
    repository: Repository,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    repository.commit(a="1")
    ssh = fake_ssh(tmp_path / "bin" / "ssh")
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    source = at(url.format(repository.path), cache)
    assert await files(source) == {"a.yml": b"1"}
    assert source.name.removeprefix("ssh://").startswith("git.example:")
    words = said(ssh)
    assert "deploy@git.example" in words
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "ControlPath=none"} <= set(words)


async def test_ssh_with_a_key_of_our_own(
    repository: Repository, cache: Path, tmp_path: Path
) -> None:
    repository.commit(a="1")
    ssh = fake_ssh(tmp_path / "other")
    source = at(
        f"ssh://git@git.example{repository.path}",
        cache,
        environment={"GIT_SSH_COMMAND": f"{ssh} -i /run/secrets/key", "GIT_SSH_VARIANT": "ssh"},
    )
    assert await files(source) == {"a.yml": b"1"}
    assert "/run/secrets/key" in said(ssh)


async def test_what_ssh_said_is_told(cache: Path, tmp_path: Path) -> None:
    ssh = executable(tmp_path / "ssh", ["echo 'Host key verification failed.' >&2", "exit 255"])
    source = at(
        "ssh://git@git.example/x.git",
        cache,
        environment={"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh"},
    )
    with pytest.raises(SourceRefused, match=r"Host key verification failed\.") as caught:
        await source.checkout()
    assert caught.value.code is Code.SOURCE_UNTRUSTED


async def test_a_server_that_says_far_too_much(cache: Path, tmp_path: Path) -> None:
    noise = "\\033]0;title\\007\\r\\n" + "x" * 1000
    ssh = executable(
        tmp_path / "ssh", [f"for i in 1 2 3 4 5 6 7 8 9; do printf '{noise}' >&2; done", "exit 1"]
    )
    source = at(
        "ssh://git@git.example/x.git",
        cache,
        environment={"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh"},
    )
    with pytest.raises(SourceUnavailable) as caught:
        await source.checkout()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


async def test_slips_of_old_tools_are_taken(repository: Repository, cache: Path) -> None:
    repository.commit(a="1")
    tree = repository.git("rev-parse", "HEAD^{tree}")
    top = repository.git(
        "hash-object",
        *("-t", "tree", "-w", "--stdin", "--literally"),
        input=b"040000 d\0" + bytes.fromhex(tree),
    )
    slip = f"tree {top}\nauthor Ada<ada> 1 +00000\ncommitter <ada@example.org> 1 +051800\n\nx\n"
    commit = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", "--literally", input=slip.encode()
    )
    repository.git("update-ref", "refs/heads/main", commit)
    assert await files(far(repository.path, cache)) == {"d/a.yml": b"1"}


async def test_cleaning_up_may_fail(
    repository: Repository,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    repository.commit(a="1")
    real = shutil.which("git")
    wrapper = executable(
        tmp_path / "bin" / "git",
        ['case " $* " in *" gc "*) echo "fatal: no space" >&2; exit 1;; esac', f'exec {real} "$@"'],
    )
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    assert await files(far(repository.path, cache)) == {"a.yml": b"1"}
    assert "not cleaned up: no space" in caplog.text


async def test_history_that_fsck_complains_of_is_not_taken(
    repository: Repository, cache: Path
) -> None:
    repository.commit(a="1")
    blob = repository.git("rev-parse", "HEAD:a.yml")
    entry = b"100644 ..\0" + bytes.fromhex(blob)
    tree = repository.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", input=entry)
    commit = repository.git("commit-tree", tree, "-m", "x")
    repository.git("update-ref", "refs/heads/main", commit)
    with pytest.raises(SourceUnavailable, match=r"fsck|hasDotdot"):
        await far(repository.path, cache).checkout()
