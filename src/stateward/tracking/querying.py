"""What is asked of a target to know how the objects of a recorded run stand now."""

from collections.abc import Iterable, Mapping

from stateward.model.identity import ObjectKey
from stateward.model.schema import MEMBER_OF_GROUPS, Schema
from stateward.model.state import FromPool
from stateward.model.unit import ADOPTED
from stateward.planning.compare import references
from stateward.planning.effects import Effect
from stateward.planning.restoring import peer_ends
from stateward.ports import Query


def query_of(found: Mapping[str, Effect], groups: Iterable[str], schema: Schema) -> Query:
    """Ask for all that the run touched, as far as it touched it, and for what it referred to."""
    fields: dict[str, set[str]] = {}
    pooled: dict[str, set[str]] = {}
    mentioned: set[ObjectKey] = set()
    for own in found.values():
        if own.key.kind not in schema.kinds:
            continue
        names = fields.setdefault(own.key.kind, {MEMBER_OF_GROUPS})
        if own.made:
            names |= peer_ends(schema.kinds[own.key.kind])
        names.update(own.loosened)
        for name, values in own.fields.items():
            names.add(name)
            if any(isinstance(value, FromPool) for value in values):
                pooled.setdefault(own.key.kind, set()).add(name)
            mentioned |= {
                peer
                for value in values
                for peer in references(value)
                if isinstance(peer, ObjectKey) and peer.kind in schema.kinds
            }
    return Query(
        groups=[name for group in groups for name in (group, group + ADOPTED)],
        ids=sorted(found),
        keys=[own.key for own in found.values() if own.gone and own.key.kind in schema.kinds],
        references=sorted(mentioned),
        fields={kind: _known(schema, kind, names) for kind, names in fields.items()},
        pooled={kind: frozenset(names) for kind, names in pooled.items()},
    )


def _known(schema: Schema, kind: str, names: Iterable[str]) -> frozenset[str]:
    """Leave out the fields that the schema does not have any more."""
    known = schema.kinds[kind]
    return frozenset(
        name
        for name in names
        if name.partition(".")[0] in known.attributes or name in known.relationships
    )
