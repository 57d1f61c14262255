"""A plan as JSON, as text and as Markdown."""

import json
import re
from typing import Any

import pytest
from shown_plans import CANARY, COMMIT, HOSTILE, MARKUP, blocked, change, fences, plan, problem

from stateward.errors import Code, Location, Severity
from stateward.model.commit import Commit, Leave
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Going, Plan, Secret, UnitState
from stateward.model.unit import Reach
from stateward.reporting import plan as rendering
from stateward.reporting.typed import NOWHERE, ROUND, Typed


class TestJson:
    def test_has_the_documented_shape(self) -> None:
        document = rendering.as_json(plan())
        assert document == {
            "schema": "stateward/plan/v1",
            "digest": "d1",
            "target": "sqlite:////t.db",
            "revisions": {"default": "r1"},
            "loadsSchema": False,
            "schemaChanges": [],
            "summary": {
                "create": 0,
                "update": 0,
                "adopt": 0,
                "move": 0,
                "release": 0,
                "delete": 0,
                "unchanged": 2,
            },
            "changes": [],
            "commit": None,
            "letThrough": None,
            "blocked": [],
            "problems": [],
            "units": {"a": {"state": "ready", "unchanged": 2, "kept": 1}},
        }

    def test_create_has_no_id(self) -> None:
        own = change(fields=[("name", None, "leaf1")])
        assert rendering.as_json(plan(own))["changes"] == [
            {
                "action": "create",
                "unit": "a",
                "kind": "NetDevice",
                "hfid": ["leaf1"],
                "fields": [{"name": "name", "old": None, "new": "leaf1"}],
                "origin": {"file": "a/1.yml", "line": 3, "column": 5},
            }
        ]

    def test_move_says_from_where(self) -> None:
        (own,) = rendering.as_json(plan(change(action=Action.MOVE, giver="b")))["changes"]
        assert (own["from"], own["id"]) == ("b", "id-leaf1")

    def test_delete_has_no_origin(self) -> None:
        (own,) = rendering.as_json(plan(change(action=Action.DELETE, origin=None)))["changes"]
        assert own["origin"] is None
        assert own["fields"] == []

    def test_blocked_names_the_figures_and_the_objects(self) -> None:
        (own,) = rendering.as_json(plan(blocked=(blocked("leaf1"),)))["blocked"]
        assert own == {
            "unit": "a",
            "limit": "unit",
            "reason": "too many",
            "figures": {"deletes": 1, "members": 20, "percent": 60.0},
            "kinds": {"NetDevice": 1},
            "objects": [
                {
                    "kind": "NetDevice",
                    "hfid": ["leaf1"],
                    "protected": False,
                    "along": 0,
                    "referring": 0,
                }
            ],
            "digest": "b10c",
            "protected": False,
            "protectedBy": [],
            "meanwhile": ROUND.meanwhile,
            "approve": "stateward approve a b10c",
            "allowDeletes": "stateward apply --allow-deletes 1",
        }

    def test_what_is_protected_can_be_let_through_by_nobody(self) -> None:
        (own,) = rendering.as_json(plan(blocked=(blocked("leaf1", protected=True),)))["blocked"]
        assert (own["approve"], own["allowDeletes"]) == (None, None)

    def test_tells_the_commit(self) -> None:
        assert rendering.as_json(plan(commit=COMMIT))["commit"] == {
            "id": "226cff6d00f3244574154c04e4a6d3b694badf2e",
            "author": "Ada <ada@example.org>",
            "subject": "Remove the lab",
        }

    def test_keeps_the_order_of_the_changes(self) -> None:
        names = ["c", "a", "b"]
        document = rendering.as_json(plan(*map(change, names)))
        assert [own["hfid"] for own in document["changes"]] == [["c"], ["a"], ["b"]]

    def test_counts_by_action(self) -> None:
        changes = [change(), change("x"), change("y", Action.DELETE)]
        found = rendering.as_json(
            plan(*changes, units={"a": UnitState.READY, "b": UnitState.READY})
        )
        assert found["summary"]["create"] == 2
        assert found["summary"]["delete"] == 1
        assert found["summary"]["unchanged"] == 4

    @pytest.mark.parametrize("state", list(UnitState))
    def test_tells_every_units_state(self, state: UnitState) -> None:
        document = rendering.as_json(plan(units={"a": state}))
        assert document["units"]["a"]["state"] == state.value

    @pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
    def test_takes_any_name(self, name: str) -> None:
        document = rendering.as_json(plan(change(name, fields=[("name", None, name)])))
        assert json.loads(json.dumps(document)) == document
        assert document["changes"][0]["hfid"] == [name]


