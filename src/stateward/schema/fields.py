"""Attributes and relationships as schema files write them."""

from collections.abc import Mapping
from typing import Any

from stateward.model.document import Map
from stateward.schema import api, forms
from stateward.schema.draft import Declared
from stateward.schema.entries import Entry

_DROPDOWN = "Dropdown"
_UNKNOWN_KIND = "Any"
_LIMITS = (
    ("min_length", "max_length"),
    ("min_value", "max_value"),
    ("start_range", "end_range"),
)


def attribute(entry: Entry) -> Declared | None:
    """Read an attribute; None where it has not even a name."""
    data = entry.read(forms.ATTRIBUTE)
    if "name" not in data:
        return None
    parameters = entry.inner(data.pop("parameters", Map()), f"{entry.what}: parameters")
    if "kind" in data:
        _check_choices(entry, data)
        form = forms.PARAMETERS.get(data["kind"], forms.NO_PARAMETERS)
        data["parameters"] = parameters.read(form)
        _check_limits(entry, data)
        _check_limits(parameters, data["parameters"])
    data.setdefault("kind", _UNKNOWN_KIND)
    choices = entry.items("choices", data.get("choices", ()), f"{entry.what}: choice")
    data["choices"] = [choice for item in choices if "name" in (choice := item.read(forms.CHOICE))]
    data["computed_attribute"] = _computed(entry, data.get("computed_attribute"))
    return Declared(field=api.attribute(data), source=entry.source, settings=data)


def relationship(entry: Entry) -> Declared | None:
    """Read a relationship; None where its name or its peer is missing."""
    data = entry.read(forms.RELATIONSHIP)
    if "name" not in data or "peer" not in data:
        return None
    return Declared(field=api.relationship(data), source=entry.source, settings=data)


def _check_choices(entry: Entry, data: Mapping[str, Any]) -> None:
    kind, choices = data["kind"], data.get("choices")
    if kind == _DROPDOWN and not choices:
        entry.error(entry.source.start(), "choices are missing: a Dropdown needs some")
    elif kind != _DROPDOWN and choices:
        hint = "make it a Dropdown, or list the values under enum"
        entry.error(entry.source.key("choices"), f"choices: {kind} has none: {hint}")


def _check_limits(entry: Entry, data: Mapping[str, Any]) -> None:
    for first, last in _LIMITS:
        low, high = data.get(first), data.get(last)
        if low is not None and high is not None and low > high:
            entry.error(entry.source.value(last), f"{last}: {high} is less than {first}, {low}")


def _computed(entry: Entry, given: Map | None) -> dict[str, Any]:
    if given is None:
        return {}
    form = forms.COMPUTED.get(str(given.get("kind")), forms.UNKNOWN_COMPUTED)
    return entry.inner(given, f"{entry.what}: computed_attribute").read(form)
