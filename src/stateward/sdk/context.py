"""What the SDK tells its group context, told to a session; what is restored when it ends."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from infrahub_sdk import InfrahubClient, InfrahubClientSync
from infrahub_sdk.constants import InfrahubClientMode
from infrahub_sdk.query_groups import InfrahubGroupContext, InfrahubGroupContextSync

from stateward.errors import Code, ConfigError

Enrol = Callable[[list[str], bool | None], Awaitable[None]]
EnrolSync = Callable[[list[str], bool | None], None]


class GroupContext(InfrahubGroupContext):
    """The group context of a client whose objects a session writes."""

    def __init__(
        self, client: InfrahubClient, enrol: Enrol, end: Callable[[], Awaitable[Any]]
    ) -> None:
        super().__init__(client)
        self._enrol = enrol
        self._end = end

    async def add_related_nodes(
        self, ids: list[str], update_group_context: bool | None = None
    ) -> None:
        await self._enrol(ids, update_group_context)

    add_related_groups = add_related_nodes

    async def update_group(self) -> None:
        """End the session: so does a script that manages its group by hand."""
        await self._end()


class GroupContextSync(InfrahubGroupContextSync):
    """The same, of a client that does not await."""

    def __init__(
        self, client: InfrahubClientSync, enrol: EnrolSync, end: Callable[[], Any]
    ) -> None:
        super().__init__(client)
        self._enrol = enrol
        self._end = end

    def add_related_nodes(self, ids: list[str], update_group_context: bool | None = None) -> None:
        self._enrol(ids, update_group_context)

    add_related_groups = add_related_nodes

    def update_group(self) -> None:
        self._end()


@contextmanager
def taken_over(
    client: Any, context: GroupContext | GroupContextSync, execute: Callable[..., Any]
) -> Iterator[None]:
    """Have a client, and all objects that it has handed out, write by other means for a while."""
    if isinstance(client.group_context, GroupContext | GroupContextSync):
        message = "this client of the SDK is tracked already: track a clone of it, client.clone()"
        raise ConfigError(message, code=Code.SESSION)
    before = vars(client).copy()
    client.mode, client.group_context = InfrahubClientMode.TRACKING, context
    # Objects of the SDK write through their client, and it by this one method.
    client.execute_graphql = execute
    try:
        yield
    finally:
        client.mode, client.group_context = before["mode"], before["group_context"]
        del client.execute_graphql
        if "execute_graphql" in before:  # the script had put one in its place, too
            client.execute_graphql = before["execute_graphql"]
