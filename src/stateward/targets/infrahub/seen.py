"""What was seen of a branch, so that the next look need only read what can have changed since.

The server notes on an object when it was changed last; joining or leaving a group, and gaining or
losing a peer, is a change of both. What is not seen this way is a new object that points at an old
one: the old one stays as it was. So all is read anew every so often.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stateward.model.identity import ObjectKey
from stateward.model.state import Group, ObservedObject

OVERLAP = timedelta(seconds=30)
"""A change bears the time when it began, and is seen once it is through: at most so much later."""
_LEAST = timedelta(seconds=1)
"""So much of the past is asked for again in any case: a server that was set back has lost it."""
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The members of some tracking groups, as of one look. Times are as the server spells them."""

    schema: str
    """Stands for the schemas that it was read and spelled under."""
    whole: float
    """When all of it was read anew, in seconds of the clock here."""
    looked: float
    """When this was seen, by the same clock."""
    since: str
    """What may have changed later than this has to be asked for."""
    groups: Mapping[str, Group]
    """By name; without the groups among their members."""
    kinds: Mapping[str, str]
    """The kind of every member, by its id."""
    fields: Mapping[str, tuple[str, ...]]
    """The fields that were asked for, by kind."""
    objects: Mapping[str, ObservedObject]
    outside: tuple[str, ...] = ()
    """Ids of objects that are no members and yet members' names are made of."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """When each group and object was changed last, as far as it was told."""

    def stands(self, node: str, told: Mapping[str, str]) -> bool:
        """Tell whether an object is as it was seen; ``told`` is what changed after ``since``."""
        before = self.changed.get(node)
        if node in told:
            return told[node] == before
        return before is None or moment(before) <= moment(self.since)

    def covers(self, now: float, max_age: float) -> bool:
        """Tell whether it may still be relied on; a clock that was set back tells nothing."""
        return 0 <= now - self.whole <= max_age


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def reliable_until(changes: Iterable[str], *, settled: bool) -> str:
    """Return the time up to which all changes are known; ``settled`` where none can be under way."""
    latest = max(map(moment, changes))
    return (latest - (_LEAST if settled else OVERLAP)).isoformat()


def encode(seen: Seen) -> bytes:
    """Write what was seen down."""
    content = {
        "format": _FORMAT,
        "schema": seen.schema,
        "whole": seen.whole,
        "looked": seen.looked,
        "since": seen.since,
        "groups": [
            [own.id, own.name, own.description, sorted(own.members)] for own in seen.groups.values()
        ],
        "kinds": dict(seen.kinds),
        "fields": {kind: list(names) for kind, names in seen.fields.items()},
        "objects": [_packed(own) for own in seen.objects.values()],
        "outside": list(seen.outside),
        "changed": dict(seen.changed),
    }
    return json.dumps(content, separators=(",", ":")).encode()


def decode(content: bytes) -> Seen | None:
    """Read what was written down; None where that is not what it is."""
    try:
        found = json.loads(content)
        if found["format"] != _FORMAT:
            return None
        groups = [
            Group(id=id_, name=name, description=text, members=frozenset(members))
            for id_, name, text, members in found["groups"]
        ]
        return Seen(
            schema=found["schema"],
            whole=found["whole"],
            looked=found["looked"],
            since=found["since"],
            groups={own.name: own for own in groups},
            kinds=found["kinds"],
            fields={kind: tuple(names) for kind, names in found["fields"].items()},
            objects={own.id: own for own in map(_unpacked, found["objects"])},
            outside=tuple(found["outside"]),
            changed=found["changed"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _packed(own: ObservedObject) -> list[Any]:
    relations = {
        name: sorted(peers) if isinstance(peers, frozenset) else peers
        for name, peers in own.relations.items()
    }
    named = [own.id, own.key.kind, own.key.hfid]
    return [*named, own.attributes, relations, sorted(own.defaults), own.pools, own.seeded]


def _unpacked(own: list[Any]) -> ObservedObject:
    id_, kind, hfid, attributes, relations, defaults, pools, seeded = own
    return ObservedObject(
        id=id_,
        key=ObjectKey(kind, tuple(hfid)),
        attributes=attributes,
        relations={
            name: frozenset(peers) if isinstance(peers, list) else peers
            for name, peers in relations.items()
        },
        defaults=frozenset(defaults),
        pools=pools,
        seeded=seeded,
    )
