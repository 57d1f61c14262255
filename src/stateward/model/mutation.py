"""What is sent to a target: one mutation is one transaction there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stateward.errors import Code


class _Reset:
    """The value that stands for "as if never set"."""

    def __repr__(self) -> str:
        return "RESET"


RESET: Final = _Reset()
"""Given as an attribute's value: back to the default, or to null where there is none."""

Peers = str | frozenset[str] | None
"""One peer's id, none, or a set of ids that replaces the peers there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """An attribute's or relationship's value, to be allocated by a resource pool.

    The same ``identifier`` (by default the object's id) is answered with the same value again.
    """

    pool: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make an object under a client-chosen id, a member of ``groups`` from the first moment.

    The groups come on top of any in ``relations["member_of_groups"]``.
    """

    id: str
    kind: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    relations: Mapping[str, Peers | Allocation] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    metadata: frozenset[str] | None = None
    """The names of metadata that are declared of the object, given here or not.

    Of the others a target may write its own along with values; None: of no field at all.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Write some fields of an object. A to-many relationship given here is replaced."""

    id: str
    kind: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    relations: Mapping[str, Peers | Allocation] = field(default_factory=dict)
    metadata: frozenset[str] | None = None
    """As with ``Create``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relate:
    """Add peers to, or remove peers from, a to-many relationship; the other peers stay."""

    id: str
    kind: str
    relationship: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """Let an object join groups, and then leave others. Joining and leaving twice is no error."""

    id: str
    kind: str
    join: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete an object. One that is gone already counts as deleted."""

    id: str
    kind: str


Mutation = Create | Update | Relate | Enrol | Delete


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The target's answer to a mutation that it did not carry out."""

    code: Code
    message: str
    """In the target's own words, naming the field where it can."""
