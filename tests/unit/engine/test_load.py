"""One revision of a source to parsed files, units and a schema."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from repositories import Repository
from stateward.desired.discover import Layout, Look, Rule
from stateward.engine import load as loading
from stateward.engine.load import Loaded, Loader, declared_schema, no_longer_objects
from stateward.errors import Problem
from stateward.settings import UnitDefaults, UnitOverrides, read_unit
from stateward.sources.repository import RepositorySource

OBJECT = "kind: Object\nspec: {kind: BuiltinTag, data: [{name: red}]}\n"
SCHEMA = "version: '1.0'\nnodes:\n  - {name: Thing, namespace: Lab, attributes: [{name: name, kind: Text, unique: true}]}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def loader(
    repository: Repository, layout: Layout | None = None, schemas: tuple[str, ...] | None = None
) -> Loader:
    return Loader(
        source=RepositorySource(repository.path, revision="HEAD", timeout=30),
        layout=layout or Layout(),
        schemas=schemas,
        read_settings=lambda _, doc: read_unit(doc, UnitOverrides(), UnitDefaults()),
    )


async def load(
    repository: Repository,
    files: dict[str, str | bytes],
    layout: Layout | None = None,
    schemas: tuple[str, ...] | None = None,
) -> Loaded:
    for path, text in files.items():
        repository.write(path, text if isinstance(text, bytes) else text.encode())
    repository.commit()
    return await loader(repository, layout, schemas).load()


def said(problems: Sequence[Problem]) -> list[str]:
    return [f"{own.location or '-'} {own.code.slug}" for own in problems]


class TestUnits:
    async def test_every_directory_with_objects_is_one(self, repository: Repository) -> None:
        found = await load(repository, {
            "a/1.yml": OBJECT, "a/2.json": '{"kind": "Object", "spec": {}}', "b/c/3.yaml": OBJECT,
            "4.yml": OBJECT, "schemas/s.yml": SCHEMA, "ci.yml": "on: push", "README.md": "kind: Object",
        })  # fmt: skip
        assert {unit: own.paths for unit, own in found.units.items()} == {
            ".": ("4.yml",),
            "a": ("a/1.yml", "a/2.json"),
            "b/c": ("b/c/3.yaml",),
        }
        assert not [problem for own in found.units.values() for problem in own.problems]
        assert set(found.digests) == set(found.units)
        assert found.files["ci.yml"].look is Look.OTHER

    async def test_digests_are_of_names_and_contents(self, repository: Repository) -> None:
        first = await load(repository, {"a/1.yml": OBJECT, "b/1.yml": OBJECT, "c/2.yml": OBJECT})
        second = await load(repository, {"b/1.yml": OBJECT + "#", "a/README": ""})
        assert first.digests["a"] == second.digests["a"]
        assert first.digests["b"] != second.digests["b"]
        assert len({*first.digests.values()}) == 3

    async def test_a_layout(self, repository: Repository) -> None:
        layout = Layout((Rule(path="objects", recursive=True),))
        files = {"objects/a/1.yml": OBJECT, "objects/2.yml": OBJECT, "other/3.yml": OBJECT}
        found = await load(repository, files, layout)  # type: ignore[arg-type]
        assert {unit: own.paths for unit, own in found.units.items()} == {
            "objects": ("objects/2.yml", "objects/a/1.yml")
        }

    async def test_names_that_are_no_text(self, repository: Repository) -> None:
        repository.write(b"a/\xff\n.yml", OBJECT.encode())
        repository.commit()
        found = await loader(repository).load()
        assert list(found.units) == ["a"]
        assert len(found.digests["a"]) == 16

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("kind: Object\nspec: {", "a/2.yml:3:1 yaml"),
            (OBJECT + "---\n- x\n", "a/2.yml:4:1 envelope"),
            ("apiVersion: infrahub.app/v1\nkind: Objct\n", "a/2.yml:2:7 envelope"),
            ("kind: Object\n".encode("utf-16"), "a/2.yml:1:1 encoding"),
            (b"\xef\xbb\xbfkind: Object\nspec: {a: \xff}", "a/2.yml:2:11 encoding"),
        ],
        ids=["yaml", "stray", "typo", "utf-16", "latin-1"],
    )  # fmt: skip
    async def test_a_file_that_cannot_be_read_stalls_its_unit(
        self, repository: Repository, text: str | bytes, problem: str
    ) -> None:
        found = await load(repository, {"a/1.yml": OBJECT, "a/2.yml": text, "b/3.yml": OBJECT})
        assert said(found.units["a"].problems) == [problem]
        assert {own.unit for own in found.units["a"].problems} == {"a"}
        assert not found.units["b"].problems
        assert set(found.units["a"].texts) == {"a/1.yml", "a/2.yml"}
        assert "kind: Obj" in found.units["a"].texts["a/2.yml"].replace("\0", "")

    @pytest.mark.parametrize("limit", ["_MAX_LOOKED_AT", None])
    async def test_a_file_that_is_too_large(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch, limit: str | None
    ) -> None:
        if limit:
            monkeypatch.setattr(loading, limit, 1000)
        text = OBJECT + "#" * (9 * 1024 * 1024)
        found = await load(repository, {"a/1.yml": OBJECT, "a/2.yml": text})
        assert said(found.units["a"].problems) == ["a/2.yml too-large"]
        assert bool(found.units["a"].texts["a/2.yml"]) is (limit is None)


class TestFilesThatAreNone:
    async def test_a_link_beside_object_files(self, repository: Repository) -> None:
        repository.write("a/1.yml", OBJECT.encode())
        (repository.path / "a/2.yml").symlink_to("1.yml")
        (repository.path / "b").symlink_to("a")
        repository.submodule("c", "0" * 39 + "1")
        (repository.path / "README").symlink_to("a")
        repository.git("add", "a", "b", "README")
        repository.git("commit", "-q", "-m", "x")
        found = await loader(repository).load()
        assert said(found.units["a"].problems) == ["a/2.yml not-a-file"]
        assert list(found.units) == ["a"]
        doubts = {unit: found.doubt(unit) for unit in ("b", "b/x", "c", "c/d/e", "a", "bb", "d")}
        assert {unit: doubt and doubt.unit for unit, doubt in doubts.items()} == {
            "b": "b", "b/x": "b/x", "c": "c", "c/d/e": "c/d/e", "a": "a", "bb": None, "d": None,
        }  # fmt: skip

    async def test_the_only_object_file_of_a_unit(self, repository: Repository) -> None:
        repository.write("a/b/other.txt", b"")
        (repository.path / "a/b/1.yml").symlink_to("/etc/passwd")
        repository.commit()
        found = await loader(repository, Layout((Rule(path="a", recursive=True),))).load()
        assert not found.units
        assert found.doubt("a") is not None
        assert found.doubt("x") is None

    async def test_the_settings_of_a_unit(self, repository: Repository) -> None:
        """Where they cannot be read, the unit may be one that is not to be pruned."""
        repository.write("a/1.yml", OBJECT.encode())
        repository.write("b/1.yml", OBJECT.encode())
        (repository.path / "a/.stateward.yaml").symlink_to("../b/x")
        (repository.path / ".stateward.yaml").symlink_to("b/x")
        repository.commit()
        found = await loader(repository).load()
        assert said(found.units["a"].problems) == ["a/.stateward.yaml not-a-file"]
        assert not found.units["b"].problems

    async def test_what_infrahub_is_told(self, repository: Repository) -> None:
        repository.write("a/1.yml", OBJECT.encode())
        (repository.path / ".infrahub.yml").symlink_to("a/1.yml")
        repository.commit()
        found = await loader(repository).load()
        assert said(found.problems) == [".infrahub.yml not-a-file"]


class TestSettings:
    async def test_of_units_and_of_what_were_units_once(self, repository: Repository) -> None:
        found = await load(repository, {
            "a/1.yml": OBJECT, "a/.stateward.yaml": "prune: false", "b/1.yml": OBJECT,
            "old/.stateward.yaml": "prune: false", ".stateward.yaml": "suspend: true", "1.yml": OBJECT,
        })  # fmt: skip
        assert {unit: (own.prune, own.suspend) for unit, own in found.settings.items()} == {
            "a": (False, False),
            "b": (True, False),
            "old": (False, False),
            ".": (True, True),
        }

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("prune: [", "a/.stateward.yaml:2:1 yaml"),
            ("prune: maybe", "a/.stateward.yaml:1:8 configuration"),
            ("prun: false", "a/.stateward.yaml:1:1 configuration"),
            ("#" * (9 * 1024 * 1024), "a/.stateward.yaml too-large"),
        ],
        ids=["yaml", "value", "key", "size"],
    )
    async def test_that_cannot_be_read_stall_the_unit(
        self, repository: Repository, text: str, problem: str
    ) -> None:
        found = await load(
            repository, {"a/1.yml": OBJECT, "a/.stateward.yaml": text, "b/.stateward.yaml": text}
        )
        assert said(found.units["a"].problems) == [problem]
        assert list(found.units) == ["a"]

    async def test_are_read_again_where_they_changed(self, repository: Repository) -> None:
        read: list[str] = []
        own = loader(repository)
        own.read_settings = lambda unit, doc: (
            read.append(unit) or read_unit(doc, UnitOverrides(), UnitDefaults())  # type: ignore[func-returns-value]
        )

        async def settings(files: dict[str, str]) -> dict[str, tuple[bool, list[str]]]:
            read.clear()
            for path, text in files.items():
                repository.write(path, text.encode())
            repository.commit()
            found = await own.load()
            return {
                unit: (one.prune, said(found.units[unit].problems))
                for unit, one in found.settings.items()
            }

        keeps = "prune: false"
        first = {
            "a/1.yml": OBJECT,
            "a/.stateward.yaml": keeps,
            "b/1.yml": OBJECT,
            "c/1.yml": OBJECT,
        }
        assert await settings(first) == {
            "a": (False, []), "b": (True, []), "c": (True, []),
        }  # fmt: skip
        assert sorted(read) == ["a", "b", "c"]
        wrong = "prune: nonsense"
        changed = {"b/.stateward.yaml": wrong, "c/1.yml": f"{OBJECT}# \n", "d/1.yml": OBJECT}
        mistake = (True, ["b/.stateward.yaml:1:8 configuration"])
        expected = {"a": (False, []), "b": mistake, "c": (True, []), "d": (True, [])}
        assert await settings(changed) == expected
        assert sorted(read) == ["b", "d"]
        assert await settings({"c/1.yml": OBJECT}) == expected
        assert read == []
        (repository.path / "a/.stateward.yaml").unlink()
        assert await settings({}) == {**expected, "a": (True, [])}
        assert read == ["a"]


class TestListing:
    async def test_of_what_is_there(self, repository: Repository) -> None:
        listing = "objects: [a, b/1.yml]\nmenus: [menu.yml]\nschemas: [schemas]"
        menu = "kind: Menu\nspec: {data: []}"
        found = await load(repository, {
            ".infrahub.yml": listing, "a/1.yml": OBJECT, "b/1.yml": OBJECT, "menu.yml": menu, "schemas/s.yml": SCHEMA,
        })  # fmt: skip
        assert not found.problems
        assert not [problem for own in found.units.values() for problem in own.problems]

    async def test_files_that_are_not_there_stall_their_unit(self, repository: Repository) -> None:
        listing = "objects:\n  - a/1.yml\n  - a/gone.yml\n  - b/gone.yml\n  - c\n  - README"
        found = await load(repository, {".infrahub.yml": listing, "a/1.yml": OBJECT, "README": ""})
        assert {unit: said(own.problems) for unit, own in found.units.items()} == {
            "a": [".infrahub.yml:3:5 listed-file"],
            "b": [".infrahub.yml:4:5 listed-file"],
            "c": [".infrahub.yml:5:5 listed-file"],
        }
        assert set(found.settings) == {"a", "b", "c"}
        assert found.doubt("c/d") is not None
        assert found.doubt("d") is None

    async def test_files_without_objects_stall_their_unit(self, repository: Repository) -> None:
        listing = "objects: [a/1.yml, a/2.yml, a/3.yml, b/4.yml]"
        found = await load(repository, {
            ".infrahub.yml": listing, "a/1.yml": OBJECT, "a/2.yml": "# kind: Object", "a/3.yml": "kind: Objcts",
            "b/4.yml": "",
        })  # fmt: skip
        assert {unit: said(own.problems) for unit, own in found.units.items()} == {
            "a": [".infrahub.yml:1:20 listed-file", ".infrahub.yml:1:29 listed-file"],
            "b": [".infrahub.yml:1:38 listed-file"],
        }

    async def test_outside_of_the_layout_nothing_is_missed(self, repository: Repository) -> None:
        layout = Layout((Rule(path="a"),))
        found = await load(
            repository, {".infrahub.yml": "objects: [b/gone.yml]", "a/1.yml": OBJECT}, layout
        )
        assert not found.units["a"].problems
        assert list(found.units) == ["a"]

    @pytest.mark.parametrize(
        ("name", "text", "problem"),
        [
            (".infrahub.yml", "objects: x", ".infrahub.yml:1:10 listed-file"),
            (".infrahub.yml", "objects: [", ".infrahub.yml:2:1 yaml"),
            (".infrahub.yaml", "[]", ".infrahub.yaml:1:1 listed-file"),
        ],
    )
    async def test_that_cannot_be_read(
        self, repository: Repository, name: str, text: str, problem: str
    ) -> None:
        found = await load(repository, {name: text, "a/1.yml": OBJECT})
        assert said(found.problems) == [problem]

    async def test_of_two_files_the_first_counts(self, repository: Repository) -> None:
        found = await load(
            repository, {".infrahub.yml": "objects: []", ".infrahub.yaml": "objects: x"}
        )
        assert not found.problems


class TestSchema:
    @pytest.mark.parametrize(
        ("files", "configured", "thing"),
        [
            ({"x/s.yml": SCHEMA}, None, True),
            ({"x/s.yml": SCHEMA, ".infrahub.yml": "schemas: [x]"}, None, True),
            ({"x/s.yml": SCHEMA, ".infrahub.yml": "schemas: [x/s.yml]"}, None, True),
            ({"x/s.yml": SCHEMA}, ("x/",), True),
            ({"x/s.yml": SCHEMA}, (".",), True),
            ({"x/s.yml": SCHEMA, "y/s.yml": "version: '1.0'\nnodes: []"}, ("y",), False),
            ({"x/s.yml": SCHEMA, ".infrahub.yml": "schemas: []"}, None, None),
            ({"a/1.yml": OBJECT}, None, None),
        ],
        ids=["found", "listed-directory", "listed-file", "configured", "everything", "another", "none", "no-file"],
    )  # fmt: skip
    async def test_which_files_it_is_made_of(
        self,
        repository: Repository,
        files: dict[str, str | bytes],
        configured: tuple[str, ...] | None,
        thing: bool | None,
    ) -> None:
        found = await load(repository, files, schemas=configured)
        schema, problems = declared_schema(found, configured)
        assert not problems
        assert (None if schema is None else "LabThing" in schema.kinds) is thing

    @pytest.mark.parametrize(
        ("files", "configured", "problem"),
        [
            ({".infrahub.yml": "schemas: [x, y]", "x/s.yml": SCHEMA}, None, ".infrahub.yml:1:14 listed-file"),
            ({"x/s.yml": SCHEMA}, ("x", "y"), "- listed-file"),
            ({"x/s.yml": SCHEMA + "<"}, None, "x/s.yml:5:1 yaml"),
            ({".infrahub.yml": "schemas: [x]", "x/s.yml": "nodes: []"}, None, "x/s.yml:1:1 schema"),
            ({".infrahub.yml": "schemas: [x/s.yml]", "x/s.yml": "nodes: ["}, None, "x/s.yml:2:1 yaml"),
            ({"x/s.yml": "- a"}, ("x",), "x/s.yml:1:1 schema"),
            ({"x/s.yml": "version: '1.0'\nnodes: [{name: X, namespace: Lab}]"}, None, "x/s.yml:2:16 schema"),
        ],
        ids=["listed", "configured", "yaml", "no-version", "broken", "no-mapping", "rules"],
    )  # fmt: skip
    async def test_what_is_wrong_with_it(
        self,
        repository: Repository,
        files: dict[str, str | bytes],
        configured: tuple[str, ...] | None,
        problem: str,
    ) -> None:
        found = await load(repository, files, schemas=configured)
        schema, problems = declared_schema(found, configured)
        assert schema is None
        assert said(problems)[0] == problem


class TestFilesThatHeldObjects:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (OBJECT, None),
            ("# all of it\n# kind: Object\n", None),
            ("", None),
            ("kind: Objcts\nspec: {}", "a/1.yml unreadable"),
            ("- a", "a/1.yml unreadable"),
            (SCHEMA, "a/1.yml unreadable"),
            ("apiVersion: infrahub.app/v1\nkind: Objct", "a/1.yml unreadable"),
            ("kind: Object\nspec: {", "a/1.yml:3:1 yaml"),
            ("nodes: [\nversion: 1", "a/1.yml:3:1 yaml"),
        ],
        ids=[
            "still",
            "comments",
            "empty",
            "typo",
            "list",
            "schema",
            "claimed",
            "broken",
            "broken-schema",
        ],
    )
    async def test_and_hold_none_now(
        self, repository: Repository, text: str, problem: str | None
    ) -> None:
        found = await load(repository, {"a/1.yml": text})
        wrong = no_longer_objects(["a/1.yml", "a/gone.yml"], found, "a")
        assert said(wrong) == ([problem] if problem else [])
        assert all(own.unit == "a" for own in wrong)


class TestReading:
    async def test_contents_are_parsed_once(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parsed: list[str] = []
        read_file = loading.read_file

        def counting(path: str, data: bytes, *, whole: bool = False) -> object:
            parsed.append(path)
            return read_file(path, data, whole=whole)

        monkeypatch.setattr(loading, "read_file", counting)
        repository.commit(a__1=OBJECT, b__1=OBJECT)
        own = loader(repository)
        first = await own.load()
        again = await own.load()
        assert parsed == ["a/1.yml", "b/1.yml"]
        assert again.files["a/1.yml"] is first.files["a/1.yml"]
        repository.commit(a__1=OBJECT + "#")
        await own.load()
        assert parsed == ["a/1.yml", "b/1.yml", "a/1.yml"]

    async def test_no_more_is_kept_than_a_few_revisions(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loading, "_MIN_KEPT", 0)
        own = loader(repository)
        for number in range(10):
            repository.commit(a__1=f"{OBJECT}# {number}", b__1=OBJECT)
            await own.load()
        assert len(own._parsed) == 4
        assert {path for path, _, _ in own._parsed} == {"a/1.yml", "b/1.yml"}

    async def test_contents_are_read_in_lots(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loading, "_MAX_AT_ONCE", 2 * len(OBJECT))
        files = {f"a/{number}.yml": OBJECT for number in range(5)}
        found = await load(repository, files)  # type: ignore[arg-type]
        assert len(found.units["a"].paths) == 5
        assert not found.units["a"].problems

    async def test_a_revision(self, repository: Repository) -> None:
        first = repository.commit(a__1=OBJECT)
        second = repository.commit(b__1=OBJECT)
        own = loader(repository)
        assert [list((await own.load(revision)).units) for revision in (first, second, None)] == [
            ["a"],
            ["a", "b"],
            ["a", "b"],
        ]
        assert (await own.load()).revision == second
