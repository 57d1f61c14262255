"""Fields of an item that hold no objects of their own: attributes, references, pools.

No message quotes a value of a secret kind.
"""

import re
from dataclasses import dataclass
from typing import Any

from stateward.desired.drafts import Draft, RawPool, RawReference
from stateward.desired.envelope import boolean, entries
from stateward.desired.notes import Page
from stateward.errors import Code
from stateward.model.document import Map, Seq
from stateward.model.identity import NodeId
from stateward.model.schema import Attribute
from stateward.schema import values

REFERENCE_HINT = "give a name, the list of an identity's parts, an id, or {data: …}"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_LINEAGE = {"source": "LineageSource", "owner": "LineageOwner"}
_PROTECTED = "is_protected"
_POOL = "CoreResourcePool"
_POOL_KEYS = frozenset({"id", "identifier"})


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads the fields of one file's items."""

    page: Page

    def attribute(self, draft: Draft, attribute: Attribute, value: Any, mark: int) -> None:
        """Read an attribute: its value alone, or a mapping with the value and its metadata."""
        if isinstance(value, Map) and "from_pool" in value:
            self._metadata(draft, attribute.name, value)
            draft.attributes[attribute.name] = self.pool(value)
            return
        if isinstance(value, Map) and "value" in value:
            self._metadata(draft, attribute.name, value)
            value, mark = value["value"], value.value_mark("value")
        try:
            draft.attributes[attribute.name] = values.normalise(attribute, value)
        except values.Invalid as invalid:
            secret = attribute.kind in values.SECRET_KINDS
            reason = "not accepted" if secret else str(invalid)
            self.page.note(invalid.code, f"{draft.kind.kind}: {attribute.name}: {reason}", mark)

    def _metadata(self, draft: Draft, attribute: str, given: Map) -> None:
        name = f"{draft.kind.kind}: {attribute}"
        for key, value, key_mark, mark in entries(given):
            if key in _LINEAGE and (reason := _meaningless(key, value, given)):
                self.page.warn(Code.METADATA, f"{name}.{key}: is ignored: {reason}", key_mark)
            elif key in _LINEAGE:
                raw = self.reference(_LINEAGE[key], value, mark)
                draft.relations[f"{attribute}.{key}"] = raw
            elif key == _PROTECTED and value is not None:
                protected = boolean(value)
                if protected is None:
                    self.page.note(Code.METADATA, f"{name}.{key}: expected true or false", mark)
                draft.attributes[f"{attribute}.{key}"] = protected
            elif key not in {_PROTECTED, "value", "from_pool"}:
                message = f"{name}.{key}: means nothing here and is ignored: mend or remove it"
                self.page.warn(Code.METADATA, message, key_mark)

    def pool(self, value: Map) -> RawPool | None:
        """Read ``{from_pool: …}``: the pool's name, or ``{id: …, identifier: …}``."""
        pool, mark = value["from_pool"], value.value_mark("from_pool")
        identifier = None
        if isinstance(pool, Map):
            identifier = self._pool_settings(pool)
            mark = pool.value_mark("id") if "id" in pool else mark
            pool = pool.get("id")
        reference = self.reference(_POOL, pool, mark)
        return RawPool(reference, identifier) if reference is not None else None

    def _pool_settings(self, pool: Map) -> str | None:
        for key, _, mark, _ in entries(pool):
            if key not in _POOL_KEYS:
                message = f"from_pool.{key}: not supported: give the pool's id, and an identifier"
                self.page.note(Code.METADATA, message, mark)
        given = pool.get("identifier")
        identifier = None if given is None else _text(given)
        if given is not None and identifier is None:
            mark = pool.value_mark("identifier")
            self.page.note(Code.METADATA, "from_pool.identifier: expected a text", mark)
        return identifier

    def reference(self, peer: str, value: Any, mark: int) -> RawReference | None:
        """Read a reference: a name, a list of an identity's parts, or a UUID."""
        texts = [_text(part) for part in (value if isinstance(value, Seq) else [value])]
        names = tuple(text for text in texts if text is not None)
        if not names or len(names) < len(texts):
            self.page.note(Code.RELATIONSHIP_FORM, f"not a reference: {REFERENCE_HINT}", mark)
            return None
        if len(names) == 1 and (node := node_id(names[0])):
            return RawReference(peer, NodeId(node), mark)
        return RawReference(peer, names, mark)


def _meaningless(key: str, value: Any, given: Map) -> str | None:
    """Return why a source or an owner cannot be as written, where Infrahub would say nothing."""
    if value is None:
        return f"a value's {key} cannot be taken away: name another one, or leave it out"
    if key == "source" and "from_pool" in given:
        return "the pool is the source of what it gives: leave it out"
    return None


def node_id(value: Any) -> str | None:
    """Return a UUID in the server's spelling, None for anything else."""
    return value.lower() if isinstance(value, str) and _UUID.match(value) else None


def _text(part: Any) -> str | None:
    """Spell one part of a reference; None where it cannot be one."""
    if isinstance(part, str):
        return str(part)
    if isinstance(part, bool):
        return "true" if part else "false"
    if isinstance(part, int | float):
        return getattr(part, "text", None) or str(part)
    return None
