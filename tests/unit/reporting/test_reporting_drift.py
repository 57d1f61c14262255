"""Drift as people and programs read it."""

from dataclasses import replace

from stateward.errors import Location
from stateward.model.drift import Departure, Difference, DriftedField, SourceDrift, UnitDrift
from stateward.model.fight import Writer
from stateward.model.identity import ObjectKey
from stateward.model.plan import Default, Secret
from stateward.reporting import drift as rendering

NOW = 1_800_000_000.0
LEAF = ObjectKey("NetDevice", ("leaf1",))
CHANGED = Difference(
    what=Departure.CHANGED,
    key=LEAF,
    node="1",
    fields=(
        DriftedField("role", "spine", Default("leaf")),
        DriftedField("settings", {"a": 1}, {"a": 2}, parts=("/a",)),
        DriftedField("password", Secret("c4nary"), Secret("c4nary")),
        DriftedField("tags", frozenset(), frozenset({LEAF}), cut=True),
    ),
    writer=Writer("Eve\n", "2026-11-27T12:00:00Z"),
    origin=Location("a/x.yml", 3, 5),
)
GONE = Difference(what=Departure.MISSING, key=ObjectKey("NetDevice", ("le|af2",)))
DRIFT = UnitDrift(revision="r1", at=NOW - 65, objects=2, fields=4, differences=(CHANGED, GONE))
FOUND = SourceDrift(
    source="network",
    target="sqlite:///t.db",
    revision="0123456789abcdef",
    units={"a": DRIFT, "b": UnitDrift(revision="r1", at=NOW)},
    unknown={"c": "it is suspended"},
    kept=True,
    late=True,
)


def test_people_read_what_differs_who_changed_it_and_when_it_was_found() -> None:
    assert rendering.as_text([FOUND], NOW) == (
        "network  0123456789ab  →  sqlite:///t.db\n"
        "  as the daemon has kept it, of looks up to 1m5s old; to look now: stateward drift --now\n"
        "  no daemon seems to be running\n"
        "\n"
        "a  (1 changed, 1 missing, found 1m5s ago)\n"
        "  ~ changed NetDevice/leaf1  a/x.yml:3:5\n"
        "      last changed by Eve\\n at 2026-11-27T12:00:00Z\n"
        '      role: "spine", in Git "leaf" (default)\n'
        '      settings: {"a": 1}, in Git {"a": 2}  (in /a)\n'
        "      password: (sensitive), in Git (sensitive)\n"
        "      tags: [], in Git [leaf1]  (in part)\n"
        "  - missing NetDevice/le|af2  (somebody deleted it)\n"
        "\n"
        "not known: c: it is suspended\n"
        "\n"
        "Drift: 2 objects and 4 fields in 1 of 2 units, 1 not known.\n"
    )


def test_what_was_looked_at_now_and_set_back_is_told_so() -> None:
    found = replace(FOUND, kept=False, units={"a": replace(DRIFT, mended=True)})
    assert "(1 changed, 1 missing, found now, set back at once)" in rendering.as_text([found], NOW)


def test_the_number_of_what_is_not_told_is_told() -> None:
    found = replace(FOUND, units={"a": replace(DRIFT, objects=9)})
    text = rendering.as_text([found], NOW)
    assert "a  (9 objects differ, found 1m5s ago)\n" in text
    assert "  … and 7 more objects\n" in text
    assert "| … and 7 more, found 1m5s ago |" in rendering.as_markdown([found], NOW)


def test_programs_read_the_same() -> None:
    (source,) = rendering.as_json([FOUND])["sources"]
    own = source["units"]["a"]
    assert (source["kept"], source["late"], source["unknown"]) == (
        True,
        True,
        {"c": "it is suspended"},
    )
    assert (own["objects"], own["fields"], own["mended"]) == (2, 4, False)
    first, second = own["differences"]
    assert first["by"] == {"name": "Eve\n", "at": "2026-11-27T12:00:00Z"}
    assert first["fields"][1] == {
        "name": "settings",
        "old": {"a": 1},
        "new": {"a": 2},
        "parts": ["/a"],
        "cut": False,
    }
    assert first["fields"][2]["old"] == "(sensitive)"
    assert (second["what"], second["id"], second["by"], second["origin"]) == (
        "missing",
        None,
        None,
        None,
    )


def test_markdown_is_a_row_a_field_and_names_are_data() -> None:
    text = rendering.as_markdown([FOUND], NOW)
    row = '| a | NetDevice/leaf1 | changed | role | "spine" | "leaf" (default) |'
    assert f"{row} Eve\\\\n at 2026-11-27T12:00:00Z |\n" in text
    assert "| a | NetDevice/le\\|af2 | missing |  |  |  |  |\n" in text
    assert "* not known: c: it is suspended\n" in text
    assert "c4nary" not in text


def test_of_what_was_never_looked_at_there_is_no_age() -> None:
    text = rendering.as_text([replace(FOUND, units={})], NOW)
    assert "  as the daemon has kept it; to look now: stateward drift --now\n" in text


def test_no_drift_is_said_in_one_line() -> None:
    found = replace(FOUND, units={"b": UnitDrift(revision="r1", at=NOW)}, unknown={}, late=False)
    assert rendering.sentence(found) == "No drift in 1 unit."
