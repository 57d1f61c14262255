"""The keys of Infrahub's schema files and what each may hold, as the server checks them."""

import keyword
import re
from itertools import pairwise

from stateward.schema.shapes import (
    Convert,
    Form,
    Wrong,
    anything,
    flag,
    list_of,
    mapping,
    one_of,
    optional,
    regex,
    sequence,
    text,
    text_of,
    texts,
    whole,
)
from stateward.schema.spelling import SPELLINGS, show

_WORD = r"[A-Z][a-zA-Z0-9]+"
_WORD_RULE = "must start with a capital letter and hold letters and digits only"
_NAME = text_of(
    least=3,
    most=64,
    pattern=r"[a-z0-9_]+",
    rule="may only hold lower-case letters, digits and underscores",
)
_KIND_NAME = text_of(least=2, most=32, pattern=_WORD, rule=_WORD_RULE, refused=keyword.iskeyword)
_NAMESPACE = text_of(
    least=3,
    most=64,
    pattern=r"[A-Z][a-z0-9]+",
    rule="must be one capital letter, and then lower-case letters and digits",
)
_PEER = text_of(most=1024, pattern=_WORD, rule=f"is not a kind: it {_WORD_RULE}", keep=False)
_IDENTIFIER = text_of(
    most=128,
    pattern=r"[a-z0-9_]+",
    rule="may only hold lower-case letters, digits and underscores",
)
_LABEL = optional(text_of(most=64))
_DESCRIPTION = optional(text_of(most=128))
_OPTIONAL_TEXT = optional(text)
_COUNT = optional(whole)
_BRANCH = one_of("aware", "agnostic", "local")
_STATE = one_of("present", "absent")
_OVERRIDE = one_of("none", "any")
_DISPLAY = one_of("default", "extra")
_HTML_COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")
_OWN = frozenset({"id", "state"})
_EXCLUDED = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*")


def _color(value: object) -> str:
    found = text(value)
    if _HTML_COLOR.match(found):
        return found
    raise Wrong(f"{show(found)} is not a colour as in #A9DFBF")


def _enum_value(value: object) -> str | int:
    if isinstance(value, str | int):
        return str(value) if isinstance(value, str) else value
    raise Wrong(f"{show(value)} is neither text nor a whole number")


def _excluded(value: object) -> str:
    found = text(value)
    if not _EXCLUDED.fullmatch(found):
        raise Wrong(f"{show(found)} is not a list of numbers and ranges as in 100,150-200")
    ranges = [tuple(int(end) for end in part.split("-")) for part in found.split(",")]
    pairs = sorted(pair for pair in ranges if len(pair) > 1)
    if any(first > last for first, last in pairs):
        raise Wrong(f"{show(found)} has a range that ends before it begins")
    if any(pair[1] >= following[0] for pair, following in pairwise(pairs)):
        raise Wrong(f"{show(found)} has ranges that overlap")
    return found


