"""Which files a daemon's configuration comes from, and when they hold something else."""

from pathlib import Path

from stateward.wiring import place
from stateward.wiring.configured import configured


def test_they_are_its_own_and_those_of_the_target_and_the_port(tmp_path: Path) -> None:
    (tmp_path / "stateward.yaml").write_text(
        "target: {url: 'https://infrahub.example', token: {file: token}, caFile: /etc/ca.pem}\n"
        "targets: {staging: {token: {file: other}}}\n"
        "sources: [{git: {url: 'https://git.example/x.git', token: {file: git}}}]\n"
        "server: {token: {file: port}, hooks: [{forge: github, secret: {file: hook}}]}\n"
    )
    found = configured(place.find(str(tmp_path), None))
    names = ("stateward.yaml", "token", "other", "/etc/ca.pem", "port", "hook")
    assert set(found.files) == {tmp_path / own for own in names}


def test_one_that_is_written_appears_or_goes_is_another_content(tmp_path: Path) -> None:
    config, token = tmp_path / "stateward.yaml", tmp_path / "token"
    config.write_text("target: {token: {file: token}}\n")
    found = configured(place.find(str(tmp_path), None))
    seen = [found.digest]
    for act in (lambda: token.write_text("one"), lambda: token.write_text("two"), token.unlink):
        act()
        seen.append(found.now())
    assert len(set(seen[:3])) == 3
    assert seen[3] == seen[0]


def test_without_a_configuration_its_usual_place_counts(tmp_path: Path) -> None:
    found = configured(place.find(str(tmp_path), None))
    assert found.files == (tmp_path / "stateward.yaml",)
    assert found.now() == found.digest
    (tmp_path / "stateward.yaml").write_text("")
    assert found.now() != found.digest
