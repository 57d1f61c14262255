"""What an Infrahub's answers are taken to say."""

from email.utils import formatdate
from typing import Any

import pytest

from stateward.model.finding import Finding, Level
from stateward.targets.infrahub import verdicts

NAMES = ("view", "create", "update", "delete")
NOW = 1_800_000_000.0


def right(kind: str, *denied: str, **other: str) -> dict[str, Any]:
    given = {**dict.fromkeys(NAMES, "ALLOW"), **dict.fromkeys(denied, "DENY"), **other}
    return {"node": {"kind": kind, **given}}


def globally(action: str, decision: Any = "6") -> dict[str, Any]:
    return {"node": {"action": action, "decision": decision}}


def branches(name: str, status: str, *, default: bool = False, **others: str) -> dict[str, Any]:
    every = [{"name": own, "status": how} for own, how in {name: status, **others}.items()]
    return {"own": [{"name": name, "status": status, "is_default": default}], "all": every}


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ("1.11.9", "ok"),
        ("1.11", "ok"),
        ("1.11.0rc1", "ok"),
        ("1.12.0", "warning"),
        ("1.110.1", "warning"),
        ("2.0.0", "warning"),
        ("", "warning"),
        (None, "warning"),
    ],
)
def test_version(found: Any, level: str) -> None:
    assert verdicts.version(found).level == level


def test_version_cannot_forge_a_line() -> None:
    assert "\n" not in verdicts.version("9\nok       account: root").message


def test_account_does_not_repeat_a_secret() -> None:
    assert verdicts.account("I am canary", ["canary"]).message == "I am ***"


@pytest.mark.parametrize("given", [True, False])
def test_nobody_is_an_error(*, given: bool) -> None:
    found = verdicts.nobody(given=given)
    assert found.level is Level.ERROR
    assert ("anonymous" in found.message) is not given


@pytest.mark.parametrize(("known", "level"), [(True, Level.OK), (False, Level.ERROR)])
def test_lineage_needs_an_account(*, known: bool, level: Level) -> None:
    found = verdicts.lineage(["source", "owner"], known=known)
    assert found is not None
    assert (found.level, "source, owner" in found.message) == (level, True)
    assert verdicts.lineage([], known=known) is None


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("OPEN", "ok"),
        ("MERGED", "error"),
        ("NEED_REBASE", "error"),
        ("NEED_UPGRADE_REBASE", "error"),
        ("DELETING", "error"),
        ("MERGE_FAILED", "error"),
        ("MERGING", "warning"),
        ("SOMETHING_NEW", "warning"),
    ],
)
def test_status_of_a_branch(status: str, level: str) -> None:
    assert verdicts.branch("mine", branches("mine", status)).level == level


@pytest.mark.parametrize(
    ("how", "default", "level"),
    [
        ("MERGING", True, "warning"),
        ("MERGE_FAILED", True, "error"),
        ("OPEN", True, "ok"),
        ("MERGING", False, "ok"),
        ("MERGE_FAILED", False, "ok"),
    ],
)
def test_merge_of_another_branch_concerns_the_default_one(
    how: str, level: str, *, default: bool
) -> None:
    found = verdicts.branch("mine", branches("mine", "OPEN", default=default, theirs=how))
    assert found.level == level
    assert ("theirs" in found.message) is (level != "ok")


def test_branch_that_is_not_there_names_some_that_are() -> None:
    every = [{"name": f"b{number}", "status": "OPEN"} for number in range(9)]
    found = verdicts.branch("nope", {"own": [], "all": every})
    assert found.level is Level.ERROR
    assert found.advice.endswith("b0, b1, b2, b3, b4, b5 and 3 more")


def judged(*edges: dict[str, Any], kinds: frozenset[str], root: bool = False) -> list[Finding]:
    return list(verdicts.rights(edges, kinds, administrator=root))


