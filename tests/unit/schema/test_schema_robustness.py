"""Whatever a schema file holds, there is a schema or a problem, and never an exception."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stateward.desired.documents import parse
from stateward.errors import Severity
from stateward.schema import forms
from stateward.schema.files import load

NAMES = st.sampled_from(["name", "size", "parent", "tags", "a__b", "Thing", "Other", "Lab", "x"])
KINDS = st.sampled_from(["LabThing", "LabOther", "BuiltinTag", "CoreGroup", "IpamNamespace", "zzz"])
WORDS = st.sampled_from(
    [
        "Text",
        "Dropdown",
        "Number",
        "NumberPool",
        "Jinja2",
        "{{ name__value }}",
        "Component",
        "Parent",
        "one",
        "absent",
        "name__value",
        "tags__name__value",
        "outbound",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | NAMES | KINDS | WORDS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2)
)
FLAGS = st.booleans()
LISTS = st.lists(WORDS | KINDS | NAMES, max_size=2)


def filled(form: forms.Form, **fitting: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Build mappings of a form's keys, with values that mostly fit."""
    known = {key: fitting.get(key, ANYTHING) | ANYTHING for key in form.keys}
    required = {key: fitting[key] for key in form.required if key in fitting}
    optional = {key: values for key, values in known.items() if key not in required}
    return st.fixed_dictionaries(required, optional={**optional, "stray": ANYTHING}) | ANYTHING


ATTRIBUTES = filled(
    forms.ATTRIBUTE,
    name=NAMES,
    kind=WORDS,
    choices=st.lists(st.fixed_dictionaries({"name": NAMES}), max_size=2),
    default_value=ANYTHING,
    parameters=st.fixed_dictionaries({}, optional={"regex": WORDS, "min_length": ANYTHING}),
    computed_attribute=st.fixed_dictionaries({"kind": WORDS, "jinja2_template": WORDS}),
    optional=FLAGS,
    unique=FLAGS,
    state=WORDS,
)
RELATIONSHIPS = filled(
    forms.RELATIONSHIP,
    name=NAMES,
    peer=KINDS,
    kind=WORDS,
    cardinality=WORDS,
    optional=FLAGS,
    common_parent=NAMES,
    common_relatives=LISTS,
)
FIELDS = {
    "attributes": st.lists(ATTRIBUTES, max_size=2),
    "relationships": st.lists(RELATIONSHIPS, max_size=2),
}
SETTINGS = {
    "name": st.sampled_from(["Thing", "Other"]),
    "namespace": st.just("Lab"),
    "human_friendly_id": LISTS,
    "uniqueness_constraints": st.lists(LISTS, max_size=2),
    "display_label": WORDS,
    "order_by": LISTS,
    **FIELDS,
}
NODES = filled(
    forms.NODE,
    inherit_from=st.lists(KINDS, max_size=2),
    generate_template=FLAGS,
    parent=KINDS,
    **SETTINGS,
)
GENERICS = filled(forms.GENERIC, hierarchical=FLAGS, **SETTINGS)
EXTENSIONS = filled(forms.EXTENSION, kind=KINDS, **FIELDS)


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"version": "1.0"}
    found["nodes"] = draw(st.lists(NODES, max_size=3))
    found["generics"] = draw(st.lists(GENERICS, max_size=2))
    found["extensions"] = {"nodes": draw(st.lists(EXTENSIONS, max_size=2))}
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(files() | ANYTHING, max_size=2))
def test_nothing_is_too_odd_to_be_read(contents: list[Any]) -> None:
    documents = [
        document
        for number, content in enumerate(contents)
        for document in parse(f"{number}.yml", json.dumps(content).encode())[0]
    ]
    found, problems = load(documents)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert (found is None) == bool(errors)
    assert all(problem.location is not None and problem.location.line for problem in problems)
