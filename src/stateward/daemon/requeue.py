"""How a round came out, to when the unit is looked at again: one table. Pure.

Randomness comes as a number in [0, 1).
"""

import hashlib
from dataclasses import dataclass

from stateward.daemon.queue import Mark
from stateward.model.run import Fault, Outcome, Run
from stateward.model.status import Condition, Reason

JITTER = 0.1
"""By which part of an interval its end may be early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait, in seconds."""

    interval: float | None
    """Between looks for drift; None where nobody wants any."""
    backoff: float
    """After the first round that failed for a reason that passes."""
    cap: float
    """At most, however often it failed."""


def condition(run: Run, *, drifted: bool, held: bool, fighting: bool = False) -> Condition:
    """Return what a person is told of a unit after a round."""
    if run.outcome is Outcome.FAILED:
        return Condition.RETRYING if run.fault is Fault.TRANSIENT else Condition.STALLED
    if held:
        return Condition.HELD
    if fighting:
        return Condition.FIGHTING
    if drifted:
        return Condition.DRIFTED
    return _CONDITIONS.get(run.outcome, Condition.READY)


_CONDITIONS = {
    Outcome.BLOCKED: Condition.BLOCKED,
    Outcome.WAITING: Condition.WAITING,
    Outcome.SKIPPED: Condition.SUSPENDED,
}


def again(
    found: Condition,
    fault: Fault | None,
    *,
    now: float,
    pace: Pace,
    failures: int,
    random: float,
    retry_after: float | None = None,
) -> Mark | None:
    """Return when a unit is due again; None where only a commit or a person leads to it.

    ``failures`` counts rounds in a row that came out like this one, this one included.

    | condition | fault | when |
    |---|---|---|
    | ready, drifted, fighting, blocked, held | | after the interval: to look for drift |
    | waiting | | backoff, at most the interval: what it waits for may come from elsewhere |
    | retrying | transient | backoff, never before ``retry_after`` |
    | stalled | stalled | after the interval: a person may mend the target, and the rest drifts |
    | stalled | invalid | never: looking again at the same files changes nothing |
    | suspended | | never: what lifts it is a commit |
    """
    if found is Condition.SUSPENDED or fault is Fault.INVALID:
        return None
    if found is Condition.RETRYING:
        wait = max(backed_off(failures, pace.backoff, pace.cap, random), retry_after or 0.0)
        return Mark(now + wait, Reason.RETRY)
    if found is Condition.WAITING:
        cap = pace.cap if pace.interval is None else min(pace.cap, pace.interval)
        return Mark(now + backed_off(failures, pace.backoff, cap, random), Reason.RETRY)
    if pace.interval is None:
        return None
    return Mark(now + jittered(pace.interval, random), Reason.INTERVAL)


def jittered(interval: float, random: float) -> float:
    """Return an interval that is up to a tenth shorter: what began together does not stay so."""
    return interval * (1 - JITTER * random)


def backed_off(failures: int, backoff: float, cap: float, random: float) -> float:
    """Return how long to wait after some failures in a row: anything up to a doubling limit.

    Nobody waits for less than a tenth of it, since a wait of nothing is none.
    """
    limit = min(cap, backoff * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return limit * max(random, _LEAST)


_MOST_DOUBLINGS = 60
_LEAST = 0.1


def phase(name: str, interval: float) -> float:
    """Return how far into an interval something is first due: for one name always the same."""
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    return interval * int.from_bytes(digest[:8], "big") / 2**64
