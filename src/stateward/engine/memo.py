"""What was made of revisions, for the rounds that look at them again: most find nothing new."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from operator import is_

from stateward.desired.discover import File
from stateward.desired.load import Reading, read, read_again
from stateward.engine.history import Formers
from stateward.engine.load import DeclaredSchema, Loaded, read_schema
from stateward.heap import undisturbed
from stateward.model.schema import Schema
from stateward.model.state import Desired

Load = Callable[[str | None], Awaitable[Loaded]]


@dataclass(slots=True)
class _Kept:
    """A revision, and what it declares under one schema."""

    loaded: Loaded
    schema: str = ""
    desired: Desired | None = None


@dataclass(slots=True)
class Memo:
    """The revision that was asked for last, and the one before it, which a round looks back to."""

    _kept: dict[str, _Kept] = field(default_factory=dict)
    """By their ids, which are never another content's; the newest last."""
    formers: Formers = field(default_factory=dict)
    """What units were at the revisions that the last round looked back to."""
    _schema: tuple[Sequence[File], DeclaredSchema] = ((), read_schema(()))
    """The files of the schema that was asked for last, and what they declare."""
    _reading: Reading | None = None
    """How the revision was read that was read last."""

    async def loaded(self, revision: str | None, load: Load) -> Loaded:
        """Return a revision; what a name stands for is asked for each time."""
        found = await self.earlier(revision, load)
        self._kept.setdefault(found.revision, _Kept(found))
        for old in list(self._kept)[:-2]:
            del self._kept[old]
        return self._kept[found.revision].loaded

    async def earlier(self, revision: str | None, load: Load) -> Loaded:
        """Return a revision that is not the one to be kept from now on."""
        known = self._kept.get(revision or "")
        return known.loaded if known else await load(revision)

    def schema(self, files: Sequence[File]) -> DeclaredSchema:
        """Return what the files of a schema declare: few commits touch any of them."""
        known, _ = self._schema
        # A path and a blob are the very same file until it is let go of.
        if len(known) != len(files) or not all(map(is_, known, files)):
            self._schema = (files, read_schema(files))
        return self._schema[1]

    def desired(self, loaded: Loaded, schema: Schema) -> Desired:
        """Return what a revision declares by itself, whatever the target holds."""
        kept = self._kept.get(loaded.revision)
        if kept is None or loaded is not kept.loaded:
            kept = _Kept(loaded)
        if kept.desired is None or kept.schema != schema.hash:
            with undisturbed():
                kept.schema, kept.desired = schema.hash, self._read(loaded, schema)
        return kept.desired

    def _read(self, loaded: Loaded, schema: Schema) -> Desired:
        """Read a revision: from the one that was read last, what has changed since."""
        before, self._reading = self._reading, None
        found = None
        if before is not None and before.identifier.schema.hash == schema.hash:
            found = read_again(before, loaded.units)
        self._reading = found or read(loaded.units, schema)
        return self._reading.desired
