"""The kinds that Infrahub 1.11.9 has before any schema is loaded into it.

``data/core.json`` holds them as a schema file would declare them: what follows from that, the
profiles, groups and inherited fields among it, is made as for everybody else's kinds.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from stateward.model.schema import Section
from stateward.schema import api
from stateward.schema.draft import Draft, Drafts


def drafts() -> Drafts:
    """Return drafts of the core kinds, which are the caller's to change."""
    return {
        kind: replace(
            draft,
            attributes=dict(draft.attributes),
            relationships=dict(draft.relationships),
            inherited=set(draft.inherited),
            sealed=set(draft.sealed),
            generics=list(draft.generics),
            uniqueness=list(draft.uniqueness),
            declarations=[],
        )
        for kind, draft in _kept().items()
    }


@cache
def _kept() -> Mapping[str, Draft]:
    data = json.loads(files("stateward.schema").joinpath("data/core.json").read_bytes())
    sections = (("generics", Section.GENERIC), ("nodes", Section.NODE))
    kept = [_draft(item, section) for name, section in sections for item in data[name]]
    return {draft.kind: draft for draft in kept}


def _draft(data: Mapping[str, Any], section: Section) -> Draft:
    items = [*data["attributes"], *data["relationships"]]
    return Draft(
        kind=data["namespace"] + data["name"],
        namespace=data["namespace"],
        section=section,
        attributes={item["name"]: api.attribute(item) for item in data["attributes"]},
        relationships={item["name"]: api.relationship(item) for item in data["relationships"]},
        sealed={item["name"] for item in items if "allow_override" in item},
        generics=list(data.get("inherit_from", ())),
        hfid=tuple(data.get("human_friendly_id", ())),
        uniqueness=[tuple(constraint) for constraint in data.get("uniqueness_constraints", ())],
        default_filter=data.get("default_filter"),
        hierarchical=data.get("hierarchical", False),
        hierarchy=data.get("hierarchy"),
        parent=data.get("parent"),
        children=data.get("children"),
        generate_profile=data.get("generate_profile", True),
        namespaces=data.get("restricted_namespaces"),
    )
