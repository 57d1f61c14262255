"""Programs that are slow, loud, killed or missing, and what is left of them: nothing."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from repositories import Repository, executable, far
from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources import process
from stateward.sources.folder import FolderSource
from stateward.sources.git import HOME, Git
from stateward.sources.process import Command
from stateward.sources.repository import RepositorySource

FOREVER = 60.0


def command(*argv: str, timeout: float = FOREVER, given: bytes = b"") -> Command:
    return Command(
        argv=argv, environment={"PATH": os.environ["PATH"]}, timeout=timeout, input=given
    )


class Slow:
    """A git that never ends, and has a child that does not either.

    Both hold a pipe open for writing: who reads it hears when they have started, and comes to
    its end when the last of them is gone.
    """

    def __init__(self, path: Path, *lines: str) -> None:
        self._pipe = path / "alive"
        os.mkfifo(self._pipe)
        self.directory = path / "bin"
        executable(
            self.directory / "git",
            [f"exec 9>{self._pipe}", *lines, "/bin/sleep 1000 &", "echo started >&9", "wait"],
        )
        self.started = asyncio.Event()

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()

        def read() -> None:
            with self._pipe.open("rb", buffering=0) as pipe:
                while pipe.read(100):
                    loop.call_soon_threadsafe(self.started.set)

        await asyncio.to_thread(read)

    def release(self) -> None:
        """Let the watcher go, should the program have been killed before it came to the pipe."""
        with suppress(OSError):
            os.close(os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK))


def no_children() -> bool:
    """Whether this process has no child, not even a dead one that nobody has looked at."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow(tmp_path)
    monkeypatch.setenv("PATH", str(made.directory))
    return made


