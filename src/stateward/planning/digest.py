"""Digests: equal for equal content, in any run and on any machine."""

import hashlib
import json
from typing import Any

from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Default, Secret
from stateward.model.state import FromPool


def digest_of(value: Any) -> str:
    """Return a SHA-256 in hex over a value of plain types and of the model's own."""
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"sensitive": True}  # a digest must not become a way to guess a password
    if isinstance(value, Default):
        return {"default": _plain(value.value)}
    if isinstance(value, ObjectKey):
        return {"key": [value.kind, *value.hfid]}
    if isinstance(value, NodeId):
        return {"id": value.id}
    if isinstance(value, FromPool):
        return {"pool": _plain(value.pool), "identifier": value.identifier}
    if isinstance(value, frozenset | set):
        return sorted((_plain(own) for own in value), key=repr)
    if isinstance(value, dict):
        return {str(name): _plain(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    return value
