"""Recorded runs as people and programs see them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from shown_plans import HOSTILE

from stateward.model.chain import Break, End, Link, Verdict
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, FieldChange, Secret
from stateward.model.record import Cause, Opening, Record, RecordedChange, RunKind
from stateward.model.run import EntryState
from stateward.reporting import audit
from stateward.reporting import history as rendering

LEAF = ObjectKey("NetDevice", ("leaf1",))
ROLE = FieldChange("role", "leaf", "spine")


def change(index: int = 0, action: Action = Action.UPDATE, **given: Any) -> RecordedChange:
    known: dict[str, Any] = {"key": LEAF, "node": "n1", "state": EntryState.APPLIED}
    return RecordedChange(index=index, action=action, **{**known, **given})


def record(*changes: RecordedChange, **given: Any) -> Record:
    opening: dict[str, Any] = {
        "run": "0123456789abcdef",
        "kind": RunKind.ROUND,
        "subject": "objects/a",
        "target": "https://infrahub.example?branch=main",
        "cause": Cause(trigger="manual", actor="ada"),
        "revision": "f" * 40,
    }
    opening.update({name: given.pop(name) for name in [*given] if name in Opening.__slots__})
    known = {
        "started": "2026-01-02T03:04:05.000+00:00",
        "finished": "2026-01-02T03:04:06.500+00:00",
        "outcome": "applied",
    }
    return Record(opening=Opening(**opening), changes=changes, **{**known, **given})


class TestTable:
    def test_has_a_line_for_each_run(self) -> None:
        made = change(1, Action.CREATE, key=ObjectKey("NetDevice", ("leaf2",)))
        lines = rendering.as_text([record(change(), made), record(subject="b")]).splitlines()
        assert lines[0].split("  ")[0] == "run"
        assert lines[1] == (
            "01234567  2026-01-02 03:04:05  objects/a  round ffffffffffff"
            "  1 created, 1 updated  applied  ada"
        )
        assert "none" in lines[2]
        assert len({line.index("ada") for line in lines[1:]}) == 1

    def test_counts_what_is_written_in_two_goes_once(self) -> None:
        twice = [change(0, Action.CREATE), change(1, Action.CREATE)]
        assert "  1 created  " in rendering.as_text([record(*twice)])

    def test_counts_what_was_not_done(self) -> None:
        states = [EntryState.FAILED, EntryState.SKIPPED, EntryState.UNDONE, EntryState.STARTED]
        changes = [
            change(at, key=ObjectKey("NetDevice", (str(at),)), state=state)
            for at, state in enumerate(states)
        ]
        told = rendering.as_text([record(*changes, outcome="failed")])
        assert "  1 failed, 1 skipped, 1 undone, 1 started  " in told

    def test_says_where_there_is_nothing(self) -> None:
        assert rendering.as_text([]) == "No run is recorded.\n"

    def test_says_what_is_under_way(self) -> None:
        assert "under way" in rendering.as_text([record(outcome="", finished="")])

    def test_names_what_is_taken_back(self) -> None:
        back = record(kind=RunKind.ROLLBACK, undoes=("abcdefghijkl",))
        assert "rollback of abcdefgh " in rendering.as_text([back])

    def test_names_where_a_session_was_opened(self) -> None:
        session = record(kind=RunKind.SESSION, revision="", caller="deploy:12")
        assert "session deploy:12" in rendering.as_text([session])

    @pytest.mark.parametrize("form", [rendering.as_text, rendering.as_markdown])
    @pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
    def test_is_not_forged_by_a_name(self, form: Any, hostile: str) -> None:
        told = form([record(subject=hostile, cause=Cause(trigger="manual", actor=hostile))])
        assert len(told.splitlines()) == len(form([record()]).splitlines())
        assert "\x1b" not in told

    def test_as_markdown_escapes_markup(self) -> None:
        assert r"| a\|b |" in rendering.as_markdown([record(subject="a|b")])


class TestRun:
    def test_shows_fields_before_and_after(self) -> None:
        text = rendering.run_as_text(record(change(fields=(ROLE,))))
        assert '~ update NetDevice/leaf1\n    role: "leaf" → "spine"\n' in text

    def test_shows_what_was_made_and_what_was_deleted(self) -> None:
        made = change(0, Action.CREATE, fields=(FieldChange("role", None, "leaf"),))
        gone = change(1, Action.DELETE, fields=(FieldChange("role", "leaf", None),))
        text = rendering.run_as_text(record(made, gone))
        assert '+ create NetDevice/leaf1\n    role: "leaf"\n' in text
        assert '- delete NetDevice/leaf1\n    role: "leaf"\n' in text

    def test_hides_secrets(self) -> None:
        field = FieldChange("password", Secret("hunter2"), Secret("hunter3"))
        for form in (rendering.run_as_text, rendering.run_as_markdown, rendering.run):
            told = str(form(record(change(fields=(field,)))))  # type: ignore[operator]
            assert "(sensitive)" in told
            assert "hunter" not in told

    def test_says_why_something_was_not_done(self) -> None:
        failed = change(state=EntryState.FAILED, detail="not today")
        assert "~ update NetDevice/leaf1  failed: not today\n" in rendering.run_as_text(
            record(failed)
        )

    def test_says_where_a_move_came_from_and_what_went_along(self) -> None:
        moved = change(0, Action.MOVE, giver="b")
        along = change(1, Action.DELETE, along=0)
        text = rendering.run_as_text(record(moved, along))
        assert "> move NetDevice/leaf1  from b\n" in text
        assert "- delete NetDevice/leaf1  (went along with another)\n" in text

    def test_says_all_that_is_known(self) -> None:
        text = rendering.run_as_text(
            record(
                params={"tenant": "acme"},
                plan="d1",
                detail="--allow-deletes 3",
                error="boom",
                undone_by=("back",),
            )
        )
        for told in ("tenant=acme", "ada, manual", "d1", "--allow-deletes 3", "boom", "back"):
            assert told in text
        assert "(1.50 s)" in text

    @pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
    def test_is_not_forged_by_what_was_recorded(self, words: str) -> None:
        fields = (FieldChange("role", words, "x"),)
        hostile = change(state=EntryState.FAILED, detail=words, fields=fields)
        plain = change(state=EntryState.FAILED, detail="no", fields=(ROLE,))
        for form in (rendering.run_as_text, rendering.run_as_markdown):
            told = form(record(hostile, subject=words, error=words))
            assert len(told.splitlines()) == len(form(record(plain, error="no")).splitlines())

    def test_as_json_is_whole(self) -> None:
        document = rendering.as_json([record(change(fields=(ROLE,), giver="b"))])
        assert document["schema"] == "stateward/history/v1"
        (own,) = document["runs"]
        assert (own["run"], own["branch"], own["actor"]) == ("0123456789abcdef", "main", "ada")
        assert own["changes"][0]["fields"] == [{"name": "role", "old": "leaf", "new": "spine"}]
        assert own["changes"][0]["from"] == "b"
        json.dumps(document)


class TestAudit:
    def test_tells_the_head_of_a_whole_chain(self) -> None:
        verdict = Verdict(3, End(3, "ab"))
        assert audit.as_text(verdict) == "whole: 3 records, head 3:ab\n"
        assert audit.as_json(verdict) == {
            "schema": "stateward/audit/v1",
            "whole": True,
            "links": 3,
            "head": {"number": 3, "hash": "ab"},
            "broken": None,
        }

    def test_tells_where_a_chain_is_broken(self) -> None:
        verdict = Verdict(3, End(3, "ab"), Break(4, "missing"))
        assert audit.as_text(verdict) == "broken: record 4: missing\n"
        assert audit.as_json(verdict)["broken"] == {"number": 4, "reason": "missing"}

    def test_exports_each_record_with_the_hash_before_it(self) -> None:
        links = [Link(1, "begin", "a", "t", "{}", "h1"), Link(2, "finish", "a", "t", "{}", "h2")]
        lines = [json.loads(own) for own in audit.lines(links)]
        assert [(own["hash"], own["previous"]) for own in lines] == [("h1", "0" * 64), ("h2", "h1")]

    def test_exports_what_retention_left_word_of(self) -> None:
        body = json.dumps({"through": 4, "hash": "h4", "runs": 1})
        links = [Link(5, "begin", "a", "t", "{}", "h5"), Link(6, "retention", "", "t", body, "h6")]
        first, _ = (json.loads(own) for own in audit.lines(links))
        assert first["previous"] == "h4"
        assert list(audit.lines([replace(links[0])]))
