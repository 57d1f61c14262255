"""Bad input gets a clear error at its place, and nothing is lost.

A good repository is applied. Then a commit makes one unit bad, and at the same time changes the
other one and takes an object out of both. The bad unit keeps everything; the good one goes on.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repositories import Repository
from stateward.cli import run

SCHEMA = """---
version: "1.0"
nodes:
  - name: Site
    namespace: Loc
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
  - name: Device
    namespace: Net
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: role, kind: Dropdown, default_value: leaf, choices: [{name: leaf}, {name: spine}]}
      - {name: height, kind: Number, optional: true}
    relationships:
      - {name: site, peer: LocSite, cardinality: one, optional: false}
      - {name: tags, peer: BuiltinTag, cardinality: many, optional: true}
"""


def document(kind: str, *items: str) -> str:
    head = f"---\napiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: {kind}\n  data:\n"
    return head + "".join(f"    - {item}\n" for item in items)


DEVICE = "{name: %s, site: ams}"
GOOD = document("NetDevice", DEVICE % "leaf1", DEVICE % "leaf2")


def devices(*items: str) -> str:
    """A file that has dropped leaf2 and says something bad beside leaf1, at line 8."""
    return document("NetDevice", DEVICE % "leaf1", *items)


BOMB = "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
)

FILES: dict[str, tuple[str | bytes, str, int, int]] = {
    "not-yaml": ("kind: Object\nspec: {", "yaml", 3, 1),
    "100-KB-of-brackets": ("kind: Object\n" + "[" * 100_000, "depth", 2, 1000),
    "deep": ("kind: Object\nspec: " + "[" * 100_000, "depth", 2, 1006),
    "alias-bomb": (f"kind: Object\na: &a [x, x, x, x, x, x, x, x, x, x]\n{BOMB}", "alias", 7, 16),
    "duplicate-key": (devices("{name: leaf3, site: ams, name: leaf4}"), "duplicate-key", 8, 32),
    "tag": (devices("!!python/object:os.system {name: leaf3}"), "tag", 8, 7),
    "50-MB": (GOOD + "#" + "x" * 50_000_000, "too-large", 0, 0),
    "not-UTF-8": (GOOD.encode().replace(b"leaf2", b"leaf\xff"), "encoding", 8, 18),
    "conflict-marker": (GOOD + "<<<<<<< HEAD\n    - x\n=======\n", "yaml", 9, 1),
    "unknown-kind": (document("NetDevise", DEVICE % "leaf1"), "unknown-kind", 5, 9),
    "unknown-field": (devices("{name: leaf3, site: ams, rol: leaf}"), "unknown-field", 8, 32),
    "unknown-peer": (devices("{name: leaf3, site: rtm}"), "unresolved", 8, 27),
    "reference-to-nothing-in-a-list": (
        devices("{name: leaf3, site: ams, tags: [blue, nope]}"),
        "unresolved",
        8,
        45,
    ),
    "unknown-choice": (devices("{name: leaf3, site: ams, role: core}"), "enum", 8, 38),
    "wrong-type": (devices("{name: leaf3, site: ams, height: tall}"), "type", 8, 40),
    "fraction": (devices("{name: leaf3, site: ams, height: 1.5}"), "type", 8, 40),
    "mandatory-attribute": (devices("{site: ams}"), "mandatory", 8, 8),
    "mandatory-relationship": (devices("{name: leaf3}"), "mandatory", 8, 8),
    "unequal-ranges": (
        GOOD.replace(
            "  kind: NetDevice\n", "  kind: NetDevice\n  parameters: {expand_range: true}\n"
        ).replace("{name: leaf2, site: ams}", '{name: "leaf[2-4]", site: "ams[1-2]"}'),
        "range",
        9,
        14,
    ),
    "unknown-document-kind": (
        GOOD + "---\nkind: Objekt\nspec: {kind: NetDevice}\n",
        "envelope",
        10,
        7,
    ),
    "no-objects-any-more": ("kind: Thing\nspec: {kind: NetDevice}\n", "unreadable", 0, 0),
    "garbage": ("\x01\x02\x03", "unreadable", 0, 0),
}


class Yard:
    """A repository with a good unit and one that is going to be bad, applied once."""

    def __init__(self, directory: Path) -> None:
        self.repo = Repository(directory / "repo")
        self.target = directory / "target.db"
        self.repo.write("schemas/net.yml", SCHEMA.encode())
        self.repo.write("base/sites.yml", document("LocSite", "{name: ams}").encode())
        self.repo.write(
            "good/tags.yml", document("BuiltinTag", "{name: blue}", "{name: red}").encode()
        )
        self.repo.write("bad/devices.yml", GOOD.encode())
        self.repo.commit("good")

    def run(self, capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, Any]:
        asked = [*arguments, "--target", f"sqlite:///{self.target}", "--format", "json"]
        code = run([asked[0], str(self.repo.path), *asked[1:]])
        captured = capsysbinary.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err.decode()

    def text(self) -> str:
        file = self.repo.path / "bad/devices.yml"
        return file.read_text(errors="replace") if file.is_file() else ""

    def names(self, capsysbinary: pytest.CaptureFixture[bytes]) -> set[str]:
        _, found = self.run(capsysbinary, "export")
        return {"/".join(own["hfid"]) for own in found["objects"]}


@pytest.fixture
def yard(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Yard:
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    yard = Yard(tmp_path)
    code, report = yard.run(capsysbinary, "apply")
    assert code == 0, report
    return yard


def check(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes], name: str, place: tuple[str, int, int]
) -> None:
    """The bad unit has the problem at its place and keeps all; the good one has lost one tag."""
    yard.repo.write("good/tags.yml", document("BuiltinTag", "{name: blue}", "{name: new}").encode())
    yard.repo.commit("bad")
    code, report = yard.run(capsysbinary, "apply", "--allow-deletes", "1000")
    assert code == 1
    file, line, column = place
    found = [
        (own["name"], own["file"], own["line"], own["column"])
        for own in report["problems"]
        if own["severity"] == "error" and own["unit"] == "bad"
    ]
    assert (name, file, line, column) in found
    outcomes = {own["unit"]: own["outcome"] for own in report["runs"]}
    assert outcomes == {"bad": "failed", "base": "unchanged", "good": "applied"}
    # A text may say anything where it stands for other texts, or is not known to the letter.
    kept = {"red"} if any(own in yard.text() for own in ("expand_range", "\ufffd")) else set()
    assert yard.names(capsysbinary) == {"ams", "blue", "new", "leaf1", "leaf2", *kept}


@pytest.mark.parametrize("case", FILES)
def test_file_that_is_bad(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes], case: str
) -> None:
    text, name, line, column = FILES[case]
    yard.repo.write("bad/devices.yml", text if isinstance(text, bytes) else text.encode())
    check(yard, capsysbinary, name, ("bad/devices.yml", line, column))


def outward_link(yard: Yard) -> None:
    (yard.repo.path / "bad/devices.yml").unlink()
    (yard.repo.path / "bad/devices.yml").symlink_to("/etc/passwd")


def link_to_a_directory(yard: Yard) -> None:
    (yard.repo.path / "bad").rename(yard.repo.path / "elsewhere")
    (yard.repo.path / "bad").symlink_to("elsewhere")
    yard.repo.write("elsewhere/devices.yml", b"# nothing here")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(outward_link, "bad/devices.yml", id="symlink-out-of-the-tree"),
        pytest.param(link_to_a_directory, "bad", id="symlink-to-a-directory"),
    ],
)
def test_file_that_is_no_file(
    yard: Yard,
    capsysbinary: pytest.CaptureFixture[bytes],
    change: Callable[[Yard], None],
    place: str,
) -> None:
    change(yard)
    check(yard, capsysbinary, "not-a-file", (place, 0, 0))


def test_submodule_in_the_place_of_a_unit(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    yard.repo.git("rm", "-rq", "bad")
    commit = yard.repo.git("rev-parse", "HEAD")
    yard.repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},bad")
    yard.repo.write("good/tags.yml", document("BuiltinTag", "{name: blue}", "{name: new}").encode())
    yard.repo.git("add", "good")
    yard.repo.git("commit", "-qm", "submodule")
    code, report = yard.run(capsysbinary, "apply", "--allow-deletes", "1000")
    assert code == 1
    assert [(own["name"], own["file"]) for own in report["problems"]] == [("not-a-file", "bad")]
    assert yard.names(capsysbinary) == {"ams", "blue", "new", "leaf1", "leaf2"}


def test_file_name_with_a_newline(yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    yard.repo.write("bad/de\nvices.yml", devices("{name: leaf3, site: ams, rol: x}").encode())
    check(yard, capsysbinary, "unknown-field", ("bad/de\nvices.yml", 8, 32))
    code = run(["validate", str(yard.repo.path)])
    assert code == 1
    assert b"'bad/de\\nvices.yml':8:32: SW1303" in capsysbinary.readouterr().out


def test_stray_key_beside_data_is_said_and_stalls_nothing(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    text = "{name: leaf3, site: ams, tags: {kind: BuiltinTag, data: [{name: inner}], colour: red}}"
    yard.repo.write("bad/devices.yml", (GOOD + f"    - {text}\n").encode())
    yard.repo.commit("stray")
    code, report = yard.run(capsysbinary, "apply")
    assert code == 0
    (problem,) = report["problems"]
    assert (problem["name"], problem["severity"]) == ("stray-key", "warning")
    assert (problem["line"], problem["column"]) == (9, 80)


@pytest.mark.parametrize("gone", ["emptied", "no-data", "missing"])
def test_unit_without_objects_is_blocked(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes], gone: str
) -> None:
    if gone == "missing":
        yard.repo.git("rm", "-rq", "bad")
    else:
        text = document("NetDevice").rstrip() + " []\n" if gone == "no-data" else "# later\n"
        yard.repo.write("bad/devices.yml", text.encode())
    yard.repo.commit("emptied")
    code, report = yard.run(capsysbinary, "apply")
    assert code == 3
    assert {own["unit"]: own["outcome"] for own in report["runs"]}["bad"] == "blocked"
    assert yard.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}

    code, _ = yard.run(capsysbinary, "apply", "--allow-deletes", "1")
    assert code == 3
    code, _ = yard.run(capsysbinary, "apply", "--allow-deletes", "2")
    assert code == 0
    assert yard.names(capsysbinary) == {"ams", "blue", "red"}


def test_schema_with_a_mistake_stalls_everything(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    yard.repo.write("schemas/net.yml", SCHEMA.replace("namespace: Loc", "namespace: L").encode())
    yard.repo.write("bad/devices.yml", document("NetDevice", DEVICE % "leaf1").encode())
    yard.repo.commit("schema")
    code, report = yard.run(capsysbinary, "apply")
    assert code == 1
    assert ("schema", "schemas/net.yml", 5, 16) in [
        (own["name"], own["file"], own["line"], own["column"]) for own in report["problems"]
    ]
    assert {own["outcome"] for own in report["runs"]} == {"failed"}
    assert yard.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}


def test_revision_that_does_not_exist(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, said = yard.run(capsysbinary, "apply", "--rev", "maim")
    assert code == 1
    assert "SW2002 no-revision" in said
    assert "main" in said


def test_corrupt_clone(yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    blob = yard.repo.git("rev-parse", "HEAD:bad/devices.yml")
    (yard.repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    code, said = yard.run(capsysbinary, "apply", "--allow-deletes", "1000")
    assert code == 1
    assert "SW2003 corrupt-repository" in said
    assert yard.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        pytest.param(b"this is no database", "SW3002 target-corrupt", id="not-a-database"),
        pytest.param(None, "SW3001 target-foreign", id="somebody-elses"),
    ],
)
def test_target_that_is_not_ours(
    yard: Yard, capsysbinary: pytest.CaptureFixture[bytes], contents: bytes | None, code: str
) -> None:
    yard.target = yard.target.with_name("other.db")
    if contents is None:
        with sqlite3.connect(yard.target) as database:
            database.execute("CREATE TABLE theirs (x)")
        database.close()
    else:
        yard.target.write_bytes(contents)
    before = yard.target.read_bytes()
    for command in ("plan", "apply", "export"):
        status, said = yard.run(capsysbinary, command)
        assert status == 1
        assert code in said
    assert yard.target.read_bytes() == before


def test_settings_with_mistakes(yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    yard.repo.write("bad/.stateward.yaml", b"prune: maybe\nlimit: 1\n")
    yard.repo.write("bad/devices.yml", document("NetDevice", DEVICE % "leaf1").encode())
    yard.repo.commit("settings")
    code, report = yard.run(capsysbinary, "apply")
    assert code == 1
    assert sorted(
        (own["name"], own["file"], own["line"], own["column"]) for own in report["problems"]
    ) == [
        ("configuration", "bad/.stateward.yaml", 1, 8),
        ("configuration", "bad/.stateward.yaml", 2, 1),
    ]
    assert yard.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}


def test_passwords_are_never_shown(yard: Yard, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    canary = "tr0ub4dor-and-3"
    account = "{name: bot, password: %s}"
    yard.repo.write("good/accounts.yml", document("CoreAccount", account % canary).encode())
    yard.repo.commit("account")
    for form in ("text", "json", "markdown"):
        for command in (["validate"], ["plan"], ["plan", "--against", "HEAD~1"], ["apply"]):
            run(
                [
                    *command,
                    str(yard.repo.path),
                    "--target",
                    f"sqlite:///{yard.target}",
                    "--format",
                    form,
                ]
            )
    for form in ("yaml", "json"):
        run(
            [
                "export",
                str(yard.repo.path),
                "--target",
                f"sqlite:///{yard.target}",
                "--format",
                form,
            ]
        )
    captured = capsysbinary.readouterr()
    assert b"(sensitive)" in captured.out
    assert canary.encode() not in captured.out + captured.err
    for file in yard.target.parent.glob("*.db*"):
        assert canary.encode() not in file.read_bytes(), file.name
