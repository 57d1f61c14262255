"""The tracking library for scripts that do not await: the same code, in a thread of its own.

``with stateward.sync.connect(…) as client, client.start_tracking(…) as session: …``. Each client
has a thread with an event loop, so that it works beside a loop that is running, too, and from
several threads.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from threading import Thread
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from stateward.model.identity import ObjectKey
from stateward.tracking import client as waiting_client
from stateward.tracking import library as waiting
from stateward.tracking.outcome import SessionReport
from stateward.wiring import connect as wiring

__all__ = ["Batch", "Client", "TrackingSession", "connect"]

A = TypeVar("A")
R = TypeVar("R")
P = ParamSpec("P")


class _Loop:
    """An event loop in a thread; it ends with ``close``, or with the program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="stateward", daemon=True)
        self._thread.start()

    def run(self, call: Coroutine[Any, Any, R]) -> R:
        """Wait for a call; one that is interrupted has ended when this returns.

        The interrupt may come at any moment, before it is known here that the call goes on.
        """
        try:
            return asyncio.run_coroutine_threadsafe(call, self._loop).result()
        except KeyboardInterrupt:
            asyncio.run_coroutine_threadsafe(_end_all(), self._loop).result()
            raise

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end_all() -> None:
    """End what goes on: who interrupts a program means all of it."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for own in others:
        own.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Face(Generic[A]):
    """What stands for an object of the library, and the loop that it lives in."""

    def __init__(self, own: A, loop: _Loop) -> None:
        self._own = own
        self._loop = loop


def wait_for(face: _Face[A], call: Callable[[A], Coroutine[Any, Any, R]]) -> R:
    """Wait for what is done with the object that a face stands for."""
    return face._loop.run(call(face._own))  # noqa: SLF001 - of this module


def _blocking(
    call: Callable[Concatenate[A, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[_Face[A], P], R]:
    """Return a method that waits for one of the library."""

    @wraps(call)
    def method(face: _Face[A], /, *given: P.args, **more: P.kwargs) -> R:
        return face._loop.run(call(face._own, *given, **more))  # noqa: SLF001 - of this module

    return method


class Batch(_Face[waiting.Batch]):
    """Objects that are written together: see ``stateward.tracking.library.Batch``."""

    def create(self, kind: str, data: waiting.Data) -> None:
        self._own.create(kind, data)

    def upsert(self, kind: str, data: waiting.Data) -> None:
        self._own.upsert(kind, data)

    execute = _blocking(waiting.Batch.execute)


class TrackingSession(_Face[waiting.TrackingSession]):
    """Writes of one script: see ``stateward.TrackingSession``."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.run(self._own.__aexit__(kind, error, trace))

    def start(self) -> Self:
        self._loop.run(self._own.start())
        return self

    def batch(self) -> Batch:
        return Batch(self._own.batch(), self._loop)

    @property
    def group(self) -> str:
        return self._own.group

    @property
    def kinds(self) -> frozenset[str]:
        return self._own.kinds

    @property
    def report(self) -> SessionReport:
        return self._own.report

    @property
    def members(self) -> Mapping[str, ObjectKey]:
        return self._own.members

    @property
    def previous_members(self) -> frozenset[str]:
        return self._own.previous_members

    @property
    def unused_members(self) -> frozenset[str]:
        return self._own.unused_members

    abandon = _blocking(waiting.TrackingSession.abandon)
    add_members = _blocking(waiting.TrackingSession.add_members)
    all = _blocking(waiting.TrackingSession.all)
    create = _blocking(waiting.TrackingSession.create)
    delete = _blocking(waiting.TrackingSession.delete)
    end = _blocking(waiting.TrackingSession.end)
    filters = _blocking(waiting.TrackingSession.filters)
    get = _blocking(waiting.TrackingSession.get)
    preview = _blocking(waiting.TrackingSession.preview)
    relate = _blocking(waiting.TrackingSession.relate)
    remove_members = _blocking(waiting.TrackingSession.remove_members)
    rollback = _blocking(waiting.TrackingSession.rollback)
    unrelate = _blocking(waiting.TrackingSession.unrelate)
    update = _blocking(waiting.TrackingSession.update)
    upsert = _blocking(waiting.TrackingSession.upsert)


def _session(
    call: Callable[Concatenate[waiting_client.Client, P], waiting.TrackingSession],
) -> Callable[Concatenate["Client", P], TrackingSession]:
    @wraps(call)
    def method(client: "Client", /, *given: P.args, **more: P.kwargs) -> TrackingSession:
        return TrackingSession(call(client._own, *given, **more), client._loop)  # noqa: SLF001

    return method


class Client(_Face[waiting_client.Client]):
    """A connection to one target: see ``stateward.Client``."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close, and end the thread."""
        try:
            self._loop.run(self._own.close())
        finally:
            self._loop.close()

    all = _blocking(waiting_client.Client.all)
    filters = _blocking(waiting_client.Client.filters)
    get = _blocking(waiting_client.Client.get)
    history = _blocking(waiting_client.Client.history)
    interrupted = _blocking(waiting_client.Client.interrupted)
    open = _blocking(waiting_client.Client.open)
    preview_rollback = _blocking(waiting_client.Client.preview_rollback)
    resume = _blocking(waiting_client.Client.resume)
    rollback = _blocking(waiting_client.Client.rollback)
    start_tracking = _session(waiting_client.Client.start_tracking)


def _client(call: Callable[P, waiting_client.Client]) -> Callable[P, Client]:
    @wraps(call)
    def function(*given: P.args, **more: P.kwargs) -> Client:
        return Client(call(*given, **more), _Loop())

    return function


connect = _client(wiring.connect)
connect_as = _client(wiring.connect_as)
