"""A round that takes over what is there already, in place of bringing it in line."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

from stateward.engine.reconcile import Reconciler
from stateward.engine.round import Round
from stateward.errors import Code, ConfigError
from stateward.heap import undisturbed
from stateward.model.adoption import Adoption, Others, Taking
from stateward.model.plan import Plan
from stateward.model.record import RunKind
from stateward.model.unit import prefix
from stateward.planning import takeover
from stateward.planning.plan import Known
from stateward.planning.question import Question
from stateward.ports import Query, Session
from stateward.tracking.carry import Progress


@dataclass(slots=True, kw_only=True)
class Adopting(Round):
    """Plans a takeover, and what a round would do afterwards."""

    taking: Taking
    rest: Plan | None = None
    """What a round would do once the last takeover that was planned is carried out."""
    claimed: int = 0
    """How much of what it takes the group that was named claims, and goes on to."""

    @classmethod
    def of(cls, own: Round, taking: Taking) -> Self:
        return cls(
            loader=own.loader,
            target=own.target,
            scope=own.scope,
            approvals=own.approvals,
            memo=own.memo,
            taking=taking,
        )

    async def answer(self, session: Session, question: Question, revision: str) -> Plan:
        with undisturbed():
            known = Known.of(question)
            wanted = takeover.strangers(known)
        others = await self._others(session, wanted)
        with undisturbed():
            taken = takeover.take_over(known, self.taking, others)
        rest = await Round.answer(self, session, takeover.done(question, taken), revision)
        taken = takeover.reached(taken, rest)
        self.rest = await Round.answer(self, session, takeover.done(question, taken), revision)
        self.claimed = sum(
            any(map(self.taking.allows, others.claims.get(own.node or "", ())))
            for own in taken.changes
        )
        return taken

    async def _others(self, session: Session, wanted: Collection[str]) -> Others:
        ours = prefix(self.scope.instance, self.scope.source)
        claims = await session.claims(wanted, ours) if wanted else {}
        name = self.taking.group
        if name is None:
            return Others(claims=claims)
        if name.startswith(ours):
            message = f"--group {name}: is a tracking group of this very source: leave it out"
            raise ConfigError(message)
        found = await session.observe(Query(groups=[name]))
        if name not in found.groups:
            message = f"--group {name}: the target has no such group: look at its name there"
            raise ConfigError(message, code=Code.NOT_FOUND)
        members = {node: found.objects[node] for node in found.groups[name].members}
        return Others(claims=claims, members=members)


async def foresee(usual: Round, taking: Taking, revision: str | None) -> Adoption:
    """Look at what a takeover would take, and at what would be left; nothing is written."""
    own = Adopting.of(usual, taking)
    taken = await own.plan(revision)
    return Adoption(taking=taking, taken=taken, rest=own.rest or taken, claimed=own.claimed)


async def adopt(
    usual: Reconciler, taking: Taking, revision: str | None, progress: Progress
) -> Adoption:
    """Take over what can be taken, and look at what a round would do after that."""
    own = Adopting.of(usual.round, taking)
    ours = replace(usual, round=own, kind=RunKind.ADOPTION, detail=str(taking))
    taken, report = await ours.apply(revision, expected=None, progress=progress)
    # What somebody commits meanwhile is for a later round.
    rest = await usual.round.plan(next(iter(taken.revisions.values())))
    return Adoption(taking=taking, taken=taken, rest=rest, report=report, claimed=own.claimed)
