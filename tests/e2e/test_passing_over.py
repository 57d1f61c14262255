"""Two repositories on one target, by the command line: an object passes from one to the other."""

from pathlib import Path

import pytest

from commands import Cli, asked
from repositories import Repository
from rounds import objects


def tags(*names: str) -> str:
    return objects("BuiltinTag", *({"name": own} for own in names))


def declare(repo: Repository, *names: str) -> None:
    path = repo.path / "objects/tags.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(tags(*names))
    repo.commit(", ".join(names))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Repository, Repository]:
    """Both repositories, and a configuration that has them as its sources."""
    ams, rtm = (Repository(tmp_path / name) for name in ("ams", "rtm"))
    ops = tmp_path / "ops"
    ops.mkdir()
    sources = "\n".join(
        f"  - {{name: {own.path.name}, git: {{url: 'file://{own.path}'}}}}" for own in (ams, rtm)
    )
    text = f"target: {{url: 'sqlite:///target.db'}}\nsources:\n{sources}\n"
    (ops / "stateward.yaml").write_text(text)
    monkeypatch.chdir(ops)
    return ams, rtm


@pytest.fixture
def cli(capsysbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return Cli(capsysbinary)


def apply(cli: Cli, source: str) -> dict[str, int]:
    """Apply a source, and see that a second time nothing is written; return what was done."""
    where = ("--config", "stateward.yaml", "--source", source)
    report = asked(cli, "apply", *where)
    assert asked(cli, "apply", *where)["writes"] == 0
    (run,) = report["runs"]
    return {name: count for name, count in run["summary"].items() if count and name != "unchanged"}


def exported(cli: Cli) -> list[str]:
    code, text = cli("export", "--config", "stateward.yaml", "--source", "ams")
    assert code == 0
    return sorted(line.split(":", 1)[1].strip() for line in text.splitlines() if "name:" in line)


def test_declared_first_it_has_one_owner_in_the_end(
    place: tuple[Repository, Repository], cli: Cli
) -> None:
    ams, rtm = place
    declare(ams, "core", "edge")
    declare(rtm, "lab")
    assert (apply(cli, "ams"), apply(cli, "rtm")) == ({"create": 2}, {"create": 1})
    declare(rtm, "lab", "edge")
    plan = asked(cli, "plan", "--config", "stateward.yaml", "--source", "rtm")
    assert [own["beside"] for own in plan["changes"]] == [["stateward/default/ams/objects"]]
    assert apply(cli, "rtm") == {"adopt": 1}
    for state in Path(".stateward").glob("state.db*"):  # whose it is stands in the target
        state.unlink()
    declare(ams, "core")
    assert apply(cli, "ams") == {"release": 1}
    assert exported(cli) == ["core", "edge", "lab"]
    declare(rtm, "lab")
    assert apply(cli, "rtm") == {"delete": 1}
    assert exported(cli) == ["core", "lab"]


def test_dropped_first_it_is_deleted_and_made_anew(
    place: tuple[Repository, Repository], cli: Cli
) -> None:
    ams, rtm = place
    declare(ams, "core", "edge")
    declare(rtm, "lab", "edge")
    assert apply(cli, "ams") == {"create": 2}
    declare(ams, "core")
    assert apply(cli, "ams") == {"delete": 1}
    assert apply(cli, "rtm") == {"create": 2}
    assert exported(cli) == ["core", "edge", "lab"]


def test_between_instances_it_is_the_same(
    place: tuple[Repository, Repository], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    ams, rtm = place
    declare(ams, "core", "edge")
    declare(rtm, "lab", "edge")
    monkeypatch.setenv("STATEWARD_INSTANCE", "first")
    assert apply(cli, "ams") == {"create": 2}
    monkeypatch.setenv("STATEWARD_INSTANCE", "second")
    assert apply(cli, "rtm") == {"create": 1, "adopt": 1}
    monkeypatch.setenv("STATEWARD_INSTANCE", "first")
    declare(ams, "core")
    assert apply(cli, "ams") == {"release": 1}
    monkeypatch.setenv("STATEWARD_INSTANCE", "second")
    declare(rtm, "lab")
    assert apply(cli, "rtm") == {"delete": 1}
    assert exported(cli) == ["core", "lab"]