class TestText:
    @pytest.mark.parametrize(
        ("action", "sign"),
        [
            (Action.CREATE, "+"),
            (Action.UPDATE, "~"),
            (Action.ADOPT, "&"),
            (Action.MOVE, ">"),
            (Action.RELEASE, "<"),
            (Action.DELETE, "-"),
        ],
    )
    def test_signs_are_those_that_are_documented(self, action: Action, sign: str) -> None:
        text = rendering.as_text(plan(change(action=action)))
        assert f"  {sign} {action} NetDevice/leaf1" in text

    def test_changed_field_shows_both_values(self) -> None:
        own = change(action=Action.UPDATE, fields=[("status", "planned", "active")])
        assert '      status: "planned" → "active"\n' in rendering.as_text(plan(own))

    def test_new_field_shows_its_value(self) -> None:
        own = change(fields=[("status", None, "active")])
        assert '      status: "active"\n' in rendering.as_text(plan(own))

    def test_field_of_a_cycle_says_that_it_comes_later(self) -> None:
        own = change(
            fields=[("buddy", None, ObjectKey("NetDevice", ("x",)))], deferred=frozenset({"buddy"})
        )
        assert "buddy: x  (written once its peer exists)" in rendering.as_text(plan(own))

    def test_change_says_where_it_is_declared(self) -> None:
        assert "NetDevice/leaf1  a/1.yml:3:5\n" in rendering.as_text(plan(change()))

    def test_move_says_from_where(self) -> None:
        text = rendering.as_text(plan(change(action=Action.MOVE, giver="b")))
        assert "> move NetDevice/leaf1  from b  a/1.yml:3:5" in text

    def test_units_have_a_heading_with_their_counts(self) -> None:
        changes = [change(), change("x", Action.DELETE), change("y", unit="b")]
        lines = rendering.as_text(plan(*changes)).splitlines()
        assert [own for own in lines if not own.startswith(" ")][:3] == [
            "a  (1 to create, 1 to delete)",
            "",
            "b  (1 to create)",
        ]

    def test_last_line_says_it_all(self) -> None:
        text = rendering.as_text(plan(change(), change("x", Action.MOVE)))
        assert text.splitlines()[-1].startswith("Plan: 1 to create, 1 to move, 2 unchanged")

    def test_blocked_names_some_objects_and_how_many_more(self) -> None:
        names = [f"leaf{number}" for number in range(12)]
        text = rendering.as_text(plan(blocked=(blocked(*names),)))
        assert text.count("  - NetDevice/") == 10
        assert "and 2 more" in text

    def test_blocked_says_how_to_let_it_through(self) -> None:
        own = plan(change("x", Action.DELETE), blocked=(blocked("y", "z"),))
        text = rendering.as_text(own)
        assert "  to let exactly these go, once: stateward approve a b10c\n" in text
        assert "  to let up to 3 go in one round: stateward apply --allow-deletes 3\n" in text

    def test_blocked_says_what_is_typed_where_it_was_asked(self) -> None:
        typed = Typed(again=("apply", "/a b", "--source", "x"), about=("--source", "x"))
        text = rendering.as_text(plan(blocked=(blocked("y", unit="sites/a b"),)), typed)
        assert "once: stateward approve --source x 'sites/a b' b10c\n" in text
        assert "round: stateward apply '/a b' --source x --allow-deletes 1\n" in text

    def test_blocked_by_a_protected_kind_offers_no_leave(self) -> None:
        given = {"protecting": ("CoreGroup",), "unprotecting": ("A", "B"), "unit": "a/b"}
        text = rendering.as_text(plan(blocked=(blocked("y", protected=True, **given),)))
        assert "stateward a" not in text
        assert "protectedKinds has CoreGroup: in a/b/.stateward.yaml, or for more" in text
        assert "set limits: {protectedKinds: [A, B]}\n" in text

    def test_blocked_by_a_pattern_says_so(self) -> None:
        text = rendering.as_text(plan(blocked=(blocked("y", protected=True, unit="."),)))
        assert "take them out of protect, in .stateward.yaml or stateward.yaml\n" in text

    def test_what_a_source_holds_back_is_told_together(self) -> None:
        names = ("b", "c d")
        given = {"reach": Reach.SOURCE, "reason": "too many of the source"}
        own = [blocked(f"{name}1", unit=name, digest=name[0] * 40, **given) for name in names]
        text = rendering.as_text(plan(blocked=tuple(own)))
        assert text.startswith(
            "blocked: source default: 1 of 20 objects (60 %) would be deleted: too many of the source\n"
            "  2 NetDevice\n"
            "  - NetDevice/b1\n"
            "  - NetDevice/c d1\n"
            f"  {ROUND.meanwhile}\n"
            "  in 2 units; to let exactly those of one go, once:\n"
            "  - b, 1 to delete: stateward approve b bbbbbbbbbbbb\n"
            "  - c d, 1 to delete: stateward approve 'c d' cccccccccccc\n"
            "  to let up to 2 go in one round: stateward apply --allow-deletes 2\n"
        )

    def test_of_many_units_that_are_held_back_together_some_are_named(self) -> None:
        own = (blocked("x", unit=f"u{number}", reach=Reach.ROUND) for number in range(12))
        text = rendering.as_text(plan(blocked=tuple(own)))
        assert text.startswith("blocked: this round: ")
        assert text.count("stateward approve u") == 10
        assert "  … and 2 more (--format json names them all)\n" in text

    def test_says_what_the_commit_lets_through(self) -> None:
        leave = Leave(deletes=3, author="Ada\x1b <a@b.c>")
        own = plan(leave=leave, by_commit=frozenset({"b", "a"}))
        line = r"let through: a, b: Stateward-Allow-Deletes: 3 of 'Ada\x1b <a@b.c>'"
        assert rendering.as_text(own).startswith(f"{line}\n")
        assert f"**Let through**\n\n```text\n{line}\n```\n" in rendering.as_markdown(own)
        assert rendering.as_json(own)["letThrough"] == {
            "deletes": 3,
            "author": "Ada\x1b <a@b.c>",
            "units": ["a", "b"],
        }
        assert rendering.as_json(plan(leave=leave))["letThrough"] is None

    def test_blocked_comparison_offers_no_command(self) -> None:
        text = rendering.as_text(plan(blocked=(blocked("y"),)), NOWHERE)
        assert "stateward a" not in text

    def test_blocked_says_whose_doing_it_is_and_what_comes_of_waiting(self) -> None:
        text = rendering.as_text(plan(blocked=(blocked("y", "z"),), commit=COMMIT))
        assert text.startswith(
            "blocked: a: 2 of 20 objects (60 %) would be deleted: too many\n"
            "  2 NetDevice\n"
            "  at commit 226cff6d00f3 of Ada <ada@example.org>: Remove the lab\n"
            "  - NetDevice/y\n"
            "  - NetDevice/z\n"
            f"  {ROUND.meanwhile}\n"
        )

    def test_blocked_says_what_an_object_means_to_others(self) -> None:
        key = ObjectKey("NetDevice", ("y",))
        going = (Going(key, protected=True, along=2, referring=1), Going(key, referring=3))
        text = rendering.as_text(plan(blocked=(blocked(going=going),)))
        assert "  - NetDevice/y  (protected, takes 2 along, 1 refers to it)\n" in text
        assert "  - NetDevice/y  (3 refer to it)\n" in text

    def test_problem_has_its_place_and_code(self) -> None:
        text = rendering.as_text(plan(problems=(problem("is wrong"),)))
        assert "a/1.yml:3:5: SW1306 type: is wrong\n" in text

    def test_warning_is_called_one(self) -> None:
        text = rendering.as_text(plan(problems=(problem(severity=Severity.WARNING),)))
        assert "warning: a/1.yml:3:5: " in text


