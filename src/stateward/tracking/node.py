"""An object of the target, as a session hands it out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.model.identity import ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An object as it was when it was read or written. It can be given wherever a peer is asked for.

    Fields are in the target's own spelling: relationships hold ids.
    """

    id: str
    key: ObjectKey
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    relations: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        return self.key.kind

    @property
    def hfid(self) -> tuple[str, ...]:
        """The parts of its human-friendly id."""
        return self.key.hfid

    def __getitem__(self, name: str) -> Any:
        """Return an attribute's value, or the ids of a relationship's peers."""
        return self.attributes[name] if name in self.attributes else self.relations[name]

    def __str__(self) -> str:
        return str(self.key)