ROOT = Form(
    keys={
        "version": text,
        "nodes": sequence,
        "generics": sequence,
        "extensions": optional(mapping),
    },
    required=("version",),
    ignored=frozenset({"main", "namespaces", "profiles", "templates"}),
)
EXTENSIONS = Form(keys={"nodes": sequence}, ignored=_OWN)
EXTENSION = Form(
    keys={"kind": text, "attributes": sequence, "relationships": sequence},
    required=("kind",),
    ignored=_OWN,
)
_KIND: dict[str, Convert] = {
    "id": _OPTIONAL_TEXT,
    "name": _KIND_NAME,
    "namespace": _NAMESPACE,
    "description": _DESCRIPTION,
    "label": _LABEL,
    "branch": _BRANCH,
    "default_filter": optional(
        text_of(
            most=1024, pattern=r"[a-z0-9_]*", rule="is not a path as in name__value", keep=False
        )
    ),
    "human_friendly_id": optional(texts),
    "display_label": _OPTIONAL_TEXT,
    "display_labels": optional(texts),
    "include_in_menu": optional(flag),
    "menu_placement": _OPTIONAL_TEXT,
    "icon": _OPTIONAL_TEXT,
    "order_by": optional(texts),
    "uniqueness_constraints": optional(list_of(texts)),
    "documentation": _OPTIONAL_TEXT,
    "state": _STATE,
    "attributes": sequence,
    "relationships": sequence,
    "generate_profile": flag,
}
NODE = Form(
    keys={
        **_KIND,
        "inherit_from": texts,
        "generate_template": flag,
        "parent": _OPTIONAL_TEXT,
        "children": _OPTIONAL_TEXT,
    },
    required=("name", "namespace"),
    ignored=frozenset({"hash", "kind", "hierarchy"}),
)
GENERIC = Form(
    keys={**_KIND, "hierarchical": flag, "restricted_namespaces": optional(texts)},
    required=("name", "namespace"),
    ignored=frozenset({"hash", "kind", "used_by"}),
)
ATTRIBUTE = Form(
    keys={
        "id": _OPTIONAL_TEXT,
        "name": _NAME,
        "kind": one_of(*SPELLINGS),
        "enum": optional(list_of(_enum_value)),
        "computed_attribute": optional(mapping),
        "choices": optional(sequence),
        "regex": optional(regex),
        "max_length": _COUNT,
        "min_length": _COUNT,
        "label": _LABEL,
        "description": _DESCRIPTION,
        "read_only": flag,
        "unique": flag,
        "optional": flag,
        "branch": optional(_BRANCH),
        "order_weight": _COUNT,
        "ordered": flag,
        "default_value": anything,
        "state": _STATE,
        "allow_override": _OVERRIDE,
        "deprecation": _DESCRIPTION,
        "display": _DISPLAY,
        "parameters": optional(mapping),
    },
    required=("name", "kind"),
    ignored=frozenset({"inherited"}),
)
CHOICE = Form(
    keys={
        "name": text,
        "description": _OPTIONAL_TEXT,
        "color": optional(_color),
        "label": _OPTIONAL_TEXT,
    },
    required=("name",),
    ignored=_OWN,
)
_TEXT_PARAMETERS = Form(
    keys={"regex": optional(regex), "min_length": _COUNT, "max_length": _COUNT}, ignored=_OWN
)
PARAMETERS = {
    "Text": _TEXT_PARAMETERS,
    "TextArea": _TEXT_PARAMETERS,
    "List": Form(keys={"regex": optional(regex)}, ignored=_OWN),
    "Number": Form(
        keys={"min_value": _COUNT, "max_value": _COUNT, "excluded_values": optional(_excluded)},
        ignored=_OWN,
    ),
    "NumberPool": Form(
        keys={"start_range": whole, "end_range": whole, "number_pool_id": _OPTIONAL_TEXT},
        ignored=_OWN,
    ),
}
"""By attribute kind; the others have none."""
NO_PARAMETERS = Form(keys={}, ignored=_OWN)
_COMPUTED_KIND = one_of("User", "Jinja2", "TransformPython")
COMPUTED = {
    "User": Form(keys={"kind": _COMPUTED_KIND}, ignored=_OWN | {"jinja2_template", "transform"}),
    "Jinja2": Form(
        keys={"kind": _COMPUTED_KIND, "jinja2_template": text},
        required=("jinja2_template",),
        ignored=_OWN | {"transform"},
    ),
    "TransformPython": Form(
        keys={"kind": _COMPUTED_KIND, "transform": text},
        required=("transform",),
        ignored=_OWN | {"jinja2_template"},
    ),
}
"""By who computes the attribute."""
UNKNOWN_COMPUTED = Form(
    keys={"kind": _COMPUTED_KIND, "jinja2_template": text, "transform": text}, required=("kind",)
)
RELATIONSHIP = Form(
    keys={
        "id": _OPTIONAL_TEXT,
        "name": _NAME,
        "peer": _PEER,
        "kind": one_of(
            "Generic",
            "Attribute",
            "Component",
            "Parent",
            "Group",
            "Hierarchy",
            "Profile",
            "Template",
        ),
        "label": _LABEL,
        "description": _DESCRIPTION,
        "identifier": optional(_IDENTIFIER),
        "cardinality": one_of("one", "many"),
        "min_count": whole,
        "max_count": whole,
        "common_parent": _OPTIONAL_TEXT,
        "common_relatives": optional(texts),
        "order_weight": _COUNT,
        "optional": flag,
        "branch": optional(_BRANCH),
        "direction": one_of("bidirectional", "outbound", "inbound"),
        "state": _STATE,
        "on_delete": optional(one_of("no-action", "cascade")),
        "allow_override": _OVERRIDE,
        "read_only": flag,
        "deprecation": _DESCRIPTION,
        "display": _DISPLAY,
    },
    required=("name", "peer"),
    ignored=frozenset({"hierarchical", "inherited"}),
)
