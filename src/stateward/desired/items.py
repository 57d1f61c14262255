"""Items to drafts: fields checked against their kind, inline objects flattened out.

Where the other end of an inline relationship holds one peer only, or cannot be empty, the inline
object is the one that points (an interface at its device); otherwise the outer object lists it.
Infrahub agrees where the other end is mandatory. Where it is not, Infrahub writes the outer
object's list, and throws out what other people put beside ours: that is not ours to do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from stateward.desired.drafts import Draft, Inherited, RawPeer
from stateward.desired.envelope import Block, Reader, entries
from stateward.desired.fields import REFERENCE_HINT, FieldReader, node_id
from stateward.desired.notes import Page
from stateward.errors import Code
from stateward.model.document import Map, Seq
from stateward.model.schema import Kind, Relationship, Schema


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where an item stands: what it inherits from the object around it."""

    inherited: Mapping[str, Inherited] = field(default_factory=dict)
    index: int | None = None
    """Its place among the inline items of a list."""


@dataclass(slots=True)
class ItemReader:
    """Reads the items of one document into drafts."""

    schema: Schema
    reader: Reader
    out: list[Draft]
    menu: bool = False
    page: Page = field(init=False)
    fields: FieldReader = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.reader.page
        self.fields = FieldReader(self.page)

    def block(self, block: Block) -> None:
        """Read every item of a document into drafts, inline ones included."""
        kind = self._concrete(block.kind, block.kind_mark)
        if kind is not None:
            for item in block.items:
                self._item(kind, item, block.kind, _Setting())

    def _concrete(self, name: str, mark: int) -> Kind | None:
        kind = self.schema.get(name)
        if kind is None:
            close = get_close_matches(name, self.schema.kinds, n=1)
            hint = f"did you mean {close[0]}?" if close else "is its schema file listed and loaded?"
            self.page.note(Code.UNKNOWN_KIND, f"{name}: no such kind: {hint}", mark)
        elif kind.is_generic:
            heirs = ", ".join(self.schema.concrete(name)) or "none"
            message = f"{name}: a generic kind, which has no objects: use one of its kinds: {heirs}"
            self.page.note(Code.GENERIC_KIND, message, mark)
            return None
        return kind

    def _item(self, kind: Kind, item: Map, file_kind: str, setting: _Setting) -> Draft:
        draft = Draft(kind, self.page.unit, self.page.file, item)
        draft.inherited.update(setting.inherited)
        self.out.append(draft)
        for name, value, key_mark, mark in entries(item):
            if attribute := kind.attributes.get(name):
                if attribute.read_only or attribute.computed:
                    self._read_only(kind, name, key_mark)
                else:
                    self.fields.attribute(draft, attribute, value, mark)
            elif relationship := kind.relationships.get(name):
                if relationship.read_only:
                    self._read_only(kind, name, key_mark)
                else:
                    self._relate(draft, relationship, value, mark, file_kind)
            elif name == "id":
                self._id(draft, value, mark)
            else:
                self._unknown_field(kind, name, key_mark)
        if self.menu:
            _complete_menu(draft, setting.index)
        return draft

    def _id(self, draft: Draft, value: Any, mark: int) -> None:
        draft.node = node_id(value)
        if draft.node is None and value is not None:
            self.page.note(Code.TYPE, f"{draft.kind.kind}: id: expected a UUID", mark)

    def _read_only(self, kind: Kind, name: str, mark: int) -> None:
        message = f"{kind.kind}: {name}: the server makes this value: remove it"
        self.page.note(Code.READ_ONLY, message, mark)

    def _unknown_field(self, kind: Kind, name: str, mark: int) -> None:
        close = get_close_matches(name, [*kind.attributes, *kind.relationships], n=1)
        hint = f": did you mean {close[0]}?" if close else ""
        self.page.note(Code.UNKNOWN_FIELD, f"{kind.kind}: no such field {name!r}{hint}", mark)

    def _relate(
        self, draft: Draft, relationship: Relationship, value: Any, mark: int, file_kind: str
    ) -> None:
        name = relationship.name
        if value is None:
            draft.relations[name] = [] if relationship.many else None
        elif relationship.many:
            peers = self._many(draft, relationship, value, mark, file_kind)
            if peers or value == []:
                draft.relations[name] = peers
        elif isinstance(value, Map) and "from_pool" in value:
            draft.relations[name] = self.fields.pool(value)
        elif isinstance(value, Map):
            for inner in self._inline(draft, relationship, value, file_kind):
                draft.relations[name] = inner
        else:
            draft.relations[name] = self.fields.reference(relationship.peer, value, mark)

    def _many(
        self, draft: Draft, relationship: Relationship, value: Any, mark: int, file_kind: str
    ) -> list[RawPeer]:
        if isinstance(value, Map):
            return list(self._inline(draft, relationship, value, file_kind))
        peers: list[RawPeer] = []
        if not isinstance(value, Seq):
            message = f"{draft.kind.kind}: {relationship.name}: expected a list of references,"
            self.page.note(Code.RELATIONSHIP_FORM, f"{message} or {{kind: …, data: […]}}", mark)
            return peers
        for index, (item, at) in enumerate(value.with_marks()):
            if isinstance(item, Map):
                peers.extend(self._inline(draft, relationship, item, file_kind, index))
            elif reference := self.fields.reference(relationship.peer, item, at):
                peers.append(reference)
        return peers

    def _inline(
        self,
        draft: Draft,
        relationship: Relationship,
        block: Map,
        file_kind: str,
        first: int = 0,
    ) -> Iterator[Draft]:
        """Read inline objects; yield those that the outer object is to list as its peers."""
        name = f"{draft.kind.kind}: {relationship.name}"
        if "data" not in block:
            message = f"{name}: a mapping needs data: {REFERENCE_HINT}"
            self.page.note(Code.RELATIONSHIP_FORM, message, block.mark)
            return
        self.reader.inline_keys(block)
        kind = self._inline_kind(relationship, block, file_kind)
        if kind is None:
            return
        data = block["data"]
        items = [data] if isinstance(data, Map) else list(self.reader.items(block))
        if not relationship.many and len(items) != 1:
            message = f"{name}: holds one object, got {len(items)}"
            self.page.note(Code.RELATIONSHIP_FORM, message, block.value_mark("data"))
            return
        inverse = self._inner_end(relationship, kind)
        for index, item in enumerate(items, first):
            setting = _Setting(
                inherited={inverse.name: [draft] if inverse.many else draft} if inverse else {},
                index=index if relationship.many else None,
            )
            inner = self._item(kind, item, file_kind, setting)
            if inverse is None:
                yield inner

    def _inline_kind(self, relationship: Relationship, block: Map, file_kind: str) -> Kind | None:
        name = block.get("kind") or relationship.peer
        mark = block.value_mark("kind") if "kind" in block else block.mark
        known = self.schema.get(name) if isinstance(name, str) else None
        if known is not None and known.is_generic and self.schema.is_a(file_kind, name):
            name = file_kind  # as Infrahub does: menus and location trees rely on it
        kind = self._concrete(str(name), mark)
        if kind is not None and not self.schema.is_a(kind.kind, relationship.peer):
            message = f"{relationship.name}: {kind.kind} is no {relationship.peer}"
            self.page.note(Code.WRONG_PEER, message, mark)
            return None
        return kind

    def _inner_end(self, relationship: Relationship, kind: Kind) -> Relationship | None:
        """Return the inner object's end of the relationship, where that end is to be written."""
        inverse = self.schema.inverse(relationship, kind.kind)
        if inverse is None or inverse.read_only:
            return None
        if relationship.many and not inverse.many:
            return None if relationship.mandatory else inverse
        return inverse if inverse.mandatory or _is_parent(inverse) else None


def _is_parent(relationship: Relationship) -> bool:
    return not relationship.many and relationship.kind in {"Parent", "Hierarchy"}


def _complete_menu(draft: Draft, index: int | None) -> None:
    """Fill in what Infrahub's menu files leave out: the path of a kind, and the order."""
    attributes = draft.attributes
    if attributes.get("kind") is not None and "path" not in attributes:
        attributes["path"] = f"/objects/{attributes['kind']}"
    if index is not None and "order_weight" not in attributes:
        attributes["order_weight"] = (index + 1) * 1000
