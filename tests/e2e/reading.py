"""Everything that a branch holds, read in GraphQL by nothing of ours, with peers by name."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from branches import Branch, Name, Node

_SECTIONS = ("nodes", "profiles", "templates")
_KINDS_AT_ONCE = 10
_IDS_AT_ONCE = 2000
_TRACKING = "stateward/"

Fields = dict[str, Any]


def everything(branch: Branch, *, without: Collection[str] = ()) -> dict[Name, Fields]:
    """Return all objects of a branch by name; ``without`` names kinds and kinds of attributes."""
    schema = branch.schema()
    kinds = [
        own
        for section in _SECTIONS
        for own in schema[section]
        if own["kind"] not in without and own["namespace"] not in {"Internal", "Schema"}
    ]
    found: dict[str, tuple[dict[str, Any], Node]] = {}
    for start in range(0, len(kinds), _KINDS_AT_ONCE):
        some = kinds[start : start + _KINDS_AT_ONCE]
        asked = [f"{own['kind']} {{ edges {{ node {{ {_selection(own)} }} }} }}" for own in some]
        answer = branch.ask("{ " + " ".join(asked) + " }")
        for own in some:
            found |= {
                edge["node"]["id"]: (own, edge["node"]) for edge in answer[own["kind"]]["edges"]
            }
    names = _names(branch, found)
    return {
        names[node]: _fields(own, content, names, without)
        for node, (own, content) in found.items()
        if not _is_tracking(names[node])
    }


def _is_tracking(name: Name) -> bool:
    return name[0] == "CoreStandardGroup" and name[1].startswith(_TRACKING)


def _selection(kind: Mapping[str, Any]) -> str:
    parts = ["id", "hfid", "display_label", "__typename"]
    parts += [f"{own['name']} {{ value }}" for own in kind["attributes"]]
    for own in kind["relationships"]:
        peer = "node { id __typename }"
        parts.append(
            f"{own['name']} {{ {peer if own['cardinality'] == 'one' else f'edges {{ {peer} }}'} }}"
        )
    return " ".join(parts)


def _names(branch: Branch, found: Mapping[str, tuple[Any, Node]]) -> dict[str, Name]:
    names = {node: _name(content) for node, (_, content) in found.items()}
    others = sorted(
        {peer for kind, own in found.values() for peer in _peers(kind, own)} - names.keys()
    )
    for start in range(0, len(others), _IDS_AT_ONCE):
        text = "query($i: [ID]) { CoreNode(ids: $i) { edges { node { id hfid display_label __typename } } } }"
        answer = branch.ask(text, i=others[start : start + _IDS_AT_ONCE])
        names |= {edge["node"]["id"]: _name(edge["node"]) for edge in answer["CoreNode"]["edges"]}
    return names


def _name(node: Node) -> Name:
    """Return what an object is called; the server leaves a part that is not set ``None``."""
    parts = node["hfid"] or [node["display_label"] or node["id"]]
    return (node["__typename"], *(str(own) for own in parts))


def _peers(kind: Mapping[str, Any], node: Node) -> Iterator[str]:
    for own in kind["relationships"]:
        yield from _ids(own, node)


def _ids(relationship: Mapping[str, Any], node: Node) -> list[str]:
    answer = node[relationship["name"]]
    if relationship["cardinality"] == "one":
        return [answer["node"]["id"]] if answer["node"] else []
    return [edge["node"]["id"] for edge in answer["edges"]]


def _fields(
    kind: Mapping[str, Any], node: Node, names: Mapping[str, Name], without: Collection[str]
) -> Fields:
    fields: Fields = {
        own["name"]: node[own["name"]]["value"]
        for own in kind["attributes"]
        if own["kind"] not in without
    }
    for own in kind["relationships"]:
        peers = sorted(names[peer] for peer in _ids(own, node))
        fields[own["name"]] = [peer for peer in peers if not _is_tracking(peer)]
    return fields
