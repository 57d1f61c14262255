"""The worst day: a wrong commit deleted a thousand objects, approved by mistake, and is taken back."""

import shutil
from typing import Any

import pytest
import yaml

from commands import Cli, asked
from repositories import Repository

RACKS, MODELS = 40, 20
DEVICES = 475
"""Each with an interface, that goes along with it: 1,030 objects with racks and models."""
FLEET, RACKED, MODELLED = "objects/fleet", "objects/racks", "objects/models"


def _file(kind: str, data: list[dict[str, Any]]) -> bytes:
    spec = {"kind": kind, "data": data}
    return yaml.safe_dump(
        {"apiVersion": "infrahub.app/v1", "kind": "Object", "spec": spec}
    ).encode()


def _device(number: int) -> dict[str, Any]:
    return {
        "name": f"node{number:03}",
        "status": "active",
        "device_type": f"model{number % MODELS}",
        "location": f"rack{number % RACKS}",
        "tags": [f"batch{number % MODELS}"],
        "member_of_groups": ["on-call"] if number % 3 else [],
        "interfaces": {"kind": "DcimInterface", "data": [{"name": "eth0", "mtu": 9000}]},
    }


def _grow(repo: Repository) -> None:
    """Add three directories, which refer to each other, and a crew that is not among them."""
    models = [{"name": f"model{own}", "manufacturer": "Arista"} for own in range(MODELS)]
    racks = [{"name": f"rack{own}"} for own in range(RACKS)]
    site = {"name": "Iceland", "children": {"kind": "LocationSite", "data": [_site(racks)]}}
    repo.write(f"{MODELLED}/models.yml", _file("DcimDeviceType", models))
    batches = [{"name": f"batch{own}"} for own in range(MODELS)]
    repo.write(f"{MODELLED}/batches.yml", _file("BuiltinTag", batches))
    repo.write(f"{RACKED}/racks.yml", _file("LocationCountry", [site]))
    repo.write(f"{FLEET}/nodes.yml", _file("DcimDevice", [_device(own) for own in range(DEVICES)]))
    repo.write("objects/crew/groups.yml", _file("CoreStandardGroup", [{"name": "on-call"}]))
    repo.commit("a fleet")


def _site(racks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "kef1", "children": {"kind": "LocationRoom", "data": racks}}


def _wreck(repo: Repository) -> str:
    """Remove two directories, most of a third, and move what is left of one to another."""
    for unit in (RACKED, FLEET):
        shutil.rmtree(repo.path / unit)
    repo.write(f"{MODELLED}/batches.yml", _file("BuiltinTag", [{"name": "batch1"}]))
    (repo.path / MODELLED / "models.yml").unlink()
    kept = [{"name": "model1", "manufacturer": "Supermicro", "height": 4}]
    repo.write("objects/hardware/kept.yml", _file("DcimDeviceType", kept))
    return repo.commit("tidy up")


def _stands(cli: Cli) -> list[dict[str, Any]]:
    """Return all that is there, but for ids: what was deleted comes back under another."""
    found = [{**own, "id": None} for own in asked(cli, "export")["objects"]]
    return sorted(found, key=lambda own: (own["kind"], own["hfid"]))


@pytest.fixture
def wrecked(repo: Repository, cli: Cli) -> tuple[str, list[dict[str, Any]]]:
    """The commit, and what stood before it; one prune is approved after the other, by mistake."""
    _grow(repo)
    asked(cli, "apply")
    before = _stands(cli)
    commit = _wreck(repo)
    asked(cli, "apply", code=3)
    for left in (2, 1, 0):
        blocked = asked(cli, "plan", code=3)["blocked"]
        own = min(blocked, key=lambda one: one["unit"])
        assert cli("approve", own["unit"], own["digest"][:12])[0] == 0
        asked(cli, "apply", code=3 if left else 0)
    return commit, before


