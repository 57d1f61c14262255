"""Kinds that files no longer declare, but that still have objects."""

from collections.abc import Collection

from stateward.model.schema import Schema
from stateward.schema.api import assemble


def retain(declared: Schema, previous: Schema, kinds: Collection[str]) -> Schema:
    """Return the declared schema with those of ``kinds`` that only the previous one has.

    A retained kind is as it was: what it names need not be there any more.
    """
    kept = [
        previous.kinds[kind]
        for kind in kinds
        if kind in previous.kinds and kind not in declared.kinds
    ]
    return assemble([*declared.kinds.values(), *kept]) if kept else declared
