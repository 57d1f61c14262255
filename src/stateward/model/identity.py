"""What an object is called before it has an id, and how one object points at another."""

from typing import NamedTuple


class ObjectKey(NamedTuple):
    """A kind and the components of its human-friendly id, as the server spells them.

    In a reference the kind may be a generic; then ``hfid`` holds the identity as the generic
    counts it (its human-friendly id, else its default filter).
    """

    kind: str
    hfid: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}/{'/'.join(self.hfid)}"


class NodeId(NamedTuple):
    """A reference by the target's own id (a UUID)."""

    id: str

    def __str__(self) -> str:
        return self.id


Reference = ObjectKey | NodeId