def test_is_taken_back_by_one_command(cli: Cli, wrecked: tuple[str, list[dict[str, Any]]]) -> None:
    commit, before = wrecked
    after = _stands(cli)
    assert len(before) - len(after) >= 1000
    shown = asked(cli, "rollback", "--commit", commit[:10], "--dry-run")
    assert shown["problems"] == []
    report = asked(cli, "rollback", "--commit", commit[:10])
    assert report["digest"] == shown["digest"]
    assert _stands(cli) == before

    held = asked(cli, "plan")
    states = {unit: own["state"] for unit, own in held["units"].items()}
    units = {FLEET, RACKED, MODELLED, "objects/hardware"}
    assert {unit for unit, own in states.items() if own == "held"} == units
    assert asked(cli, "apply")["writes"] == 0


def test_stays_held_whatever_is_committed_elsewhere_and_can_be_taken_back_itself(
    cli: Cli, repo: Repository, wrecked: tuple[str, list[dict[str, Any]]]
) -> None:
    commit, before = wrecked
    after = _stands(cli)
    asked(cli, "rollback", "--commit", commit)
    repo.write("objects/network/spare.yml", _file("BuiltinTag", [{"name": "elsewhere"}]))
    repo.commit("elsewhere")
    assert asked(cli, "apply")["runs"]
    tag = [own for own in _stands(cli) if own["hfid"] != ["elsewhere"]]
    assert tag == before, "a directory that is gone is held as that"

    run = next(own["run"] for own in asked(cli, "history")["runs"] if own["kind"] == "rollback")
    blocked = asked(cli, "rollback", run, "--round", code=3)
    assert blocked["writes"] == 0
    asked(cli, "rollback", run, "--round", "--allow-deletes", "1200")
    assert [own for own in _stands(cli) if own["hfid"] != ["elsewhere"]] == after
    assert cli("rollback", "--commit", commit)[0] == 1
    assert "it is what stands now: `stateward rollback" in cli.errors


def test_says_what_somebody_changed_since(
    cli: Cli, repo: Repository, wrecked: tuple[str, list[dict[str, Any]]]
) -> None:
    commit, before = wrecked
    repo.write(f"{RACKED}/racks.yml", _file("LocationCountry", [{"name": "Iceland"}]))
    repo.commit("Iceland is back")
    asked(cli, "apply")
    plan = asked(cli, "rollback", "--commit", commit, "--dry-run", code=1)
    (problem,) = [own for own in plan["problems"] if own["severity"] == "error"]
    assert problem["unit"] == RACKED
    assert "LocationCountry/Iceland: somebody made it again since" in problem["message"]
    made = {own["hfid"][0] for own in plan["changes"] if own["action"] == "create"}
    assert {"kef1", "rack1", "node001"} <= made
    asked(cli, "rollback", "--commit", commit, code=1)
    assert _stands(cli) == before, "all else comes back, below what is there"


class TestNaming:
    def test_of_nothing_or_of_two_things_is_refused(self, cli: Cli) -> None:
        for given in ([], ["run", "--commit", "abc"], ["--round"], ["run", "--source", "one"]):
            assert cli("rollback", *given)[0] == 1
            assert cli.errors

    def test_of_a_commit_that_nothing_was_done_for_is_refused(self, cli: Cli) -> None:
        asked(cli, "apply")
        assert cli("rollback", "--commit", "0123456")[0] == 1
        assert "SW5002 no-such-run: 0123456: no run on sqlite:///" in cli.errors

    def test_of_a_round_means_all_of_its_runs(self, cli: Cli) -> None:
        asked(cli, "apply")
        newest = asked(cli, "history", "objects/network")["runs"][0]
        together = [own for own in asked(cli, "history")["runs"] if own["round"] == newest["round"]]
        plan = asked(cli, "rollback", newest["run"], "--round", "--dry-run", code=3)
        assert {own["unit"] for own in plan["blocked"]} <= {own["subject"] for own in together}
        assert len(together) == len(plan["units"]) > 1
