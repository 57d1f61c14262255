"""Whose values are: the metadata that Infrahub keeps of every field, written along with values.

They are never compared. To read a source or an owner costs many times what the value costs, and
turning the option on would write every field of every object.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stateward.model.mutation import Create, Update
from stateward.model.schema import Kind

_SOURCE, _OWNER, _PROTECTED = "source", "owner", "is_protected"
_OF_PEERS = "_relation__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Which metadata are wanted."""

    source: bool = False
    owner: bool = False
    protect: bool = False

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of the metadata, as the server has them."""
        named = ((_SOURCE, self.source), (_OWNER, self.owner), (_PROTECTED, self.protect))
        return tuple(name for name, wanted in named if wanted)

    def signature(self, account: str) -> "Signature":
        values: dict[str, str | bool] = {_SOURCE: account, _OWNER: account, _PROTECTED: True}
        return Signature({name: values[name] for name in self.wanted})


@dataclass(frozen=True, slots=True)
class Signature:
    """The metadata of what one account writes."""

    parts: Mapping[str, str | bool]

    def sign(
        self, kind: Kind, mutation: Create | Update, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return fields, spelled for the server, with what of their metadata nobody declares."""
        if mutation.metadata is None:
            return dict(data)
        return {name: self._field(kind, name, own, mutation.metadata) for name, own in data.items()}

    def _field(self, kind: Kind, name: str, own: Any, declared: frozenset[str]) -> Any:
        if name in kind.attributes:
            free = {
                part: value
                for part, value in self._attribute(own).items()
                if f"{name}.{part}" not in declared
            }
            if f"{name}.{_OWNER}" in declared:
                free.pop(_PROTECTED, None)  # whoever owns it is the one to edit it
            return free | own
        end = kind.relationships.get(name)
        if end is None or end.shared:
            return own
        if isinstance(own, list):
            return [self._peer(peer) for peer in own]
        return self._peer(own)

    def _attribute(self, own: Mapping[str, Any]) -> dict[str, str | bool]:
        """Return what goes with an attribute: nothing with metadata alone.

        What goes back to its default is given up, and free for everybody again.
        """
        if own.get("value") is not None:
            return dict(self.parts)
        if "from_pool" in own:
            return dict(self._without_source())
        given_up = "is_default" in own or "value" in own
        return {_PROTECTED: False} if given_up and _PROTECTED in self.parts else {}

    def _peer(self, own: Any) -> Any:
        if own is None:
            return None
        parts = self._without_source() if "from_pool" in own else self.parts.items()
        return {**own, **{_OF_PEERS + name: value for name, value in parts}}

    def _without_source(self) -> Iterator[tuple[str, str | bool]]:
        """Yield what goes with a value that a pool gives: the pool is its source, and is told by it."""
        return ((name, own) for name, own in self.parts.items() if name != _SOURCE)


NO_LINEAGE = Lineage()
UNSIGNED = Signature({})
