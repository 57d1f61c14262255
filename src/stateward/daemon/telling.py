"""What the log says of a round: a line for it, and one for each unit that changed or is not well.

Pure.
"""

from collections.abc import Iterator, Mapping

from stateward.daemon.rounds import Done, Job
from stateward.model.event import Action, Event, Level, event
from stateward.model.status import Condition, Status

_GOOD = frozenset({Condition.READY, Condition.HELD, Condition.SUSPENDED, Condition.PENDING})


def lines(
    job: Job,
    done: Done,
    before: Mapping[str, Status],
    settled: Mapping[str, Status | None],
    seconds: float,
    **name: str,
) -> Iterator[Event]:
    """Yield the events of a round; ``name`` is what is in all of its lines."""
    taken = {own.run.unit: own for own in done.verdicts}
    for unit, verdict in taken.items():
        status, old = settled.get(unit), before.get(unit)
        good = status is None or status.condition in _GOOD
        turned = old is None or status is None or old.condition is not status.condition
        if verdict.run.writes or turned or not good:
            yield event(
                Action.UNIT,
                Level.INFO if good else Level.WARNING,
                **name,
                unit=unit,
                run=verdict.run.id or None,
                condition=status.condition.value if status else "gone",
                outcome=verdict.run.outcome.value,
                writes=verdict.run.writes,
                message=verdict.message,
            )
    yield event(
        Action.ROUND,
        Level.INFO,
        **name,
        revision=job.revision,
        trigger=job.trigger,
        units=len(taken),
        writes=done.writes,
        requests=done.requests,
        seconds=round(seconds, 3),
    )