def _everywhere(text: str) -> Plan:
    """Return a plan that bears a name wherever a repository may choose one."""
    key = ObjectKey("NetDevice", (text,))
    return plan(
        change(
            text,
            fields=[("name", None, text), ("buddy", None, key), ("tags", None, frozenset({key}))],
            unit=text,
            origin=Location(text, 1, 1),
        ),
        change(text, Action.MOVE, giver=text),
        change(text, Action.UPDATE, fields=[("name", text, "x")]),
        blocked=(
            blocked(text, unit=text),
            blocked(text, unit=text, protected=True, protecting=(text,)),
            blocked(text, unit=text, reach=Reach.SOURCE),
        ),
        commit=Commit(id="c0", author=text, subject=text),
        problems=(
            problem(text, location=Location(text, 1, 1), unit=text),
            problem(text, location=None, unit=text, code=Code.STRANGER),
        ),
        units={text: UnitState.STALLED},
    )


RENDERERS = {"text": rendering.as_text, "markdown": rendering.as_markdown}


class TestHostileName:
    @pytest.mark.parametrize("form", RENDERERS)
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    def test_cannot_forge_a_line_or_steer_a_terminal(self, form: str, text: str) -> None:
        found = RENDERERS[form](_everywhere(text))
        harmless = RENDERERS[form](_everywhere("x"))
        assert found.count("\n") == harmless.count("\n")
        assert all(line.isprintable() for line in found.split("\n"))
        found.encode()

    @pytest.mark.parametrize("text", MARKUP.values(), ids=MARKUP)
    def test_makes_no_cell_of_a_table(self, text: str) -> None:
        rows = [
            own for own in rendering.as_markdown(_everywhere(text)).split("\n") if own[:1] == "|"
        ]
        assert len(rows) == 5
        assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", own)) for own in rows} == {6}

    @pytest.mark.parametrize("text", MARKUP.values(), ids=MARKUP)
    def test_does_not_leave_its_fence(self, text: str) -> None:
        for opening, inside in fences(rendering.as_markdown(_everywhere(text))):
            assert not [own for own in inside if re.match(rf" {{0,3}}{opening}`*\s*$", own)]

    def test_copies_commands_as_they_are_to_be_typed(self) -> None:
        own = plan(blocked=(blocked("y", unit="a```;evil # "),))
        approve = rendering.as_json(own)["blocked"][0]["approve"]
        assert "'a```;evil # '" in approve
        assert approve in rendering.as_markdown(own)


class TestMarkdown:
    def test_has_a_row_for_each_change(self) -> None:
        own = change(action=Action.UPDATE, fields=[("status", "planned", "active")])
        assert (
            '| update | NetDevice/leaf1 | a | status: "planned" → "active" | a/1.yml:3:5 |'
            in rendering.as_markdown(plan(own))
        )

    def test_is_short_enough_for_a_comment(self) -> None:
        text = rendering.as_markdown(plan(*(change(str(number)) for number in range(700))))
        assert text.count("| create |") == 500
        assert "and 200 more" in text

    def test_without_changes_has_no_table(self) -> None:
        assert "|---|" not in rendering.as_markdown(plan())

    def test_names_the_digest(self) -> None:
        assert rendering.as_markdown(plan()).endswith("Digest `d1`\n")


@pytest.mark.parametrize(
    "render",
    [rendering.as_text, rendering.as_markdown, lambda own: json.dumps(rendering.as_json(own))],
    ids=["text", "markdown", "json"],
)
@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_password_is_never_shown(render: Any, action: Action) -> None:
    own = change(action=action, fields=[("password", Secret(CANARY), Secret(CANARY + "2"))])
    text = render(plan(own))
    assert CANARY not in text
    assert "(sensitive)" in text
