"""Attributes: what may be written, and what an object shows afterwards.

Only what was set is kept. An attribute that is not there shows its default, or null; that is what
``is_default`` means on the server, and setting the default on such an attribute changes nothing.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from stateward.model.mutation import RESET, Allocation
from stateward.model.schema import Attribute
from stateward.targets import rules
from stateward.targets.embedded.layout import Layout

Draw = Callable[[Attribute, Allocation], Any]
"""Has a pool give a value to an attribute."""

_HASHED = "HashedPassword"
_COST = 2**10


def created(
    layout: Layout, given: Mapping[str, Any], draw: Draw, *, templated: bool
) -> dict[str, Any]:
    """Return what a new object keeps of the attributes given."""
    fields: dict[str, Any] = {}
    for name, value in given.items():
        attribute = rules.writable_attribute(layout.kind, name)
        if attribute is None:
            fields[name] = rules.protection(value)
        elif value is None or value is RESET:
            if attribute.mandatory and not templated:
                raise rules.no_value(name)
            if value is None and attribute.default is None:
                fields[name] = None
        else:
            fields[name] = _value(attribute, value, draw)
    if not templated:
        for name in layout.mandatory_attributes:
            if name not in fields:
                raise rules.missing(name, layout.kind)
    return fields


def updated(
    layout: Layout, old: Mapping[str, Any], given: Mapping[str, Any], draw: Draw
) -> dict[str, Any]:
    """Return what an object keeps once some of its attributes are written."""
    fields = dict(old)
    for name, value in given.items():
        attribute = rules.writable_attribute(layout.kind, name)
        if attribute is None:
            fields[name] = rules.protection(value)
        elif value is RESET or (value is None and attribute.default is not None):
            if attribute.mandatory:
                raise rules.no_value(name)
            fields.pop(name, None)
        elif value is None and attribute.mandatory:
            raise rules.no_value(name)
        else:
            new = None if value is None else _value(attribute, value, draw)
            if name in fields or new != attribute.default:
                fields[name] = new
    return fields


def _value(attribute: Attribute, value: Any, draw: Draw) -> Any:
    if isinstance(value, Allocation):
        value = draw(attribute, value)
    found = rules.normalised(attribute, value)
    return _hashed(found) if attribute.kind == _HASHED else found


def _hashed(password: str) -> str:
    """Keep a password as the server does: never as it is, and never the same way twice."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=8, p=1)
    return f"$scrypt${salt.hex()}${digest.hex()}"
