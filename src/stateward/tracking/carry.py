"""Carrying changes out: level by level, in batches, and honest about what did not work."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from stateward.model.plan import PRUNING, Change
from stateward.tracking.ledger import Ledger
from stateward.tracking.session import Result, Tracking

Progress = Callable[[int, int], None]
"""Is told how many changes are through, of how many, the first time before anything is written.

It may raise ``Transient``: the round ends there, with all that is through written down.
"""
Send = Callable[[Sequence[Change]], Awaitable[list[Result]]]
T = TypeVar("T")


@dataclass(slots=True)
class Carrier:
    """Carries changes out through one tracking session; the ledger takes in what came of them."""

    tracking: Tracking
    ledger: Ledger
    batch: int
    in_flight: int
    progress: Progress = lambda _through, _of: None
    _through: int = 0

    async def carry(self, changes: Sequence[Change]) -> None:
        """Carry out ordered changes: each level once the one before is through."""
        writes = [own for own in changes if own.action not in PRUNING]
        last = writes[-1].level if writes else None
        remembered = False
        for level, group in groupby(changes, key=lambda change: change.level):
            own = list(group)
            if not remembered and any(change.action in PRUNING for change in own):
                await self.tracking.remember([one for one in changes if one.action in PRUNING])
                remembered = True
            possible = await self._possible(own, self.ledger.hindrance)
            await self._send(possible, self._begin, len(changes))
            if level == last:
                failed = self.ledger.failed
                deferred = [own for own in writes if own.deferred and own.key not in failed]
                await self._send(deferred, self.tracking.apply_deferred, None)

    async def _begin(self, changes: Sequence[Change]) -> list[Result]:
        """Apply what was not stopped since by what was refused meanwhile."""
        going = await self._possible(changes, self.ledger.stop)
        return await self.tracking.apply(going) if going else []

    async def _possible(
        self, changes: Sequence[Change], hindrance: Callable[[Change], str | None]
    ) -> list[Change]:
        """Return the changes that nothing hinders, and skip the others."""
        possible: list[Change] = []
        skipped: list[tuple[Change, str]] = []
        for change in changes:
            reason = hindrance(change)
            if reason is None:
                possible.append(change)
            else:
                self.ledger.skip(change, reason)
                skipped.append((change, reason))
        if skipped:
            await self.tracking.skip(skipped)
        return possible

    async def _send(self, changes: Sequence[Change], send: Send, total: int | None) -> None:
        """Send changes that do not need each other in batches, some of them at once.

        The second part of a change in two writes, which has no ``total``, counts only where it
        fails. After an error no other batch is begun, and those under way end.
        """
        waiting = deque(lots(changes, self.batch))

        async def one_by_one() -> None:
            try:
                while waiting:
                    lot = waiting.popleft()
                    for result in await send(lot):
                        if total is not None or result.refusal is not None:
                            self.ledger.take(result)
                    if total is not None:
                        self._through += len(lot)
                        self.progress(self._through, total)
            except BaseException:
                waiting.clear()
                raise

        senders = (one_by_one() for _ in range(self.in_flight))
        for answer in await asyncio.gather(*senders, return_exceptions=True):
            if answer is not None:
                raise answer


def lots(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield items in lots of a size, the last one being what is left."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
