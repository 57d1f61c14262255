"""What of an earlier look still stands, and what a look leaves behind for the next one. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from stateward.model.state import ObservedObject
from stateward.schema.values import SECRET_KINDS
from stateward.targets.infrahub.membership import Membership
from stateward.targets.infrahub.seen import OVERLAP, Seen, reliable_until
from stateward.targets.infrahub.shapes import Shape


@dataclass(frozen=True, slots=True)
class Forms:
    """How the kinds that a look is about are read: worked out once for each."""

    shape: Callable[[str], Shape | None]
    """None for a kind that cannot be asked for."""

    def asked(self, kinds: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return by kind the names of the fields that are read, and of what comes from pools."""
        found = {kind: self.shape(kind) for kind in set(kinds)}
        return {
            kind: (*sorted(own.asked), *(f"pool of {name}" for name in sorted(own.pooled)))
            for kind, own in found.items()
            if own is not None and not _has_secrets(own)
        }

    def namers(self, kinds: Collection[str]) -> dict[str, frozenset[str]]:
        """Return by kind the relationships whose peers lend objects a part of their names."""
        found = {kind: self.shape(kind) for kind in set(kinds)}
        return {
            kind: frozenset(own.peer_attributes)
            for kind, own in found.items()
            if own is not None and own.peer_attributes
        }


def _has_secrets(own: Shape) -> bool:
    """Tell whether objects bear values that are not to be written down anywhere."""
    return any(own.kind.attributes[name].kind in SECRET_KINDS for name in own.attributes)


def standing(seen: Seen, membership: Membership, forms: Forms) -> dict[str, ObservedObject]:
    """Return the members that are as they were seen."""
    kinds, told = membership.kinds, membership.told
    asked = forms.asked(set(kinds.values()))
    same = {kind for kind, names in asked.items() if seen.fields.get(kind) == names}
    found = {
        node: own
        for node, own in seen.objects.items()
        if kinds.get(node) in same and seen.stands(node, told)
    }
    moved = {node for node in seen.outside if not seen.stands(node, told)}
    renamed = moved | (kinds.keys() - found.keys())
    namers = forms.namers(set(kinds.values()))
    while renamed:  # an object whose name is made of another's has another name now
        renamed = {
            node for node, own in found.items() if own.peers(namers.get(own.key.kind, ())) & renamed
        }
        for node in renamed:
            del found[node]
    return found


def sighting(
    before: Seen | None,
    membership: Membership,
    objects: Mapping[str, ObservedObject],
    changed: Mapping[str, str],
    forms: Forms,
    *,
    schema: str,
    now: float,
) -> Seen | None:
    """Return what there is to rely on the next time; None where there is nothing."""
    groups = membership.plain
    if not groups:
        return None
    asked = forms.asked(set(membership.kinds.values()))
    kept = {
        node: objects[node]
        for node, kind in membership.kinds.items()
        if kind in asked and node in objects
    }
    outside = _outside(kept, forms.namers(asked))
    known = {**(before.changed if before else {}), **changed}
    nodes = {*kept, *outside, *(own.id for own in groups.values())}
    found = Seen(
        schema=schema,
        whole=before.whole if before else now,
        looked=now,
        since="",
        groups=groups,
        kinds=membership.kinds,
        fields=asked,
        objects=kept,
        outside=outside,
        changed={node: at for node, at in known.items() if node in nodes},
    )
    return _dated(found, before)


def _outside(
    kept: Mapping[str, ObservedObject], namers: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """Return what lends members a part of their names and is not kept itself."""
    peers = (own.peers(namers.get(own.key.kind, ())) for own in kept.values())
    return tuple(sorted(frozenset().union(*peers) - kept.keys()))


def _dated(found: Seen, before: Seen | None) -> Seen:
    """Say up to when all changes are known; what is as before stands, unless it is known better."""
    if before is None or replace(found, looked=before.looked, since=before.since) != before:
        return replace(found, since=reliable_until(found.changed.values(), settled=False))
    if found.looked - before.looked <= OVERLAP.total_seconds():
        return before
    since = reliable_until(found.changed.values(), settled=True)
    return before if since == before.since else replace(found, since=since)
