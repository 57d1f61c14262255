"""What the server answers, as the values of the model."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stateward.errors import Code, TargetUnavailable
from stateward.model.fight import Writer
from stateward.model.identity import ObjectKey
from stateward.model.schema import IP_ADDRESS, IP_PREFIX, PROTECTED, Path, Relationship
from stateward.model.state import ObservedObject
from stateward.schema import paths, values
from stateward.targets.infrahub.queries import EVERYTHING
from stateward.targets.infrahub.shapes import Shape, properties
from stateward.targets.infrahub.words import shown

_SYSTEM = "__system__"
"""The account under whose name the server makes what it comes with."""
_GIVEN_BY_POOLS = frozenset({IP_ADDRESS, IP_PREFIX})
_PEER_SEPARATOR = "__"
_NOBODY: frozenset[str] = frozenset()

Node = Mapping[str, Any]


@contextmanager
def understood() -> Iterator[None]:
    """Take an answer of another shape than was asked for as the failure of the server it is."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"the server's answer does not hold what was asked for: {shown(repr(error))}"
        raise TargetUnavailable(message, code=Code.TARGET_ANSWER) from error


def edges(answer: Any) -> list[Mapping[str, Any]]:
    """Return the edges of a list of nodes; raises ``KeyError`` or ``TypeError`` for another thing."""
    return [edge for edge in answer["edges"] if edge["node"] is not None]


def nodes(answer: Any) -> list[Node]:
    """Return the nodes of a list of nodes."""
    return [edge["node"] for edge in edges(answer)]


def kinds(found: Iterable[Node]) -> dict[str, str]:
    """Return of which kind each node is, by its id."""
    return {node["id"]: str(node["__typename"]) for node in found}


def peer_nodes(end: Relationship, answer: Any) -> list[Node]:
    """Return the nodes at the other end of a relationship, with one peer or with many."""
    if end.many:
        return nodes(answer)
    return [answer["node"]] if answer["node"] else []


def peers(answer: Any) -> frozenset[str]:
    """Return the ids of a relationship with many."""
    return frozenset(node["id"] for node in nodes(answer))


def found_by_id(answer: Mapping[str, Any]) -> list[Node]:
    """Return the nodes that were asked for by id, whatever they are."""
    return [node for kind in EVERYTHING for node in nodes(answer[kind])]


def changed(answer: Any) -> dict[str, str]:
    """Return when each node of a list was changed last, by its id."""
    return {edge["node"]["id"]: str(edge["node_metadata"]["updated_at"]) for edge in edges(answer)}


def changed_by_id(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return when each of the nodes that were asked for by id was changed last."""
    return {node: at for kind in EVERYTHING for node, at in changed(answer[kind]).items()}


def writers(answer: Mapping[str, Any]) -> dict[str, Writer]:
    """Return who changed each of the nodes that were asked for by id, where the server says so."""
    found = {}
    for edge in (own for kind in EVERYTHING for own in edges(answer[kind])):
        by = edge["node_metadata"]["updated_by"]
        if by is not None:
            name = str(by["display_label"] or by["id"])
            found[edge["node"]["id"]] = Writer(name, str(edge["node_metadata"]["updated_at"]))
    return found


def _is_seeded(shape: Shape, edge: Mapping[str, Any]) -> bool:
    """Tell whether the server came with an object.

    What a pool made was made in the same name, but a server comes with no addresses.
    """
    if _GIVEN_BY_POOLS & shape.kind.inherits:
        return False
    made_by = (edge.get("node_metadata") or {}).get("created_by") or {}
    return bool(made_by.get("id") == _SYSTEM)


def observed(shape: Shape, edge: Mapping[str, Any]) -> ObservedObject:
    """Return an object with the fields that its shape names."""
    node = edge["node"]
    attributes, defaults = _attributes(shape, node)
    relations: dict[str, str | frozenset[str] | None] = {
        end.name: _related(end, node.get(end.name)) for end in shape.ends
    }
    for name, part in shape.lineage:
        relations[f"{name}.{part}"] = _id(properties(node, name).get(part))
    return ObservedObject(
        id=node["id"],
        key=ObjectKey(shape.kind.kind, identity(shape, node)),
        attributes=attributes,
        relations=relations,
        defaults=defaults,
        pools=dict(_pools(shape, node)),
        seeded=_is_seeded(shape, edge),
    )


def _attributes(shape: Shape, node: Node) -> tuple[dict[str, Any], frozenset[str]]:
    found: dict[str, Any] = {}
    defaults: set[str] = set()
    for name in shape.attributes:
        given = node.get(name)
        if given is None:  # the server does not have it yet
            found[name] = shape.kind.attributes[name].default
            defaults.add(name)
            continue
        found[name] = given["value"]
        if given["is_default"]:
            defaults.add(name)
    for name in shape.protections:
        found[name + PROTECTED] = bool(properties(node, name).get("is_protected"))
    return found, frozenset(defaults)


def _related(end: Relationship, answer: Any) -> str | frozenset[str] | None:
    if end.many:
        return _NOBODY if answer is None else peers(answer)
    return _id(answer["node"]) if answer else None


def _id(node: Any) -> str | None:
    return str(node["id"]) if node else None


def _pools(shape: Shape, node: Node) -> Iterator[tuple[str, str]]:
    """Yield the fields that a pool gave, each with the pool: it stands as the source."""
    for name in shape.pooled:
        given = properties(node, name)
        source = given.get("source") or (given.get("properties") or {}).get("source") or {}
        if str(source.get("__typename", "")).endswith("Pool"):
            yield name, source["id"]


def identity(shape: Shape, node: Node) -> tuple[str, ...]:
    """Return the parts of an object's name."""
    found = paths.name(shape.kind, lambda path: _part(shape, path, node))
    return found or (node["id"],)


def named(way: tuple[Path, ...], node: Node) -> tuple[str, ...]:
    """Return what a node is called in one way of naming it."""
    parts = [_answered(path, node) for path in way]
    return tuple(values.spell(part) for part in parts)


def _part(shape: Shape, path: Path, node: Node) -> Any:
    """Return one part of a name: an attribute, or what a peer shows or is called."""
    if path.relationship is None and (path.attribute or "") not in node:
        known = shape.kind.attributes.get(path.attribute or "")
        return known.default if known else None
    return _answered(path, node)


def _answered(path: Path, node: Node) -> Any:
    if path.relationship is None:
        return properties(node, path.attribute or "").get("value")
    peer = properties(node, path.relationship).get("node")
    if peer is None:
        return None
    if path.attribute is None:
        return _PEER_SEPARATOR.join(peer.get("hfid") or [peer["id"]])
    return properties(peer, path.attribute).get("value")
