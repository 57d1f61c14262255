"""Nothing is orphaned, and nothing foreign is touched."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from properties.judging import PLENTY, everything, share, shown
from properties.worlds import Revision, revisions, workshop
from rounds import KINDS, Workshop
from stateward.model.mutation import Create, Delete, Enrol, Mutation
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import ADOPTED
from stateward.ports import Query, Session
from watching import MemoryJournal, Watched


@dataclass
class Orphans:
    """Looks after every mutation whether anything of ours is in no group of ours."""

    strangers: set[str] = field(default_factory=set)

    async def __call__(self, session: Session) -> None:
        groups = await session.groups("stateward/")
        kinds = [kind for kind in KINDS if kind in session.schema.kinds]
        observed = await session.observe(Query(kinds=kinds, groups=list(groups)))
        tracking = {own.id for own in observed.groups.values()}
        held = {node for own in observed.groups.values() for node in own.members}
        living = {own.id for own in observed.objects.values() if not own.seeded}
        orphans = living - held - tracking - self.strangers
        assert not orphans, {str(observed.objects[node].key) for node in orphans}


@share(20)
@given(st.lists(revisions(), min_size=1, max_size=3))
async def test_group_holds_all_that_is_ours_after_every_single_write(
    history: list[Revision],
) -> None:
    with workshop() as shop:
        for revision in history:
            shop.commit(revision.files())
            watched = Watched(shop.target, look=Orphans())
            await shop.apply(target=watched, journal=MemoryJournal(), allow_deletes=PLENTY)


@dataclass
class Strangers:
    """Objects that somebody else put into the target, each of another sort."""

    shop: Workshop
    ids: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)
    """Objects of ours that another tool has put into its group as well."""

    async def settle(self, draw: Any) -> None:
        """Put some of everything beside what is there already."""
        there = await everything(self.shop)
        devices = [own.id for own in there.objects.values() if own.key.kind == "NetDevice"]
        tools = await self.shop.make("CoreGeneratorGroup", name="generator")
        team = await self.shop.make("CoreStandardGroup", name="by hand")
        self.groups = {tools, team}
        # Names that revisions declare as well: who was there first stays who he is.
        await self._make("BuiltinTag", name="tag0", description=draw(st.sampled_from([None, "x"])))
        await self._make("BuiltinTag", groups=(tools,), name="tag1")
        await self._make("NetDevice", name="device0", role="spine", groups=(team,))
        await self._make(
            "NetAsset", name="foreign", serial=draw(st.sampled_from(["1", "passed-on"]))
        )
        for device in devices[:2]:
            await self._make("NetInterface", name="by hand", device=device)
        if devices:
            self.claimed = {devices[-1]}
            await self.shop.do(Enrol(id=devices[-1], kind="NetDevice", join=(tools, team)))

    async def _make(self, kind: str, groups: tuple[str, ...] = (), **fields: Any) -> None:
        """Put an object there, if there is room for it."""
        refusal, node = await self.shop.try_to_make(kind, groups, **fields)
        if refusal is None:
            self.ids.add(node)


def _face(own: ObservedObject, watched: set[str]) -> Any:
    """Return what an object says of itself; what points at it from elsewhere is left out."""
    relations = {name: own.relations.get(name) for name in ("device", "site", "tags")}
    groups = own.relations.get("member_of_groups", frozenset())
    mine = groups & watched if isinstance(groups, frozenset) else groups
    return own.key, dict(own.attributes), relations, mine


def _adopted(observed: Observed) -> set[str]:
    return {
        node
        for group in observed.groups.values()
        if group.name.endswith(ADOPTED)
        for node in group.members
    }


@share(30)
@given(st.data(), revisions(), st.lists(revisions(), min_size=1, max_size=2))
async def test_strangers_are_never_changed_or_deleted(
    data: st.DataObject, first: Revision, later: list[Revision]
) -> None:
    with workshop() as shop:
        shop.commit(first.files())
        await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
        strangers = Strangers(shop)
        await strangers.settle(data.draw)
        for revision in later:
            before = await everything(shop)
            shop.commit(revision.files())
            watched = Watched(
                shop.target, look=Orphans(strangers.ids | strangers.groups | strangers.claimed)
            )
            plan, report = await shop.apply(
                target=watched, journal=MemoryJournal(), allow_deletes=PLENTY
            )
            after = await everything(shop)
            assert strangers.ids <= after.objects.keys(), shown(plan, report)
            ours = _adopted(before) | _adopted(after)
            for node in strangers.ids - ours:
                faces = (_face(own.objects[node], strangers.groups) for own in (before, after))
                assert len({repr(face) for face in faces}) == 1, shown(plan, report)
            _leaves_alone(watched.sent, strangers.ids - ours)
            assert strangers.claimed <= after.objects.keys(), shown(plan, report)
            _stay_enrolled(before, after, strangers.groups)


def _leaves_alone(sent: list[Mutation], strangers: set[str]) -> None:
    for mutation in sent:
        if not isinstance(mutation, Create):
            assert mutation.id not in strangers, mutation


def _stay_enrolled(before: Observed, after: Observed, groups: set[str]) -> None:
    """What people enrolled in a group of theirs stays there as long as it lives."""
    for own in before.objects.values():
        found = own.relations.get("member_of_groups")
        if isinstance(found, frozenset) and own.id in after.objects:
            now = after.objects[own.id].relations["member_of_groups"]
            assert isinstance(now, frozenset)
            assert found & groups <= now


@share(10)
@given(revisions())
async def test_deleted_behind_our_back_is_made_again_and_nothing_else(revision: Revision) -> None:
    with workshop() as shop:
        shop.commit(revision.files())
        await shop.apply(journal=MemoryJournal())
        there = await everything(shop)
        victims = [own for own in there.objects.values() if own.key.kind == "NetAsset"]
        for own in victims:
            await shop.do(Delete(id=own.id, kind="NetAsset"))
        plan, _ = await shop.apply(journal=MemoryJournal())
        assert {own.key for own in plan.changes} == {own.key for own in victims}
        assert (await shop.plan()).is_empty
