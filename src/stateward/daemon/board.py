"""How the units of one source stand, and which of them are due: the daemon's memory. Pure.

It is told what a look at the source has found and how rounds came out, with the time, and says
what is to be done next. What it knows survives a restart as statuses.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.daemon import requeue
from stateward.daemon.fights import Fights, told
from stateward.daemon.pausing import Pauses
from stateward.daemon.queue import Mark, Queue
from stateward.daemon.requeue import Pace
from stateward.daemon.tally import DONE, Tally
from stateward.model.command import Command
from stateward.model.drift import UnitDrift
from stateward.model.fight import Correction
from stateward.model.run import Run
from stateward.model.status import Condition, Pause, Reason, Status, Why
from stateward.model.unit import Drift, DriftMode, Window

ALONG = 5
"""Units whose interval ends within this part of it are taken along by a round."""
_UNSETTLED = frozenset({Condition.WAITING, Condition.STALLED})
"""What a commit to another unit may settle."""
_SETTLED = frozenset({Condition.READY, Condition.DRIFTED, Condition.FIGHTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a revision says of one unit."""

    fingerprint: str
    drift: Drift
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one unit came out of a round."""

    run: Run
    message: str | None = None
    """Why it is not ready."""
    drifted: bool = False
    drift: UnitDrift | None = None
    """What differs although Git did not change; None where it came to no look that could tell."""
    held: bool = False
    """Whether a rollback keeps it as it is."""
    blocked: str | None = None
    """The digest of the prune that a guard holds back, and that can be approved."""
    details: tuple[str, ...] = ()
    """What of that prune tells most."""
    corrected: tuple[Correction, ...] | None = None
    """What a look for drift had to set back; None where it came to no such look."""
    anew: bool = False
    """Whether what the files say was another thing before."""
    gone: bool = False
    """Whether nothing is left of it, in Git or in the target."""


@dataclass(slots=True)
class Board:
    """The units of one source."""

    usual: Drift
    """For units whose directory is gone, and their settings with it."""
    backoff: float
    cap: float
    fights: Fights
    statuses: dict[str, Status] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    revision: str | None = None
    queue: Queue = field(default_factory=Queue)
    pauses: Pauses = field(default_factory=Pauses)
    tallies: dict[str, Tally] = field(default_factory=dict)
    _taken: dict[str, str] = field(default_factory=dict)
    """Fingerprints of what rounds are at."""

    def seen(self, revision: str, facts: Mapping[str, Facts], now: float) -> frozenset[str]:
        """Take in a revision; mark the units that it touches, and return them."""
        first = self.revision is None
        touched = frozenset(
            unit
            for unit in {*facts, *self.statuses}
            if unit not in self.statuses or self._known(unit) != self._now(facts, unit)
        )
        self.revision, self.facts = revision, facts
        for unit in sorted(touched):
            reason = Reason.START if first and unit not in self.statuses else Reason.COMMIT
            self._mark(unit, Mark(now, reason), now)
        for unit in sorted(self.statuses.keys() - touched):
            if first:
                self._resume(unit, now)
            elif touched and self.statuses[unit].condition in _UNSETTLED:
                self._mark(unit, Mark(now, Reason.DEPENDENCY), now)
        return touched

    def heed(self, commands: Sequence[Command], now: float) -> Mapping[str, Status]:
        """Take in what people want, and return the units of which something else holds now."""
        before = dict(self.statuses)
        asked = self.pauses.heed(commands, ready=self.revision is not None)
        for unit in before:
            self._pause(unit, now)
            for own in asked:
                if own.concerns(unit):
                    self._mark(unit, Mark(now, Reason.MANUAL), now)
                    self.pauses.any_time |= {unit} if own.any_time else set()
        return self.changed(before)

    def refuse(self, message: str | None, now: float) -> Mapping[str, Status]:
        """Keep rounds from all units, as their newest commit is refused; None is: not any more."""
        before = dict(self.statuses)
        refused = None if message is None else Pause(why=Why.REWOUND, message=message)
        self.pauses.refused = refused
        for unit in before:
            self._pause(unit, now)
        return self.changed(before)

    def changed(self, before: Mapping[str, Status]) -> Mapping[str, Status]:
        """Return the units that are not shown as before any more."""
        return {unit: own for unit, own in self.statuses.items() if before.get(unit) is not own}

    def _pause(self, unit: str, now: float) -> None:
        """Show what keeps rounds from a unit, and have it looked at once nothing does.

        Windows come and go by themselves: they are looked at when something is due.
        """
        pause, shown = self.pauses.standing(unit, now), self.statuses[unit].pause
        if pause == (shown if shown and shown.why is not Why.WINDOW else None):
            return
        self._show_pause(unit, pause)
        due = now if pause is None else pause.until
        if due is not None:
            self._mark(unit, Mark(due, Reason.RESUMED), now)

    def take(self, now: float) -> Mapping[str, frozenset[Reason]]:
        """Take what is due and not kept from it; ``settle`` has to follow for each unit of it."""
        taken = dict(self.queue.take(now, self.usual.interval / ALONG))
        for unit in list(taken):
            said = self.facts[unit].windows if unit in self.facts else ()
            pause = self.pauses.of(unit, said, now)
            self._show_pause(unit, pause)
            if pause is None:
                taken[unit] |= self.pauses.resume(unit)
                continue
            self.pauses.defer(unit, taken.pop(unit))
            self.queue.done(unit, None)
            if pause.until is not None:
                self._mark(unit, Mark(pause.until, Reason.RESUMED), now)
            self._show_next(unit)
        self._taken |= {unit: self._now(self.facts, unit) for unit in taken}
        return taken

    def _show_pause(self, unit: str, pause: Pause | None) -> None:
        if self.statuses[unit].pause != pause:
            self.statuses[unit] = replace(self.statuses[unit], pause=pause)

    def give_back(self, taken: Mapping[str, frozenset[Reason]], now: float) -> None:
        """Have what was taken due again, as if there had been no round."""
        for unit, reasons in taken.items():
            del self._taken[unit]
            self.queue.done(unit, None)
            for reason in reasons:
                self._mark(unit, Mark(now, reason), now)

    def settle(
        self,
        verdicts: Iterable[Verdict],
        revision: str,
        now: float,
        random: Callable[[], float],
    ) -> Mapping[str, Status | None]:
        """Take in how units came out of a round, and say how they stand; None is gone for good.

        Each unit has a random number of its own: what was looked at together does not stay so.
        """
        given = list(verdicts)
        before = dict(self.statuses)
        for own in given:
            self._settle(own, revision, now, random())
        writers = {own.run.unit for own in given if own.run.writes or self._turned(own, before)}
        self._wake(writers, now)
        changed = {own.run.unit for own in given}
        changed |= self.changed(before).keys()
        return {unit: self.statuses.get(unit) for unit in sorted(changed)}

    def wake(self, now: float) -> Mapping[str, Status]:
        """Have what waits looked at, since another source has changed the target."""
        before = dict(self.statuses)
        self._wake({_ELSEWHERE}, now)
        return self.changed(before)

    def _wake(self, writers: Collection[str], now: float) -> None:
        for unit, status in list(self.statuses.items()):
            if status.condition is Condition.WAITING and set(writers) - {unit}:
                self._mark(unit, Mark(now, Reason.DEPENDENCY), now)

    def _settle(self, verdict: Verdict, revision: str, now: float, random: float) -> None:
        run = verdict.run
        fingerprint = self._taken.pop(run.unit)
        self.pauses.any_time.discard(run.unit)
        if verdict.gone:
            self._forget(run.unit, now)
            return
        self.tallies[run.unit] = self.tallies.get(run.unit, Tally()).plus(run)
        before = self.statuses.get(run.unit) or _pending(run.unit, now)
        fights = self.fights.take(run.unit, verdict.corrected, anew=verdict.anew)
        found = requeue.condition(
            run, drifted=verdict.drifted, held=verdict.held, fighting=bool(fights)
        )
        failures = before.failures + 1 if before.condition is found else 1
        mark = requeue.again(
            found,
            run.fault,
            now=now,
            pace=self._pace(run.unit),
            failures=failures,
            random=random,
            retry_after=run.retry_after,
        )
        self.queue.done(run.unit, mark)
        done = run.outcome in DONE
        # Where nobody looks, what was found when somebody did would stand for ever.
        drift = verdict.drift or before.drift if self._watched(run.unit) else None
        self.statuses[run.unit] = replace(
            before,
            condition=found,
            since=before.since if before.condition is found else now,
            attempted=revision,
            applied=revision if done else before.applied,
            outcome=run.outcome.value,
            message=told(fights) if found is Condition.FIGHTING else verdict.message,
            run=run.id or before.run,
            blocked=verdict.blocked,
            details=verdict.details,
            drift=drift if drift and drift.objects else None,
            at=now,
            succeeded=now if done else before.succeeded,
            fingerprint=fingerprint,
            failures=failures if mark is not None and mark.reason is Reason.RETRY else 0,
        )
        self._show_next(run.unit)

    def _forget(self, unit: str, now: float) -> None:
        self.queue.done(unit, None)
        self.statuses.pop(unit, None)
        self.tallies.pop(unit, None)
        self.fights.forget(unit)
        if unit in self.facts and self.queue.next(unit) is not None:
            self._mark(unit, Mark(now, Reason.COMMIT), now)  # its directory has come back since
            self._pause(unit, now)
        else:
            self.queue.drop(unit)

    def _turned(self, verdict: Verdict, before: Mapping[str, Status]) -> bool:
        unit = verdict.run.unit
        found, old = self.statuses.get(unit), before.get(unit)
        return (
            found is not None
            and found.condition in _SETTLED
            and (old is None or old.condition not in _SETTLED)
        )

    def _resume(self, unit: str, now: float) -> None:
        """Go on after a restart where the last process left off, without a rush."""
        status = self.statuses[unit]
        if status.next is None or status.reason is None:
            return
        if status.reason is Reason.INTERVAL:
            interval = self._pace(unit).interval
            if interval is not None:
                due = now + requeue.phase(unit, interval)
                self._mark(unit, Mark(due, Reason.INTERVAL), now)
        else:
            self._mark(unit, Mark(min(status.next, now + self.cap), status.reason), now)

    def _pace(self, unit: str) -> Pace:
        interval = self._drift(unit).interval * self.fights.factor(unit)
        watched = self._watched(unit)
        return Pace(interval=interval if watched else None, backoff=self.backoff, cap=self.cap)

    def _watched(self, unit: str) -> bool:
        return self._drift(unit).mode is not DriftMode.IGNORE

    def _drift(self, unit: str) -> Drift:
        return self.facts[unit].drift if unit in self.facts else self.usual

    def _mark(self, unit: str, mark: Mark, now: float) -> None:
        self.queue.mark(unit, mark)
        self.statuses.setdefault(unit, _pending(unit, now))
        self._show_next(unit)

    def _show_next(self, unit: str) -> None:
        mark = self.queue.next(unit)
        status = self.statuses[unit]
        due, reason = mark or (None, None)
        if (status.next, status.reason) != (due, reason):
            self.statuses[unit] = replace(status, next=due, reason=reason)

    def _known(self, unit: str) -> str:
        return self._taken.get(unit, self.statuses[unit].fingerprint)

    @staticmethod
    def _now(facts: Mapping[str, Facts], unit: str) -> str:
        """Return a unit's fingerprint; that of a unit whose directory is gone is a word."""
        return facts[unit].fingerprint if unit in facts else _GONE


_GONE = "gone"
_ELSEWHERE = ""
"""No unit has an empty name."""


def _pending(unit: str, now: float) -> Status:
    return Status(unit=unit, condition=Condition.PENDING, since=now)