@pytest.fixture(params=["repository", "remote", "folder"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[float], object]:
    repository = Repository(tmp_path / "work")
    repository.commit(a="1")

    async def run(timeout: float) -> None:  # noqa: ASYNC109
        await {
            "repository": RepositorySource(repository.path, revision="HEAD", timeout=timeout),
            "remote": far(repository.path, tmp_path / "cache", timeout=timeout),
            "folder": FolderSource(repository.path, timeout=timeout),
        }[request.param].checkout()

    return run


async def test_what_takes_too_long_is_killed_with_its_children(
    ask: Callable[[float], asyncio.Future[None]], slow: Slow
) -> None:
    watching = asyncio.create_task(slow.watch())
    with pytest.raises(SourceUnavailable, match=r"not done within 0\.3 s") as caught:
        await ask(0.3)
    assert caught.value.code is Code.FETCH
    slow.release()
    await watching
    assert no_children()


async def test_what_is_cancelled_is_killed_with_its_children(
    ask: Callable[[float], asyncio.Future[None]], slow: Slow
) -> None:
    watching = asyncio.create_task(slow.watch())
    asking = asyncio.ensure_future(ask(FOREVER))
    await slow.started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await watching
    assert no_children()


@pytest.mark.parametrize("turns", range(12))
async def test_cancelling_at_any_moment_leaves_nothing(turns: int) -> None:
    asking = asyncio.create_task(process.run(command("/bin/sleep", "1000")))
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert no_children()


async def test_a_child_that_holds_the_pipes_does_not_outlive_the_deadline(tmp_path: Path) -> None:
    orphaning = Slow(tmp_path)
    script = executable(
        tmp_path / "orphaning", [f"exec 9>{tmp_path}/alive", "/bin/sleep 1000 &", "echo up >&9"]
    )
    watching = asyncio.create_task(orphaning.watch())
    with pytest.raises(TimeoutError):
        await process.run(command(str(script), timeout=0.3))
    orphaning.release()
    await watching
    assert no_children()


async def test_one_that_left_the_group_keeps_nobody_waiting() -> None:
    script = (
        "import os, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    sys.stdout.write(str(os.getpid())); sys.stdout.flush()\n"
        "    import time; time.sleep(1000)\n"
    )
    heard = bytearray()
    spoke = asyncio.Event()

    def hear(piece: bytes) -> None:
        heard.extend(piece)
        spoke.set()

    running = asyncio.create_task(process.run(command(sys.executable, "-c", script), hear))
    await spoke.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    os.kill(int(heard), 9)
    assert no_children()


async def test_one_that_never_stops_talking_is_stopped() -> None:
    with pytest.raises(process.OutputTooLong):
        await process.run(command("/bin/sh", "-c", "while :; do cat /bin/sh; done"))
    assert no_children()


async def test_a_lot_in_both_directions_at_once() -> None:
    given = os.urandom(1 << 20) * 8
    ended = await process.run(command("/bin/cat", given=given))
    assert (ended.status, ended.output, ended.errors) == (0, given, b"")


async def test_one_that_does_not_listen_is_no_error() -> None:
    ended = await process.run(command("/bin/echo", "hello", given=b"x" * (1 << 20)))
    assert (ended.status, ended.output) == (0, b"hello\n")


async def test_only_the_end_of_a_long_complaint_is_kept() -> None:
    script = "import sys; sys.stderr.write('x' * 10_000_000 + 'the end'); sys.exit(3)"
    ended = await process.run(command(sys.executable, "-c", script))
    assert ended.status == 3
    assert len(ended.errors) == process.ERRORS_KEPT
    assert ended.errors.endswith(b"xthe end")


async def test_many_at_once() -> None:
    ended = await asyncio.gather(*(process.run(command("/bin/echo", str(n))) for n in range(40)))
    assert [one.output for one in ended] == [b"%d\n" % n for n in range(40)]


@pytest.mark.parametrize("mode", [None, 0o644])
async def test_what_cannot_be_run(tmp_path: Path, mode: int | None) -> None:
    program = tmp_path / "program"
    if mode is not None:
        program.write_text("#!/bin/sh\n")
        program.chmod(mode)
    with pytest.raises(process.ProgramMissing):
        await process.run(command(str(program)))


async def test_a_program_without_an_interpreter(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/not/there\n")
    program.chmod(0o755)
    with pytest.raises(process.ProgramMissing):
        await process.run(command(str(program)))


async def test_a_git_that_cannot_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (executable(tmp_path / "git", [])).write_bytes(b"\x7fELF, or not")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="cannot be started"):
        await Git(timeout=FOREVER).run("version")


async def test_a_git_that_is_killed_is_asked_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "git", ["kill -9 $$"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="git rev-parse: killed by signal 9"):
        await Git(timeout=FOREVER).run("-C", str(tmp_path), "rev-parse", "HEAD")


async def test_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    monkeypatch.setattr(os, "defpath", "/not-there")
    with pytest.raises(SourceRefused, match="not on the PATH") as caught:
        await Git(timeout=FOREVER).run("version")
    assert caught.value.code is Code.NO_GIT


async def test_what_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "git", ["/usr/bin/env", "echo HERE=$(pwd)"])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/wrong")
    monkeypatch.setenv("INFRAHUB_API_TOKEN", "CANARY")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    git = Git(timeout=FOREVER, protocols=("https",), environment={"GIT_ASKPASS": "/askpass"})
    told = dict(
        line.split("=", 1) for line in (await git.run("version")).text.splitlines() if "=" in line
    )
    assert told["GIT_ALLOW_PROTOCOL"] == "https"
    assert told["GIT_ASKPASS"] == "/askpass"
    assert told["HTTPS_PROXY"] == "http://proxy:3128"
    assert told["SSH_AUTH_SOCK"] == "/agent"
    assert told["HERE"] == "/"
    assert "StrictHostKeyChecking=yes" in told["GIT_SSH_COMMAND"]
    assert "GIT_DIR" not in told
    assert "CANARY" not in str(told)
    assert told["HOME"] == str(HOME)
    assert [path.name for path in HOME.iterdir()] == [".gitconfig"]
