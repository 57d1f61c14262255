"""Run one program to its end: fed, read, timed and, if need be, killed with all its children.

The only place of the sources that starts a process. It knows nothing of git.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from stateward.errors import SourceUnavailable

ERRORS_KEPT = 32 * 1024
"""Bytes of standard error that are kept, from its end: a server may send any amount of it."""

OUTPUT_KEPT = 64 * 1024 * 1024
"""Bytes of output that are kept in memory: a small repository can list itself without end."""

REAP = 5.0
"""Seconds to wait for a killed process to go. Only one stuck in the kernel takes longer."""


class ProgramMissing(Exception):
    """The program is not on the search path, or cannot be executed."""


class OutputTooLong(Exception):
    """The program said more than anybody wants to hear, and was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. ``timeout`` is in seconds, for the whole of it; descriptors are inherited."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    timeout: float
    input: bytes = b""
    descriptors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended: the exit status (negative: the signal that ended it) and what it said."""

    status: int
    output: bytes
    errors: bytes


class _Conversation(asyncio.SubprocessProtocol):
    """The program's pipes.

    A protocol rather than asyncio's streams: what a stream has paused never sees the end of a
    killed program, and ``Process.wait`` waits for that end (python/cpython#119710).
    """

    def __init__(self, sink: Callable[[bytes], object] | None) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.enough: asyncio.Future[None] = loop.create_future()
        self.output = bytearray()
        self.errors = bytearray()
        self.too_long = False
        self._sink = sink or self._keep

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._sink(data)
        else:
            self.errors += data
            del self.errors[:-ERRORS_KEPT]

    def _keep(self, data: bytes) -> None:
        if len(self.output) + len(data) <= OUTPUT_KEPT:
            self.output += data
        elif not self.too_long:
            self.too_long = True
            self.enough.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the program has exited and that both of its pipes have come to their end."""
        del exc
        for heard in (self.ended, self.enough):
            if not heard.done():
                heard.set_result(None)


async def run(command: Command, sink: Callable[[bytes], object] | None = None) -> Ended:
    """Run a program, and return when it has exited and everything it said is read.

    Output goes to ``sink`` as it comes, if there is one; it must not raise. Raises
    ``ProgramMissing``, ``OSError`` where no process can be made, ``TimeoutError``,
    ``OutputTooLong``. However this ends, nothing that the program started is left behind.
    """
    async with asyncio.timeout(command.timeout):
        transport, conversation = await _start(command, sink)
        try:
            stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
            if not stdin.is_closing():  # it may have ended already, without listening
                stdin.write(command.input)
                stdin.close()
            await asyncio.shield(conversation.enough)
        finally:
            await _end(transport, conversation)
    if conversation.too_long:
        raise OutputTooLong
    return Ended(
        status=transport.get_returncode() or 0,
        output=bytes(conversation.output),
        errors=bytes(conversation.errors),
    )


async def ended(
    called: str, command: Command, sink: Callable[[bytes], object] | None = None
) -> Ended:
    """Run a program to its end; what it is called is for messages.

    Raises ``SourceUnavailable`` when it took too long, was killed, or could not be started, and
    what ``run`` raises besides.
    """
    try:
        found = await run(command, sink)
    except TimeoutError as error:
        raise SourceUnavailable(
            f"{called}: not done within {command.timeout:g} s: it was stopped"
        ) from error
    except OSError as error:
        raise SourceUnavailable(f"{called}: cannot be started: {error.strerror}") from error
    if found.status < 0:
        raise SourceUnavailable(f"{called}: killed by signal {-found.status}")
    return found


async def _start(
    command: Command, sink: Callable[[bytes], object] | None
) -> tuple[asyncio.SubprocessTransport, _Conversation]:
    environment = dict(command.environment)
    program = shutil.which(command.argv[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise ProgramMissing(command.argv[0])
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            lambda: _Conversation(sink),
            program,
            *command.argv[1:],
            env=environment,
            cwd="/",  # arguments name directories: where we happen to stand must not matter
            start_new_session=True,  # a process group of its own, to be killed as one
            pass_fds=command.descriptors,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Cancelling half a start can hang (python/cpython#125502): let it start, then end it.
        with suppress(OSError):
            await _end(*await starting)
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise ProgramMissing(program) from error


async def _end(transport: asyncio.SubprocessTransport, conversation: _Conversation) -> None:
    """Kill what is still there of the program's group, and reap the program."""
    try:
        if not conversation.ended.done():
            # The program may be gone and a child of it hold the pipes: the group outlives it.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            for descriptor in (0, 1, 2):
                pipe = transport.get_pipe_transport(descriptor)
                if pipe is not None:
                    pipe.close()
            await asyncio.wait([conversation.ended], timeout=REAP)
    finally:
        transport.close()
