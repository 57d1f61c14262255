"""The problems of a revision, as JSON, text and Markdown."""

import re

import pytest
from shown_plans import HOSTILE, MARKUP, change, plan, problem

from stateward.errors import Code, Location, Severity
from stateward.model.plan import Action, UnitState
from stateward.reporting import validation

WARNING = problem("is odd", severity=Severity.WARNING, code=Code.STALE_STRATEGY)


class TestJson:
    def test_has_the_documented_shape(self) -> None:
        own = problem(), problem("again"), problem(code=Code.ENUM), problem(unit=None)
        document = validation.as_json(
            plan(problems=own, units={"a": UnitState.STALLED, "b": UnitState.READY})
        )
        assert list(document) == ["schema", "revisions", "units", "problems"]
        assert document["schema"] == "stateward/validate/v1"
        assert document["revisions"] == {"default": "r1"}
        assert document["units"] == {"a": ["SW1306", "SW1307"], "b": []}
        assert len(document["problems"]) == 4


@pytest.mark.parametrize(
    ("problems", "failed"),
    [((), False), ((WARNING,), False), ((WARNING, problem()), True)],
    ids=["none", "warning", "error"],
)
def test_only_errors_fail(problems: tuple[object, ...], failed: bool) -> None:
    assert validation.failed(plan(problems=problems)) is failed


class TestText:
    def test_without_a_problem_says_so(self) -> None:
        text = validation.as_text(plan(change(), change("x", Action.DELETE)))
        assert text == "1 units, 1 objects that can be planned: no problem found.\n"

    def test_has_a_line_for_each_problem_and_a_count(self) -> None:
        lines = validation.as_text(plan(problems=(problem(), WARNING))).splitlines()
        assert lines[0] == "a/1.yml:3:5: SW1306 type: is wrong"
        assert lines[1] == "warning: a/1.yml:3:5: SW1104 stale-strategy: is odd"
        assert lines[-1].endswith("1 errors, 1 warnings.")


class TestMarkdown:
    def test_has_a_row_for_each_problem(self) -> None:
        text = validation.as_markdown(plan(problems=(problem(), problem(location=None))))
        assert "| error | a/1.yml:3:5 | SW1306 type | is wrong |\n" in text
        assert "| error | a | SW1306 type | is wrong |\n" in text

    def test_without_a_problem_has_no_table(self) -> None:
        assert "|" not in validation.as_markdown(plan())


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_cannot_forge_a_line_or_steer_a_terminal(form: str, text: str) -> None:
    render = validation.as_text if form == "text" else validation.as_markdown

    def rendered(name: str) -> str:
        return render(plan(problems=(problem(name, location=Location(name, 1, 1)),)))

    assert rendered(text).count("\n") == rendered("a").count("\n")
    assert all(line.isprintable() for line in rendered(text).split("\n"))


@pytest.mark.parametrize("text", MARKUP.values(), ids=MARKUP)
def test_markup_makes_no_cell_of_a_table(text: str) -> None:
    own = problem(text, location=Location(text, 1, 1))
    rows = [
        row for row in validation.as_markdown(plan(problems=(own,))).split("\n") if row[:1] == "|"
    ]
    assert len(rows) == 3
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows} == {5}
