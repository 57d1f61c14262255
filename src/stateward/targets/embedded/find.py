"""Finding objects by what they are called, many at once."""

from collections.abc import Collection, Iterator

from stateward.model.identity import ObjectKey
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.layout import Layouts, Paths, scope_of
from stateward.targets.embedded.records import dump, spelled

_BY_IDENTITY = (
    "SELECT w.value, n.seq FROM json_each(?) AS w "
    "CROSS JOIN node AS n ON n.kind = ? AND n.identity = w.value"
)
_BY_ALIAS = (
    "SELECT w.value, a.node FROM json_each(?) AS w "
    "CROSS JOIN alias AS a ON a.scope = ? AND a.value = w.value"
)

Found = dict[ObjectKey, list[int]]


def find(database: Database, layouts: Layouts, keys: Collection[ObjectKey]) -> Found:
    """Return the objects that answer to each key; keys that nothing answers to are left out.

    A kind may be referred to in several ways: the first that leads anywhere counts.
    """
    found: Found = {}
    by_kind: dict[str, dict[str, ObjectKey]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, {})[spelled(key.hfid)] = key
    for kind, pending in by_kind.items():
        for way in layouts.references(kind) or (None,):
            matches: dict[str, list[int]] = {}
            for value, seq in _matches(database, layouts, kind, way, pending):
                seqs = matches.setdefault(value, [])
                if seq not in seqs:
                    seqs.append(seq)
            found.update((pending.pop(value), seqs) for value, seqs in matches.items())
            if not pending:
                break
    return found


def _matches(
    database: Database,
    layouts: Layouts,
    kind: str,
    way: Paths | None,
    values: Collection[str],
) -> Iterator[tuple[str, int]]:
    """Yield what answers to values, as identities of a kind or of its heirs, and as aliases."""
    wanted = dump(list(values))
    aliased = False
    for heir in layouts.schema.concrete(kind):
        layout = layouts.of(heir)
        if layout is not None and (way is None or layout.identities[:1] == (way,)):
            yield from database.execute(_BY_IDENTITY, (wanted, heir))
        else:
            aliased = True
    if way is not None and aliased:
        yield from database.execute(_BY_ALIAS, (wanted, scope_of(kind, way)))
