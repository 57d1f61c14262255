"""From a client of the SDK to a session that writes for it."""

from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Any, Generic, TypedDict, TypeVar, Unpack, overload

from infrahub_sdk import InfrahubClient, InfrahubClientSync

from stateward import sync
from stateward.errors import Code, ConfigError
from stateward.model.plan import Plan
from stateward.model.run import Report
from stateward.model.unit import Limits
from stateward.sdk import carrying, statements
from stateward.sdk.context import GroupContext, GroupContextSync, taken_over
from stateward.tracking.client import Client
from stateward.tracking.library import OnError, TrackingSession
from stateward.tracking.outcome import SessionReport
from stateward.wiring.connect import connect_as
from stateward.wiring.targets import Said

_NAME = "python-sdk"
"""What the SDK calls a session that nobody has named."""
S = TypeVar("S", TrackingSession, sync.TrackingSession)


class _Taking(Generic[S]):
    """What both ways of tracking a client of the SDK have in common."""

    session: S
    _branch: str
    _ended: bool = False

    @property
    def report(self) -> SessionReport:
        return self.session.report

    def _said(
        self, query: str, variables: dict[str, Any] | None, branch: str | None
    ) -> list[statements.Statement] | None:
        """Return what a document writes, for the session to write; it writes to one branch."""
        said = statements.read(query, variables, self.session.kinds)
        if said is not None and branch not in {None, self._branch}:
            message = f"a write to branch {branch}, in a session on branch {self._branch}"
            raise ConfigError(f"{message}: name that branch, or track a clone", code=Code.SESSION)
        return said


class Tracked(_Taking[TrackingSession]):
    """A client of the SDK whose objects are written by a session.

    As a context manager it begins and ends by itself; else by ``start`` and ``end``.
    """

    def __init__(
        self, client: InfrahubClient, connection: Client, session: TrackingSession, branch: str
    ) -> None:
        self.session = session
        self._client = client
        self._connection = connection
        self._branch = branch
        self._ask = client.execute_graphql
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> InfrahubClient:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with self._stack:
            if not self._ended:
                await self.session.__aexit__(kind, error, trace)

    async def start(self) -> InfrahubClient:
        """Begin; returns the client, whose objects the session writes from now on."""
        async with AsyncExitStack() as stack:
            context = GroupContext(self._client, self._enrol, self._end)
            stack.push_async_callback(self._connection.close)
            stack.enter_context(taken_over(self._client, context, self._execute))
            await self.session.start()
            self._stack = stack.pop_all()
        return self._client

    async def end(self, *, allow_deletes: int | None = None) -> SessionReport:
        """Prune, if that was asked for, and give the client back."""
        async with self._stack:
            return await self._end(allow_deletes=allow_deletes)

    async def rollback(self) -> tuple[Plan, Report]:
        """Take back what was written, and give the client back."""
        async with self._stack:
            return await self.session.rollback()

    async def _end(self, *, allow_deletes: int | None = None) -> SessionReport:
        self._ended = True
        return await self.session.end(allow_deletes=allow_deletes)

    async def _enrol(self, ids: list[str], track: bool | None) -> None:
        await carrying.enrol(self.session, ids, track=track)

    async def _execute(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        branch_name: str | None = None,
        *given: Any,
        **more: Any,
    ) -> dict[str, Any]:
        said = self._said(query, variables, branch_name)
        if said is None:
            return await self._ask(query, variables, branch_name, *given, **more)
        answer: dict[str, Any] = {}
        for own, node in zip(said, await carrying.carry_out(self.session, said), strict=True):
            asked = own.question(node)
            found = await self._ask(asked, branch_name=self._branch) if asked else None
            answer[own.name] = own.answer(node, found)
        return answer


