"""What was made of one revision, for the rounds that look at it again: most find nothing new."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stateward.desired.load import load as load_desired
from stateward.engine.load import Loaded
from stateward.model.schema import Schema
from stateward.model.state import Desired


@dataclass(slots=True)
class Memo:
    """The last revision that was asked for by its id, and what it declares under one schema."""

    _loaded: Loaded | None = None
    _schema: str = ""
    _desired: Desired | None = None

    async def loaded(
        self, revision: str | None, load: Callable[[str | None], Awaitable[Loaded]]
    ) -> Loaded:
        """Return a revision; what a name stands for is another one each time, and is not kept."""
        if self._loaded is not None and revision == self._loaded.revision:
            return self._loaded
        found = await load(revision)
        if revision == found.revision:
            self._loaded, self._desired = found, None
        return found

    def desired(self, loaded: Loaded, schema: Schema) -> Desired:
        """Return what a revision declares by itself, whatever the target holds."""
        if loaded is not self._loaded:
            return load_desired(loaded.units, schema)
        if self._desired is None or self._schema != schema.hash:
            self._schema, self._desired = schema.hash, load_desired(loaded.units, schema)
        return self._desired
