"""What a round did, as JSON, as text and as Markdown."""

import json
import re

import pytest
from shown_plans import HOSTILE, MARKUP, blocked, fences, plan, problem, report, run

from stateward.model.identity import ObjectKey
from stateward.model.plan import Survivor
from stateward.model.run import Outcome
from stateward.reporting import report as rendering

SURVIVOR = Survivor(key=ObjectKey("NetDevice", ("leaf1",)), id="n1", reason="it is needed")


class TestJson:
    def test_has_the_documented_shape(self) -> None:
        document = rendering.as_json(
            report(run(writes=3, summary={"create": 1}), writes=4), plan(problems=(problem(),))
        )
        assert list(document) == [
            *(
                "schema",
                "digest",
                "writes",
                "requests",
                "runs",
                "commit",
                "letThrough",
                "blocked",
                "problems",
            )
        ]
        assert (document["schema"], document["digest"]) == ("stateward/report/v1", "d1")
        assert document["writes"] == 4
        assert [own["name"] for own in document["problems"]] == ["type"]
        assert document["runs"] == [
            {
                "unit": "a",
                "revision": "r1",
                "outcome": "applied",
                "summary": {
                    "create": 1,
                    "update": 0,
                    "adopt": 0,
                    "move": 0,
                    "release": 0,
                    "delete": 0,
                    "unchanged": 2,
                },
                "writes": 3,
                "survivors": [],
            }
        ]

    def test_names_survivors(self) -> None:
        (own,) = rendering.as_json(report(run(survivors=(SURVIVOR,))), plan())["runs"]
        assert own["survivors"] == [
            {"kind": "NetDevice", "hfid": ["leaf1"], "id": "n1", "reason": "it is needed"}
        ]

    def test_has_an_error_where_there_was_one(self) -> None:
        (own,) = rendering.as_json(report(run(error="boom")), plan())["runs"]
        assert own["error"] == "boom"

    @pytest.mark.parametrize("outcome", list(Outcome))
    def test_tells_the_outcome(self, outcome: Outcome) -> None:
        (own,) = rendering.as_json(report(run(outcome=outcome)), plan())["runs"]
        assert own["outcome"] == outcome.value
        json.dumps(own)

    def test_outcomes_are_those_that_are_documented(self) -> None:
        assert {own.value for own in Outcome} == {
            "applied", "unchanged", "planned", "waiting", "blocked", "failed", "skipped",
        }  # fmt: skip


class TestText:
    def test_has_a_line_for_each_unit_and_one_for_the_writes(self) -> None:
        runs = [run("objects/a", summary={"move": 2}), run("b", Outcome.UNCHANGED)]
        assert rendering.as_text(report(*runs, writes=5), plan()) == (
            "applied   objects/a  2 moved, 2 unchanged\n"
            "unchanged b          2 unchanged\n"
            "5 writes.\n"
        )

    def test_says_what_was_kept_and_why(self) -> None:
        text = rendering.as_text(report(run(survivors=(SURVIVOR,))), plan())
        assert "kept NetDevice/leaf1: it is needed\n" in text

    def test_gives_the_reason_below_a_unit_that_failed(self) -> None:
        lines = rendering.as_text(report(run(outcome=Outcome.FAILED, error="boom")), plan())
        assert lines.splitlines()[1].strip() == "boom"

    def test_of_a_dry_run_says_what_would_be(self) -> None:
        own = run(outcome=Outcome.PLANNED, summary={"create": 3})
        assert "3 to create" in rendering.as_text(report(own), plan())

    def test_tells_what_a_guard_held_back(self) -> None:
        assert "blocked: a:" in rendering.as_text(report(run()), plan(blocked=(blocked("x"),)))


RENDERERS = {"text": rendering.as_text, "markdown": rendering.as_markdown}


class TestHostileName:
    @pytest.mark.parametrize("form", RENDERERS)
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    def test_cannot_forge_a_line_or_steer_a_terminal(self, form: str, text: str) -> None:
        def rendered(name: str) -> str:
            survivor = Survivor(key=ObjectKey("Kind", (name,)), id=name, reason=name)
            own = run(name, Outcome.FAILED, error=name, survivors=(survivor,))
            problems = (problem(name, unit=name, location=None),)
            return RENDERERS[form](report(own), plan(problems=problems))

        assert rendered(text).count("\n") == rendered("a").count("\n")
        assert all(line.isprintable() for line in rendered(text).split("\n"))

    @pytest.mark.parametrize("text", MARKUP.values(), ids=MARKUP)
    def test_makes_no_cell_of_a_table(self, text: str) -> None:
        own = run(text, Outcome.FAILED, error=text)
        rows = [
            row for row in rendering.as_markdown(report(own), plan()).split("\n") if row[:1] == "|"
        ]
        assert len(rows) == 3
        assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows} == {5}

    @pytest.mark.parametrize("text", MARKUP.values(), ids=MARKUP)
    def test_does_not_leave_its_fence(self, text: str) -> None:
        own = plan(problems=(problem(text, location=None, unit=None),))
        for opening, inside in fences(rendering.as_markdown(report(run()), own)):
            assert not [line for line in inside if re.match(rf" {{0,3}}{opening}`*\s*$", line)]


class TestMarkdown:
    def test_has_a_row_for_each_unit(self) -> None:
        own = run(outcome=Outcome.FAILED, error="boom", summary={"create": 1})
        text = rendering.as_markdown(report(own, writes=3), plan())
        assert "| a | failed | 1 created, 2 unchanged | boom |\n" in text
        assert "3 writes." in text
