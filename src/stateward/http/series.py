"""What is seen of units and sources, in Prometheus' terms. What is gone has no series."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from stateward.daemon.tally import Tally
from stateward.http.view import Seen, SeenTarget
from stateward.model.drift import UnitDrift
from stateward.model.plan import Action
from stateward.model.status import Condition, SourceStatus, Status

_UNIT = ("source", "unit")
_Unit = tuple[str, str]
_NONE = Tally()

_Number = float | int | bool | None
_CONDITIONS = (
    ("ready", "Whether the unit is as declared.", Condition.READY),
    ("stalled", "Whether the unit needs a commit or a person.", Condition.STALLED),
    ("fighting", "Whether somebody else changes it again and again.", Condition.FIGHTING),
    ("drifted", "Whether the target differs, and that is only reported.", Condition.DRIFTED),
    ("prune_blocked", "Whether a guard holds the unit's prune back.", Condition.BLOCKED),
)
_OF_STATUS: tuple[tuple[str, str, Callable[[Status], _Number]], ...] = (
    (
        "last_success_timestamp_seconds",
        "When a round last brought the unit in line, or found that it was.",
        lambda own: own.succeeded,
    ),
    (
        "failures",
        "Rounds in a row that failed for a reason that may pass.",
        lambda own: own.failures if own.condition is Condition.RETRYING else 0,
    ),
)
_DRIFT: tuple[tuple[str, str, Callable[[UnitDrift], int]], ...] = (
    ("drifted_objects", "Objects that the last look found to differ.", lambda own: own.objects),
    ("drifted_fields", "Fields that the last look found to differ.", lambda own: own.fields),
)
_GAUGES: tuple[tuple[str, str, Callable[[Tally], _Number]], ...] = (
    (
        "objects",
        "Objects as declared after the last round that succeeded.",
        lambda own: own.objects,
    ),
    ("survivors", "Members whose delete was refused in the last round.", lambda own: own.survivors),
)
_COUNTERS: tuple[tuple[str, str, Callable[[Tally], _Number]], ...] = (
    ("rounds", "Rounds that looked at the unit.", lambda own: own.rounds),
    ("noop_rounds", "Those of them that had nothing to do.", lambda own: own.unchanged),
    (
        "taken_back_rounds",
        "Those of them whose changes were taken back, since some failed.",
        lambda own: own.taken_back,
    ),
    (
        "writes",
        "What was sent to the target for the unit, its group included.",
        lambda own: own.writes,
    ),
)
_SOURCE: tuple[tuple[str, str, Callable[[SourceStatus], _Number]], ...] = (
    ("up", "Whether the source could be looked at, last time.", lambda own: own.error is None),
    ("looked_timestamp_seconds", "When the source was last looked at.", lambda own: own.at),
    (
        "interval_seconds",
        "After how long it is looked at again, at the latest.",
        lambda own: own.every,
    ),
)
_TARGET: tuple[tuple[str, str, Callable[[SeenTarget], _Number]], ...] = (
    (
        "target_resting",
        "Whether the target is left alone, since it failed again and again.",
        lambda own: own.resting,
    ),
    (
        "leading",
        "Whether this daemon is the one at work: 0 while it stands by.",
        lambda own: own.leading,
    ),
    (
        "leader_term",
        "How often the lead had changed hands when this daemon got it: its latest term.",
        lambda own: own.term,
    ),
)


def of_targets(seen: Sequence[SeenTarget]) -> Iterator[Metric]:
    for name, told, of in _TARGET:
        rows = [((own.name,), of(own)) for own in seen]
        yield _gauge(f"stateward_{name}", told, ("target",), rows)


def of_sources(seen: Sequence[Seen]) -> Iterator[Metric]:
    for name, told, of in _SOURCE:
        rows = [((own.name,), of(own.source)) for own in seen if own.source is not None]
        yield _gauge(f"stateward_source_{name}", told, ("source",), rows)
    yield _gauge(
        "stateward_source_revision_info",
        "The revision that was seen last: always 1.",
        ("source", "revision"),
        [
            ((own.name, own.source.revision), 1)
            for own in seen
            if own.source and own.source.revision
        ],
    )
    yield _gauge(
        "stateward_queue_depth",
        "Units that are due and that no round has taken yet.",
        ("source",),
        [((own.name,), own.due) for own in seen],
    )
    yield _gauge(
        "stateward_queue_scheduled",
        "Units that are due at some moment, now or later.",
        ("source",),
        [((own.name,), own.waiting) for own in seen],
    )
    yield _gauge(
        "stateward_units",
        "Units by the state that status shows.",
        ("source", "state"),
        list(_counted(seen)),
    )


def _counted(seen: Sequence[Seen]) -> Iterator[tuple[tuple[str, str], int]]:
    for own in seen:
        counts = Counter(status.shown for status in own.statuses)
        yield from (((own.name, state.value), counts[state]) for state in Condition)


def of_units(seen: Sequence[Seen]) -> Iterator[Metric]:
    rows = [(_labels(own, one), one) for own in seen for one in own.statuses]
    for name, told, state in _CONDITIONS:
        found = [(labels, own.condition is state) for labels, own in rows]
        yield _gauge(f"stateward_unit_{name}", told, _UNIT, found)
    for name, told, of in _OF_STATUS:
        yield _gauge(f"stateward_unit_{name}", told, _UNIT, [(at, of(own)) for at, own in rows])
    for name, told, counted in _DRIFT:
        # Most units have none: what is not there is nought.
        some = [(at, counted(own.drift)) for at, own in rows if own.drift is not None]
        yield _gauge(f"stateward_unit_{name}", told, _UNIT, some)
    tallies = [
        (_labels(own, one), own.tallies.get(one.unit, _NONE))
        for own in seen
        for one in own.statuses
    ]
    for name, told, count in _GAUGES:
        found_ = [(at, count(own)) for at, own in tallies]
        yield _gauge(f"stateward_unit_{name}", told, _UNIT, found_)
    for name, told, count in _COUNTERS:
        family = CounterMetricFamily(f"stateward_unit_{name}", told, labels=_UNIT)
        yield _filled(family, [(at, count(own)) for at, own in tallies])
    yield _filled(
        CounterMetricFamily(
            "stateward_unit_changes",
            "Objects changed, by what was done.",
            labels=(*_UNIT, "action"),
        ),
        # Most units are never changed: what is not there is nought.
        [
            ((*at, own.value), one.changes[own])
            for at, one in tallies
            for own in Action
            if one.changes.get(own)
        ],
    )


def _labels(seen: Seen, status: Status) -> _Unit:
    """Return what a unit is told by: a name may be any bytes, and a label is UTF-8."""
    return seen.name, status.unit.encode("utf-8", "backslashreplace").decode()


def _gauge(
    name: str, told: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], _Number]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=labels)
    _filled(family, rows)
    return family


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily,
    rows: Iterable[tuple[Sequence[str], _Number]],
) -> Metric:
    for labels, value in rows:
        if value is not None:
            family.add_metric(labels, float(value))
    return family
