"""What is suggested to be ignored is what our own reader takes, and what counted before stays."""

from stateward.desired import documents
from stateward.model.drift import Departure, Difference, DriftedField, SourceDrift, UnitDrift
from stateward.model.identity import ObjectKey
from stateward.model.unit import Ignore
from stateward.reporting import suggestion
from stateward.settings import UnitDefaults, UnitOverrides, read_unit

LEAF, TAG = ObjectKey("NetDevice", ("leaf1",)), ObjectKey("BuiltinTag", ("re\nd",))


def difference(what: Departure, key: ObjectKey, *names: str) -> Difference:
    return Difference(what=what, key=key, fields=tuple(DriftedField(own, 1, 2) for own in names))


def found(*differences: Difference, unit: str = "a", more: int = 0) -> list[SourceDrift]:
    objects = len(differences) + more
    drift = UnitDrift(revision="r1", at=0, objects=objects, differences=differences)
    clean = UnitDrift(revision="r1", at=0)
    return [SourceDrift(source="s", target="t", revision="r1", units={unit: drift, "z": clean})]


def read(text: str) -> dict[str, frozenset[str]]:
    (doc,), problems = documents.parse(".stateward.yaml", text.encode())
    settings, wrong = read_unit(doc, UnitOverrides(), UnitDefaults())
    assert not (*problems, *wrong)
    return {own.kind: own.fields for own in settings.ignore}


def test_it_names_the_file_and_the_fields_of_each_kind() -> None:
    one = difference(Departure.CHANGED, LEAF, "role", "comment")
    two = difference(Departure.CHANGED, TAG, "description")
    text = suggestion.as_yaml(found(one, two, one), {})
    assert text == (
        "# a/.stateward.yaml: in place of what it says under `ignore`\n"
        "---\n"
        "ignore:\n"
        "- kind: NetDevice\n"
        "  fields:\n"
        "  - comment\n"
        "  - role\n"
        "- kind: BuiltinTag\n"
        "  fields:\n"
        "  - description\n"
    )
    assert read(text) == {
        "NetDevice": frozenset({"role", "comment"}),
        "BuiltinTag": frozenset({"description"}),
    }


def test_what_counted_before_goes_on_to_count() -> None:
    said = {("s", "a"): (Ignore(kind="NetDevice", fields=frozenset({"site"})),)}
    own = difference(Departure.CHANGED, LEAF, "role")
    assert read(suggestion.as_yaml(found(own), said)) == {"NetDevice": frozenset({"role", "site"})}


def test_of_values_that_are_json_it_names_the_parts_that_differ() -> None:
    fields = (DriftedField("settings", {"a": 1}, {"a": 2}, parts=("/a", "/b~1c")),)
    own = Difference(what=Departure.CHANGED, key=LEAF, fields=fields)
    assert read(suggestion.as_yaml(found(own), {})) == {
        "NetDevice": frozenset({"settings#/a", "settings#/b~1c"})
    }


def test_what_cannot_be_silenced_is_said() -> None:
    text = suggestion.as_yaml(
        found(
            difference(Departure.MISSING, TAG),
            difference(Departure.LOST, LEAF),
            difference(Departure.EXTRA, LEAF),
            more=3,
            unit=".",
        ),
        {},
    )
    assert text == (
        "# .stateward.yaml: no field differs, so there is nothing to ignore\n"
        "# not silenced: BuiltinTag/re\\nd is missing\n"
        "# not silenced: NetDevice/leaf1 is no member of the tracking group any more\n"
        "# not silenced: NetDevice/leaf1 is a member that Git does not declare\n"
        "# of 3 more objects it is not known which fields differ: look again afterwards\n"
    )


def test_where_nothing_has_drifted_there_is_nothing_to_say() -> None:
    assert suggestion.as_yaml(found(), {}) == "# nothing has drifted\n"
