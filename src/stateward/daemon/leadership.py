"""One daemon at work, the others standing by: an election by a lease that has to be renewed.

No clock is compared with another one. Whoever leads counts from before it asked for a renewal, and
whoever stands by from after it has seen one; the leader's time is the shorter one, so that it has
stopped before anybody else begins. Time goes on while a process, or the whole machine, is asleep.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from stateward.daemon.means import Emit
from stateward.errors import LeaseLost, LeaseUnavailable
from stateward.model.event import Action, Level, event
from stateward.model.tenure import Tenure
from stateward.ports import Lease

_LEADS = 1 / 2
"""The part of the lease time for which a leader relies on one renewal."""
_WAITS = 2 / 3
"""The part of it for which others wait after one."""
_LOOKS = 1 / 10
"""The part of it after which a lease is renewed, or looked at again."""
_SPREAD = 0.2
"""Up to this part sooner, by chance, so that candidates do not all come at once."""


@dataclass(slots=True, kw_only=True)
class Leadership:
    """The lead of one target, as one daemon has it or wants it.

    Its steps may be taken in a thread of their own: all others do no more than look whether the lead
    is held, and tell that the target shows a later term.
    """

    lease: Lease
    name: str
    within: float
    """Seconds until another one has taken over from a leader that is not heard of any more."""
    clock: Callable[[], float]
    random: Callable[[], float]
    emit: Emit
    term: int = 0
    """The term that we lead in, or led in last."""
    leader: str | None = None
    """Who was seen to lead."""
    tell: Callable[[bool], None] = lambda _leads: None
    """Is told when the lead is ours, and when it is not any more."""
    runs: bool = False
    """Whether we would lead if we could: not before all that we did in an earlier term has ended."""
    _leads: bool = False
    _seen: Tenure | None = None
    _since: float = -inf
    """When the lease was first seen as it is."""
    _until: float = -inf
    _outdone: int = 0
    """The highest term of others that the target has shown."""
    _silent: bool = False

    @property
    def held(self) -> bool:
        """Whether we lead, at this moment."""
        return self.clock() < self._until and self._outdone <= self.term

    def check(self, seen: int = 0) -> None:
        """Raise ``LeaseLost`` unless we lead; a later term that was ``seen`` ends it."""
        self._outdone = max(self._outdone, seen)
        if not self.held:
            message = f"term {self.term} is over: whoever leads now does what is not done"
            raise LeaseLost(message)

    async def campaigning(self) -> None:
        """Renew the lease, or wait for it, until cancelled."""
        while True:
            pause = await self.step()
            await asyncio.sleep(pause)

    async def step(self) -> float:
        """Do what is to be done now; return the seconds until the next step."""
        self._notice()
        try:
            async with asyncio.timeout(self._left if self._leads else self.within):
                await (self._renew() if self._leads else self._look())
            self._silent = False
        except (LeaseUnavailable, TimeoutError) as error:
            self._tell_silence(str(error) or "the lease does not answer")
        self._notice()
        pause = self.within * _LOOKS * (1 - _SPREAD * self.random())
        return min(pause, self._left)

    async def end(self, *, resign: bool = True) -> None:
        """Lead no more; give the lead back, if so, that nobody has to wait for it."""
        if resign and self.held:
            free = Tenure(holder="", term=self.term, patience=self.within * _WAITS)
            self._until = -inf
            try:
                async with asyncio.timeout(self.within * _LOOKS):
                    await self.lease.replace(self._seen, free)
            except (LeaseUnavailable, TimeoutError):
                pass  # then it lapses
        await self.lease.close()

    @property
    def _left(self) -> float:
        """Seconds until the lead ends: ours, or that of another one."""
        if self._leads:
            return max(0.0, self._until - self.clock())
        if self._seen is None or not self.runs or not self._seen.holder:
            return inf
        left = self._since + self._seen.patience - self.clock()
        return left if left > 0 else inf

    def _notice(self) -> None:
        if self._leads and not self.held:
            later = f"the target was written to in term {self._outdone}, by another daemon"
            late = "the lease was not renewed in time"
            self._lose(later if self._outdone > self.term else late)

    async def _renew(self) -> None:
        asked = self.clock()
        written = await self.lease.replace(self._seen, self._ours(self.term))
        if written is None:
            found = await self.lease.read()
            if found is None or (found.holder, found.term) != (self.name, self.term):
                self._see(found)
                self._lose("another daemon has taken it")
                return
            # A renewal came through whose answer did not.
            written = await self.lease.replace(found, self._ours(self.term))
        if written is not None:
            self._see(written)
            self._until = asked + self.within * _LEADS

    async def _look(self) -> None:
        asked = self.clock()
        self._see(await self.lease.read())
        if self.runs and self._is_free():
            before = self._seen.term if self._seen else 0
            term = max(before, self._outdone) + 1
            written = await self.lease.replace(self._seen, self._ours(term))
            if written is not None:
                self._see(written)
                self.term, self._until = term, asked + self.within * _LEADS
                self._win()
        elif self._seen is not None and self._seen.holder not in {"", self.name, self.leader}:
            self.leader = self._seen.holder
            self.emit(event(Action.STANDING_BY, leader=self.leader, term=self._seen.term))

    def _is_free(self) -> bool:
        seen = self._seen
        if seen is None or seen.holder in {"", self.name}:
            return True
        return self.clock() >= self._since + seen.patience

    def _ours(self, term: int) -> Tenure:
        return Tenure(holder=self.name, term=term, patience=self.within * _WAITS)

    def _see(self, found: Tenure | None) -> None:
        # Who holds it may have died since, which is no other version.
        if found is None or self._seen is None or found.version != self._seen.version:
            self._since = self.clock()
        self._seen = found

    def _win(self) -> None:
        if not self.held:
            return  # it took too long to come by: the next look takes it anew
        self.leader = self.name
        self._leads = True
        self.tell(True)
        self.emit(event(Action.LEADING, leader=self.name, term=self.term))

    def _lose(self, reason: str) -> None:
        self._until = -inf
        if self._leads:
            self._leads = self.runs = False
            self.leader = None
            self.tell(False)
            self.emit(event(Action.LEAD_LOST, Level.WARNING, term=self.term, message=reason))

    def _tell_silence(self, message: str) -> None:
        if not self._silent:
            self.emit(event(Action.LEASE_FAILED, Level.WARNING, message=message))
        self._silent = True
