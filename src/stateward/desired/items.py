"""Items to drafts: fields checked against their kind, inline objects flattened out.

Where the other end of an inline relationship holds one peer only, the inline object is the one
that points (an interface at its device): that is how Infrahub creates it, and it leaves peers
that other people put beside ours alone. Otherwise the outer object lists its inline peers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from stateward.desired.drafts import Draft, Notes, RawPeer, RawPool, RawReference
from stateward.desired.envelope import Block, Reader
from stateward.errors import Code
from stateward.model import document
from stateward.model.document import Map, Seq
from stateward.model.identity import NodeId
from stateward.model.schema import Attribute, Kind, Relationship, Schema
from stateward.schema import values

SENSITIVE_KINDS = frozenset({"Password", "HashedPassword"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_LINEAGE = {"source": "LineageSource", "owner": "LineageOwner"}
_METADATA = frozenset({"value", "from_pool", "is_protected", *_LINEAGE})
_REFERENCE_HINT = "give a name, the list of an identity's parts, an id, or {data: …}"


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where an item stands: what it inherits from the object around it."""

    inherited: Mapping[str, Draft]
    menu_index: int | None = None


_TOP = _Setting({})


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Reads the items of one unit's file."""

    schema: Schema
    reader: Reader
    notes: Notes
    out: list[Draft]
    menu: bool = False

    def block(self, block: Block) -> None:
        """Read every item of a document into drafts, inline ones included."""
        kind = self._concrete(block.kind, block.kind_mark)
        if kind is not None:
            for item in block.items:
                self._item(kind, item, block.kind, _TOP)

    def _concrete(self, name: str, mark: int) -> Kind | None:
        kind = self.schema.get(name)
        if kind is None:
            close = get_close_matches(name, self.schema.kinds, n=1)
            hint = f"did you mean {close[0]}?" if close else "is its schema file listed and loaded?"
            self._note(Code.UNKNOWN_KIND, f"{name}: no such kind: {hint}", mark)
        elif kind.is_generic:
            heirs = ", ".join(self.schema.concrete(name)) or "none"
            message = f"{name}: a generic kind, which has no objects: use one of its kinds: {heirs}"
            self._note(Code.GENERIC_KIND, message, mark)
            return None
        return kind

    def _item(self, kind: Kind, item: Map, file_kind: str, setting: _Setting) -> Draft:
        draft = Draft(kind, self.reader.unit, self.reader.file, item)
        draft.inherited.update(setting.inherited)
        self.out.append(draft)
        for name, value in item.items():
            if attribute := kind.attributes.get(name):
                self._attribute(draft, attribute, value)
            elif relationship := kind.relationships.get(name):
                if self._writable(draft, relationship.read_only, name):
                    self._relate(draft, relationship, value, file_kind)
            elif name == "id":
                self._id(draft, value)
            else:
                self._unknown_field(draft, name)
        if self.menu:
            _complete_menu(draft, setting.menu_index)
        return draft

    def _unknown_field(self, draft: Draft, name: str) -> None:
        kind = draft.kind
        close = get_close_matches(name, [*kind.attributes, *kind.relationships], n=1)
        hint = f": did you mean {close[0]}?" if close else ""
        message = f"{kind.kind}: no such field {name!r}{hint}"
        self._note(Code.UNKNOWN_FIELD, message, draft.source.key_mark(name))

    def _id(self, draft: Draft, value: Any) -> None:
        if isinstance(value, str) and _UUID.match(value):
            draft.node = value.lower()
        else:
            message = f"{draft.kind.kind}: id: expected a UUID"
            self._note(Code.TYPE, message, draft.source.value_mark("id"))

    def _writable(self, draft: Draft, read_only: bool, name: str) -> bool:
        if read_only:
            message = f"{draft.kind.kind}: {name}: the server makes this value: remove it"
            self._note(Code.READ_ONLY, message, draft.source.key_mark(name))
        return not read_only

    # Attributes

    def _attribute(self, draft: Draft, attribute: Attribute, value: Any) -> None:
        name = attribute.name
        if not self._writable(draft, attribute.read_only or attribute.computed, name):
            return
        mark = draft.source.value_mark(name)
        if isinstance(value, Map) and ("from_pool" in value or "value" in value):
            self._metadata(draft, name, value)
            if "from_pool" in value:
                draft.attributes[name] = self._pool(value)
                return
            mark = value.value_mark("value")
            value = value["value"]
        try:
            draft.attributes[name] = values.normalise(attribute, value)
        except values.Invalid as invalid:
            reason = "not accepted" if attribute.kind in SENSITIVE_KINDS else str(invalid)
            self._note(invalid.code, f"{draft.kind.kind}: {name}: {reason}", mark)

    def _metadata(self, draft: Draft, name: str, value: Map) -> None:
        for key, given in value.items():
            if key in _LINEAGE:
                raw = self._reference(_LINEAGE[key], given, value.value_mark(key))
                draft.relations[f"{name}.{key}"] = raw
            elif key == "is_protected":
                if isinstance(given, bool):
                    draft.attributes[f"{name}.is_protected"] = given
                else:
                    message = f"{draft.kind.kind}: {name}.is_protected: expected true or false"
                    self._note(Code.METADATA, message, value.value_mark(key))
            elif key not in _METADATA:
                message = f"{draft.kind.kind}: {name}: no such metadata {key!r}"
                self._note(Code.METADATA, message, value.key_mark(key))

    def _pool(self, value: Map) -> RawPool | None:
        pool = value["from_pool"]
        mark = value.value_mark("from_pool")
        identifier = None
        if isinstance(pool, Map):
            identifier = pool.get("identifier")
            mark = pool.value_mark("id") if "id" in pool else mark
            pool = pool.get("id")
        reference = self._reference("CoreResourcePool", pool, mark)
        return RawPool(reference, identifier) if isinstance(reference, RawReference) else None

    # Relationships

    def _relate(self, draft: Draft, relationship: Relationship, value: Any, file_kind: str) -> None:
        name, mark = relationship.name, draft.source.value_mark(relationship.name)
        if value is None:
            draft.relations[name] = [] if relationship.many else None
        elif relationship.many:
            peers = self._many(draft, relationship, value, file_kind)
            if peers or value == []:
                draft.relations[name] = peers
        elif isinstance(value, Map) and "from_pool" in value:
            draft.relations[name] = self._pool(value)
        elif isinstance(value, Map):
            for inner in self._inline(draft, relationship, value, file_kind):
                draft.relations[name] = inner
        else:
            draft.relations[name] = self._reference(relationship.peer, value, mark)

    def _many(
        self, draft: Draft, relationship: Relationship, value: Any, file_kind: str
    ) -> list[RawPeer]:
        if isinstance(value, Map):
            return list(self._inline(draft, relationship, value, file_kind))
        peers: list[RawPeer] = []
        if not isinstance(value, Seq):
            message = f"{draft.kind.kind}: {relationship.name}: expected a list of references"
            mark = draft.source.value_mark(relationship.name)
            self._note(Code.RELATIONSHIP_FORM, f"{message}, or {{kind: …, data: […]}}", mark)
            return peers
        for item, at in value.with_marks():
            if isinstance(item, Map):
                peers.extend(self._inline(draft, relationship, item, file_kind))
            elif reference := self._reference(relationship.peer, item, at):
                peers.append(reference)
        return peers

    def _inline(
        self, draft: Draft, relationship: Relationship, block: Map, file_kind: str
    ) -> Iterator[Draft]:
        """Read inline objects; yield those that the outer object is to list as its peers."""
        name = f"{draft.kind.kind}: {relationship.name}"
        if "data" not in block:
            message = f"{name}: a mapping needs data: {_REFERENCE_HINT}"
            self._note(Code.RELATIONSHIP_FORM, message, block.mark)
            return
        self.reader.inline_keys(block)
        kind = self._inline_kind(relationship, block, file_kind)
        if kind is None:
            return
        items = self._inline_items(block)
        if not relationship.many and len(items) != 1:
            message = f"{name}: holds one object, got {len(items)}"
            self._note(Code.RELATIONSHIP_FORM, message, block.value_mark("data"))
            return
        inverse = self._inner_end(relationship, kind)
        setting = {inverse.name: draft} if inverse else {}
        for index, item in enumerate(items):
            inner = self._item(kind, item, file_kind, _Setting(setting, index))
            if inverse is None:
                yield inner

    def _inline_items(self, block: Map) -> list[Map]:
        data = block["data"]
        return [data] if isinstance(data, Map) else list(self.reader.items(block))

    def _inline_kind(self, relationship: Relationship, block: Map, file_kind: str) -> Kind | None:
        name = block.get("kind", relationship.peer)
        mark = block.value_mark("kind") if "kind" in block else block.mark
        known = self.schema.get(name) if isinstance(name, str) else None
        if known is not None and known.is_generic and self.schema.is_a(file_kind, name):
            name = file_kind  # as Infrahub does: menus and location trees rely on it
        kind = self._concrete(str(name), mark)
        if kind is not None and not self.schema.is_a(kind.kind, relationship.peer):
            message = f"{relationship.name}: {kind.kind} is no {relationship.peer}"
            self._note(Code.WRONG_PEER, message, mark)
            return None
        return kind

    def _inner_end(self, relationship: Relationship, kind: Kind) -> Relationship | None:
        """Return the inner object's end of the relationship, where that end is to be written."""
        inverse = self.schema.inverse(relationship, kind.kind)
        if inverse is None or inverse.many or inverse.read_only:
            return None
        if relationship.many:
            return None if relationship.mandatory else inverse
        return inverse if inverse.mandatory or inverse.kind in {"Parent", "Hierarchy"} else None

    def _reference(self, peer: str, value: Any, mark: int) -> RawReference | None:
        parts = value if isinstance(value, Seq) else [value]
        texts = [_text(part) for part in parts]
        if not texts or None in texts:
            self._note(Code.RELATIONSHIP_FORM, f"not a reference: {_REFERENCE_HINT}", mark)
            return None
        names = tuple(text for text in texts if text is not None)
        if len(names) == 1 and _UUID.match(names[0]):
            return RawReference(peer, NodeId(names[0].lower()), mark)
        return RawReference(peer, names, mark)

    def _note(self, code: Code, message: str, mark: int) -> None:
        at = document.location(self.reader.file, mark)
        self.notes.add(code, message, at, unit=self.reader.unit)


def _text(part: Any) -> str | None:
    """Spell one part of a reference; None where it cannot be one."""
    if isinstance(part, str):
        return str(part)
    if isinstance(part, bool):
        return "true" if part else "false"
    if isinstance(part, int | float):
        return getattr(part, "text", None) or str(part)
    return None


def _complete_menu(draft: Draft, index: int | None) -> None:
    """Fill in what Infrahub's menu files leave out: the path of a kind, and the order."""
    attributes = draft.attributes
    if "kind" in attributes and "path" not in attributes:
        attributes["path"] = f"/objects/{attributes['kind']}"
    if index is not None and "order_weight" not in attributes:
        attributes["order_weight"] = (index + 1) * 1000
