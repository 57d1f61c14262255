"""What a target remembers between two looks, in this process and, if it has a memory, in the next."""

from collections.abc import Callable

from stateward.ports import Memory, Recall
from stateward.targets.infrahub import seen
from stateward.targets.infrahub.seen import Seen


class Recollection:
    """One branch's. Losing any of it costs reading it again."""

    def __init__(self, branch: str, memory: Memory | None, clock: Callable[[], float]) -> None:
        self._branch = branch
        self._memory = memory
        self._seen: dict[str, Seen] = {}
        self.clock = clock

    async def recall(self, asked: Recall | None, schema: str) -> Seen | None:
        """Return what may be relied on, if anything may."""
        if asked is None or asked.max_age <= 0:
            return None
        found = self._seen.get(asked.name) or await self._remembered(asked.name)
        if found is None or found.schema != schema or not found.covers(self.clock(), asked.max_age):
            return None
        return found

    async def _remembered(self, name: str) -> Seen | None:
        content = await self._memory.recall(self._full(name)) if self._memory else None
        return seen.decode(content) if content is not None else None

    async def keep(self, asked: Recall, found: Seen) -> None:
        if self._seen.get(asked.name) is found:
            return
        self._seen[asked.name] = found
        if self._memory is not None:
            await self._memory.keep(self._full(asked.name), seen.encode(found))

    def _full(self, name: str) -> str:
        return f"{self._branch} {name}"
