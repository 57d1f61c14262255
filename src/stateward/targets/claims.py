"""Which memberships are claims: groups in which other tools keep what they made."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from stateward.model.unit import ADOPTED, TRACKING

_KINDS = frozenset({"CoreGeneratorGroup", "CoreGeneratorAwareGroup", "CoreRepositoryGroup"})
"""Kinds of groups that Infrahub's own tools keep of what they made."""
_NO_CLAIM = "CoreGraphQLQueryGroup"
"""What a stored query returned: Infrahub takes note of it, and nobody owns it by that."""
_INTERNAL = "internal"
"""The type of groups that are for tools, and not for people."""
_OF_THE_SDK = re.compile(r"-[0-9a-f]{32}\Z")
"""How the names of the SDK's tracking groups end: with a digest of the session's parameters."""


class Sort(NamedTuple):
    """What sort of a group one is."""

    kind: str
    type: str | None


def claims(groups: Mapping[str, Sort], ours: str) -> tuple[str, ...]:
    """Return which of an object's groups, given by name, claim it for others.

    ``ours`` is what the names of our groups start with, up to a slash, or the name of a single
    one, which may have a list of adopted objects beside it.
    """
    return tuple(
        sorted(
            name
            for name, sort in groups.items()
            if not _is_ours(name, ours)
            and sort.kind != _NO_CLAIM
            and (
                sort.kind in _KINDS
                or sort.type == _INTERNAL
                or name.startswith(TRACKING)
                or _OF_THE_SDK.search(name)
            )
        )
    )


def _is_ours(name: str, ours: str) -> bool:
    return name.startswith(ours) if ours.endswith("/") else name in {ours, ours + ADOPTED}