class TrackedSync(_Taking[sync.TrackingSession]):
    """The same for a client that does not await."""

    def __init__(
        self,
        client: InfrahubClientSync,
        connection: sync.Client,
        session: sync.TrackingSession,
        branch: str,
    ) -> None:
        self.session = session
        self._client = client
        self._connection = connection
        self._branch = branch
        self._ask = client.execute_graphql
        self._stack = ExitStack()

    def __enter__(self) -> InfrahubClientSync:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if not self._ended:
                self.session.__exit__(kind, error, trace)

    def start(self) -> InfrahubClientSync:
        with ExitStack() as stack:
            context = GroupContextSync(self._client, self._enrol, self._end)
            stack.callback(self._connection.close)
            stack.enter_context(taken_over(self._client, context, self._execute))
            self.session.start()
            self._stack = stack.pop_all()
        return self._client

    def end(self, *, allow_deletes: int | None = None) -> SessionReport:
        with self._stack:
            return self._end(allow_deletes=allow_deletes)

    def rollback(self) -> tuple[Plan, Report]:
        with self._stack:
            return self.session.rollback()

    def _end(self, *, allow_deletes: int | None = None) -> SessionReport:
        self._ended = True
        return self.session.end(allow_deletes=allow_deletes)

    def _enrol(self, ids: list[str], track: bool | None) -> None:
        sync.wait_for(self.session, lambda own: carrying.enrol(own, ids, track=track))

    def _execute(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        branch_name: str | None = None,
        *given: Any,
        **more: Any,
    ) -> dict[str, Any]:
        said = self._said(query, variables, branch_name)
        if said is None:
            return self._ask(query, variables, branch_name, *given, **more)
        nodes = sync.wait_for(self.session, lambda own: carrying.carry_out(own, said))
        answer: dict[str, Any] = {}
        for own, node in zip(said, nodes, strict=True):
            asked = own.question(node)
            found = self._ask(asked, branch_name=self._branch) if asked else None
            answer[own.name] = own.answer(node, found)
        return answer


class Given(TypedDict, total=False):
    """What a session may be given: the SDK's own arguments, and those of a session here."""

    delete_unused_nodes: bool
    group_type: str | None
    group_params: Mapping[str, Any] | None
    limits: Limits | None
    on_error: OnError


Params = Mapping[str, Any] | None


@overload
def tracked(
    client: InfrahubClient,
    identifier: str | None = ...,
    params: Params = ...,
    *,
    branch: str | None = ...,
    state: str | None = ...,
    **given: Unpack[Given],
) -> Tracked: ...


@overload
def tracked(
    client: InfrahubClientSync,
    identifier: str | None = ...,
    params: Params = ...,
    *,
    branch: str | None = ...,
    state: str | None = ...,
    **given: Unpack[Given],
) -> TrackedSync: ...


def tracked(
    client: InfrahubClient | InfrahubClientSync,
    identifier: str | None = None,
    params: Params = None,
    *,
    branch: str | None = None,
    state: str | None = None,
    **given: Unpack[Given],
) -> Tracked | TrackedSync:
    """Have a session write what a script of the SDK writes; the arguments are the SDK's own.

    In place of ``client.start_tracking(…)``, and used as that is. ``limits`` and ``on_error`` are
    those of a session, ``state`` is where the journal is kept: see ``stateward.connect``.
    """
    name = identifier or client.identifier or _NAME
    own = branch or client.default_branch
    said = _said(client, own)
    if isinstance(client, InfrahubClientSync):
        face = sync.connect_as(client.address, said, state=state)
        return TrackedSync(client, face, face.start_tracking(name, params, **given), own)
    connection = connect_as(client.address, said, state=state)
    return Tracked(client, connection, connection.start_tracking(name, params, **given), own)


def _said(client: InfrahubClient | InfrahubClientSync, branch: str) -> Said:
    """Return how the client talks to its server."""
    config = client.config
    mounts = config.proxy_mounts
    return Said(
        token=config.api_token,
        username=config.username,
        password=config.password,
        branch=branch,
        proxy=config.proxy or mounts.https or mounts.http,
        ca_file=config.tls_ca_file,
    )
