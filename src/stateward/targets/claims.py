"""Which memberships are claims: groups in which other tools keep what they made."""

import re
from collections.abc import Mapping

_KINDS = frozenset({"CoreGeneratorGroup", "CoreGeneratorAwareGroup", "CoreRepositoryGroup"})
"""Kinds of groups that Infrahub's own tools keep of what they made."""
_OF_THE_SDK = re.compile(r"-[0-9a-f]{32}\Z")
"""How the names of the SDK's tracking groups end: with a digest of the session's parameters."""


def claims(groups: Mapping[str, str], ours: str) -> tuple[str, ...]:
    """Return which of an object's groups, given by name with their kinds, claim it for others.

    Names of ours start alike up to the first slash, whatever the instance.
    """
    tools = ours.partition("/")[0] + "/"
    return tuple(
        sorted(
            name
            for name, kind in groups.items()
            if not name.startswith(ours)
            and (kind in _KINDS or name.startswith(tools) or _OF_THE_SDK.search(name))
        )
    )
