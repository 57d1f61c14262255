"""What a target remembers between two looks, in this process and, if it has a memory, in the next."""

from collections.abc import Callable

from stateward.heap import undisturbed
from stateward.ports import Memory, Recall
from stateward.targets.infrahub import seen
from stateward.targets.infrahub.seen import Seen

_APART = 60.0
"""Seconds between two times that it is written down: a process that is killed has lost so much."""


class Recollection:
    """One branch's. Losing any of it costs reading it again."""

    def __init__(self, branch: str, memory: Memory | None, clock: Callable[[], float]) -> None:
        self._branch = branch
        self._memory = memory
        self._seen: dict[str, Seen] = {}
        self._unwritten: dict[str, Seen] = {}
        self._written = -_APART
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

    def keep(self, asked: Recall, found: Seen) -> None:
        """Keep it for the next look of this process; ``write_down`` does for the next process."""
        if self._seen.get(asked.name) is not found:
            self._seen[asked.name] = self._unwritten[asked.name] = found

    async def write_down(self) -> None:
        """Give what is kept to the memory, if that was not just done: it is as large as all there is."""
        if self._memory is None or abs(self.clock() - self._written) < _APART:
            return
        self._written = self.clock()
        while self._unwritten:
            name, found = next(iter(self._unwritten.items()))
            with undisturbed():
                content = seen.encode(found)
            await self._memory.keep(self._full(name), content)
            if self._unwritten.get(name) is found:
                del self._unwritten[name]

    def _full(self, name: str) -> str:
        return f"{self._branch} {name}"
