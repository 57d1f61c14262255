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


class Lab:
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
def lab(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Lab:
    monkeypatch.setenv("STATEWARD_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    lab = Lab(tmp_path)
    code, report = lab.run(capsysbinary, "apply")
    assert code == 0, report
    return lab


def check(
    lab: Lab, capsysbinary: pytest.CaptureFixture[bytes], name: str, place: tuple[str, int, int]
) -> None:
    """The bad unit has the problem at its place and keeps all; the good one has lost one tag."""
    lab.repo.write("good/tags.yml", document("BuiltinTag", "{name: blue}", "{name: new}").encode())
    lab.repo.commit("bad")
    code, report = lab.run(capsysbinary, "apply", "--allow-deletes", "1000")
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
    kept = {"red"} if any(own in lab.text() for own in ("expand_range", "\ufffd")) else set()
    assert lab.names(capsysbinary) == {"ams", "blue", "new", "leaf1", "leaf2", *kept}


@pytest.mark.parametrize("case", FILES)
def test_file_that_is_bad(lab: Lab, capsysbinary: pytest.CaptureFixture[bytes], case: str) -> None:
    text, name, line, column = FILES[case]
    lab.repo.write("bad/devices.yml", text if isinstance(text, bytes) else text.encode())
    check(lab, capsysbinary, name, ("bad/devices.yml", line, column))


def outward_link(lab: Lab) -> None:
    (lab.repo.path / "bad/devices.yml").unlink()
    (lab.repo.path / "bad/devices.yml").symlink_to("/etc/passwd")


def link_to_a_directory(lab: Lab) -> None:
    (lab.repo.path / "bad").rename(lab.repo.path / "elsewhere")
    (lab.repo.path / "bad").symlink_to("elsewhere")
    lab.repo.write("elsewhere/devices.yml", b"# nothing here")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(outward_link, "bad/devices.yml", id="symlink-out-of-the-tree"),
        pytest.param(link_to_a_directory, "bad", id="symlink-to-a-directory"),
    ],
)
def test_file_that_is_no_file(
    lab: Lab,
    capsysbinary: pytest.CaptureFixture[bytes],
    change: Callable[[Lab], None],
    place: str,
) -> None:
    change(lab)
    check(lab, capsysbinary, "not-a-file", (place, 0, 0))


def test_submodule_in_the_place_of_a_unit(
    lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    lab.repo.git("rm", "-rq", "bad")
    commit = lab.repo.git("rev-parse", "HEAD")
    lab.repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},bad")
    lab.repo.write("good/tags.yml", document("BuiltinTag", "{name: blue}", "{name: new}").encode())
    lab.repo.git("add", "good")
    lab.repo.git("commit", "-qm", "submodule")
    code, report = lab.run(capsysbinary, "apply", "--allow-deletes", "1000")
    assert code == 1
    assert [(own["name"], own["file"]) for own in report["problems"]] == [("not-a-file", "bad")]
    assert lab.names(capsysbinary) == {"ams", "blue", "new", "leaf1", "leaf2"}


