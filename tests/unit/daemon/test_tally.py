"""What is counted of a unit's rounds."""

from stateward.daemon.tally import Tally
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Survivor
from stateward.model.run import Outcome, Run


def run(outcome: Outcome, *, writes: int = 0, survivors: int = 0, **summary: int) -> Run:
    gone = Survivor(key=ObjectKey("BuiltinTag", ("red",)), id="1", reason="needed")
    return Run(
        id="1",
        unit="a",
        revision="r1",
        outcome=outcome,
        summary=summary,
        writes=writes,
        survivors=(gone,) * survivors,
    )


def test_rounds_add_up() -> None:
    tally = Tally()
    for own in (
        run(Outcome.APPLIED, writes=4, create=3, unchanged=1),
        run(Outcome.APPLIED, writes=2, create=1, delete=1, unchanged=3, survivors=1),
        run(Outcome.UNCHANGED, unchanged=4),
    ):
        tally = tally.plus(own)
    assert (tally.rounds, tally.unchanged, tally.writes) == (3, 1, 6)
    assert (tally.objects, tally.survivors) == (4, 0)
    assert {own: count for own, count in tally.changes.items() if count} == {
        Action.CREATE: 4,
        Action.DELETE: 1,
    }


def test_what_was_only_planned_was_not_done() -> None:
    tally = Tally().plus(run(Outcome.PLANNED, create=3))
    assert (tally.rounds, tally.objects, sum(tally.changes.values())) == (1, None, 0)


def test_a_round_that_failed_leaves_what_is_known_of_the_objects() -> None:
    tally = Tally().plus(run(Outcome.UNCHANGED, unchanged=4))
    tally = tally.plus(run(Outcome.FAILED, update=1, survivors=2))
    assert (tally.objects, tally.survivors, tally.changes[Action.UPDATE]) == (4, 2, 1)
    assert tally.plus(run(Outcome.UNCHANGED)).objects == 4