class TestRights:
    def test_all_of_them(self) -> None:
        (found,) = judged(right("A"), right("CoreStandardGroup"), kinds=frozenset({"A"}))
        assert found.level is Level.OK
        assert "1 declared kinds" in found.message

    def test_what_is_lacking_is_told_together(self) -> None:
        edges = [right("A", "create"), right("B", "create"), right("CoreStandardGroup", "delete")]
        found = judged(*edges, kinds=frozenset({"A", "B"}))
        assert [own.level for own in found] == [Level.ERROR] * 2
        assert [own.message.partition("may not ")[2] for own in found] == [
            "create: A, B",
            "delete: CoreStandardGroup",
        ]

    @pytest.mark.parametrize("decision", ["ALLOW_DEFAULT", "ALLOW_OTHER", "DENY", ""])
    def test_a_right_on_other_branches_is_none_here(self, decision: str) -> None:
        edge = right("A", update=decision)
        (found,) = judged(edge, right("CoreStandardGroup"), kinds=frozenset({"A"}))
        assert found.message == "the account may not update: A"

    def test_kinds_that_nobody_declares_do_not_matter(self) -> None:
        edges = [right("A"), right("CoreStandardGroup"), right("Theirs", *NAMES)]
        assert [own.level for own in judged(*edges, kinds=frozenset({"A"}))] == [Level.OK]

    @pytest.mark.parametrize(("root", "count"), [(True, 1), (False, 2)])
    def test_kinds_that_are_not_there_yet(self, *, root: bool, count: int) -> None:
        found = judged(right("CoreStandardGroup"), kinds=frozenset({"New"}), root=root)
        assert len(found) == count
        assert {own.level for own in found} <= {Level.OK, Level.WARNING}


@pytest.mark.parametrize(
    ("edges", "default", "allowed"),
    [
        ([], True, False),
        ([globally("edit_default_branch")], True, True),
        ([globally("edit_default_branch", 6)], True, True),
        ([globally("edit_default_branch", "2")], True, True),
        ([globally("edit_default_branch", "4")], True, False),
        ([globally("edit_default_branch", "4")], False, True),
        ([globally("edit_default_branch", "1")], True, False),
        ([globally("edit_default_branch", "much")], True, False),
        ([globally("merge_branch")], True, False),
        ([globally("super_admin")], True, True),
    ],
)
def test_global_permissions(edges: list[dict[str, Any]], *, default: bool, allowed: bool) -> None:
    assert verdicts.may(edges, verdicts.DEFAULT_BRANCH, default=default) is allowed


def test_default_branch_that_may_not_be_written_to() -> None:
    found = verdicts.default_branch("main", allowed=False)
    assert found.level is Level.ERROR
    assert "edit_default_branch" in found.advice


@pytest.mark.parametrize("allowed", [True, False])
def test_strategy_that_merges(*, allowed: bool) -> None:
    found = verdicts.strategy(allowed=allowed)
    assert (found.level is Level.OK) is allowed
    assert ("merge_branch" in found.advice) is not allowed


@pytest.mark.parametrize(
    ("changes", "allowed", "level"),
    [
        ([], False, "ok"),
        (["A: added"], True, "warning"),
        (["A: added"], None, "warning"),
        (["A: added"], False, "error"),
    ],
)
def test_schema(changes: list[str], level: str, *, allowed: bool | None) -> None:
    assert verdicts.schema(changes, allowed=allowed).level == level


def status(synced: bool, *hashes: str | None) -> dict[str, Any]:
    nodes = [{"active": own is not None, "schema_hash": own or "old"} for own in hashes]
    edges = [{"node": own} for own in nodes]
    return {"summary": {"schema_hash_synced": synced}, "workers": {"edges": edges}}


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (status(True, "a", "a", None), "ok"),
        (status(True, "a", "b"), "warning"),
        (status(False, "a", "a"), "warning"),
        (status(True, None), "warning"),
        (status(True), "warning"),
    ],
)
def test_workers(found: dict[str, Any], level: str) -> None:
    assert verdicts.workers(found).level == level


@pytest.mark.parametrize(
    ("offset", "words"),
    [(0, "within"), (29, "within"), (-30, "within"), (31, "ahead of"), (-3600, "3600 s behind")],
)
def test_clock(offset: float, words: str) -> None:
    found = verdicts.clock(formatdate(NOW, usegmt=True), NOW + offset)
    assert found is not None
    assert words in found.message
    assert (found.level is Level.OK) is (words == "within")


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_clock_that_the_server_does_not_tell(date: str | None) -> None:
    assert verdicts.clock(date, NOW) is None