def test_file_name_with_a_newline(lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lab.repo.write("bad/de\nvices.yml", devices("{name: leaf3, site: ams, rol: x}").encode())
    check(lab, capsysbinary, "unknown-field", ("bad/de\nvices.yml", 8, 32))
    code = run(["validate", str(lab.repo.path)])
    assert code == 1
    assert b"'bad/de\\nvices.yml':8:32: SW1303" in capsysbinary.readouterr().out


def test_stray_key_beside_data_is_said_and_stalls_nothing(
    lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    text = "{name: leaf3, site: ams, tags: {kind: BuiltinTag, data: [{name: inner}], colour: red}}"
    lab.repo.write("bad/devices.yml", (GOOD + f"    - {text}\n").encode())
    lab.repo.commit("stray")
    code, report = lab.run(capsysbinary, "apply")
    assert code == 0
    (problem,) = report["problems"]
    assert (problem["name"], problem["severity"]) == ("stray-key", "warning")
    assert (problem["line"], problem["column"]) == (9, 80)


@pytest.mark.parametrize("gone", ["emptied", "no-data", "missing"])
def test_unit_without_objects_is_blocked(
    lab: Lab, capsysbinary: pytest.CaptureFixture[bytes], gone: str
) -> None:
    if gone == "missing":
        lab.repo.git("rm", "-rq", "bad")
    else:
        text = document("NetDevice").rstrip() + " []\n" if gone == "no-data" else "# later\n"
        lab.repo.write("bad/devices.yml", text.encode())
    lab.repo.commit("emptied")
    code, report = lab.run(capsysbinary, "apply")
    assert code == 3
    assert {own["unit"]: own["outcome"] for own in report["runs"]}["bad"] == "blocked"
    assert lab.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}

    code, _ = lab.run(capsysbinary, "apply", "--allow-deletes", "1")
    assert code == 3
    code, _ = lab.run(capsysbinary, "apply", "--allow-deletes", "2")
    assert code == 0
    assert lab.names(capsysbinary) == {"ams", "blue", "red"}


def test_schema_with_a_mistake_stalls_everything(
    lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    lab.repo.write("schemas/net.yml", SCHEMA.replace("namespace: Loc", "namespace: L").encode())
    lab.repo.write("bad/devices.yml", document("NetDevice", DEVICE % "leaf1").encode())
    lab.repo.commit("schema")
    code, report = lab.run(capsysbinary, "apply")
    assert code == 1
    assert ("schema", "schemas/net.yml", 5, 16) in [
        (own["name"], own["file"], own["line"], own["column"]) for own in report["problems"]
    ]
    assert {own["outcome"] for own in report["runs"]} == {"failed"}
    assert lab.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}


def test_revision_that_does_not_exist(lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    code, said = lab.run(capsysbinary, "apply", "--rev", "maim")
    assert code == 1
    assert "SW2002 no-revision" in said
    assert "main" in said


def test_corrupt_clone(lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    blob = lab.repo.git("rev-parse", "HEAD:bad/devices.yml")
    (lab.repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    code, said = lab.run(capsysbinary, "apply", "--allow-deletes", "1000")
    assert code == 1
    assert "SW2003 corrupt-repository" in said
    assert lab.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        pytest.param(b"this is no database", "SW3002 target-corrupt", id="not-a-database"),
        pytest.param(None, "SW3001 target-foreign", id="somebody-elses"),
    ],
)
def test_target_that_is_not_ours(
    lab: Lab, capsysbinary: pytest.CaptureFixture[bytes], contents: bytes | None, code: str
) -> None:
    lab.target = lab.target.with_name("other.db")
    if contents is None:
        with sqlite3.connect(lab.target) as database:
            database.execute("CREATE TABLE theirs (x)")
        database.close()
    else:
        lab.target.write_bytes(contents)
    before = lab.target.read_bytes()
    for command in ("plan", "apply", "export"):
        status, said = lab.run(capsysbinary, command)
        assert status == 1
        assert code in said
    assert lab.target.read_bytes() == before


def test_settings_with_mistakes(lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lab.repo.write("bad/.stateward.yaml", b"prune: maybe\nlimit: 1\n")
    lab.repo.write("bad/devices.yml", document("NetDevice", DEVICE % "leaf1").encode())
    lab.repo.commit("settings")
    code, report = lab.run(capsysbinary, "apply")
    assert code == 1
    assert sorted(
        (own["name"], own["file"], own["line"], own["column"]) for own in report["problems"]
    ) == [
        ("configuration", "bad/.stateward.yaml", 1, 8),
        ("configuration", "bad/.stateward.yaml", 2, 1),
    ]
    assert lab.names(capsysbinary) == {"ams", "blue", "red", "leaf1", "leaf2"}


def test_passwords_are_never_shown(lab: Lab, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    canary = "tr0ub4dor-and-3"
    account = "{name: bot, password: %s}"
    lab.repo.write("good/accounts.yml", document("CoreAccount", account % canary).encode())
    lab.repo.commit("account")
    for form in ("text", "json", "markdown"):
        for command in (["validate"], ["plan"], ["plan", "--against", "HEAD~1"], ["apply"]):
            run(
                [
                    *command,
                    str(lab.repo.path),
                    "--target",
                    f"sqlite:///{lab.target}",
                    "--format",
                    form,
                ]
            )
    for form in ("yaml", "json"):
        run(["export", str(lab.repo.path), "--target", f"sqlite:///{lab.target}", "--format", form])
    captured = capsysbinary.readouterr()
    assert b"(sensitive)" in captured.out
    assert canary.encode() not in captured.out + captured.err
    for file in lab.target.parent.glob("*.db*"):
        assert canary.encode() not in file.read_bytes(), file.name
