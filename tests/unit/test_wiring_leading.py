"""Which lease a daemon runs for: one for each target, and the same for as long as it is configured so."""

from dataclasses import replace
from pathlib import Path

from stateward.wiring import Invocation, Setup, set_up_all
from stateward.wiring.leading import Candidate, lease_name

CONFIGURED = """
leader: {lease: file}
targets: {staging: {url: "sqlite:///.stateward/staging.db"}}
sources: [{name: live}, {name: trial, target: staging}]
"""


def setups(directory: Path) -> list[Setup]:
    (directory / "stateward.yaml").write_text(CONFIGURED)
    return set_up_all(Invocation(config=str(directory / "stateward.yaml")))


def test_a_lead_is_kept_until_it_is_configured_otherwise(tmp_path: Path) -> None:
    candidate = Candidate(lambda _event: None)
    live, trial = setups(tmp_path)
    first, second = candidate.leadership(live, "one"), candidate.leadership(trial, "two")
    assert first is not second
    assert first.name == second.name
    assert candidate.leadership(live, "one") is first
    assert candidate.leadership(trial, "two") is second
    other = replace(live, invocation=Invocation(instance="other"))
    assert candidate.leadership(other, "one") is not first


def test_a_lead_that_was_given_back_is_another_one_when_it_is_wanted_again(tmp_path: Path) -> None:
    candidate = Candidate(lambda _event: None)
    live, trial = setups(tmp_path)
    first, second = candidate.leadership(live, "one"), candidate.leadership(trial, "two")
    candidate.only({"one"})
    assert candidate.leadership(live, "one") is first
    assert candidate.leadership(trial, "two") is not second


def test_each_target_has_a_lease_of_its_own_in_kubernetes() -> None:
    assert lease_name("gitops", "one prod", None) == "gitops"
    assert lease_name("gitops", "two prod", "staging") == "gitops-staging"
    without = {lease_name(None, own, "staging") for own in ("one prod", "two prod")}
    assert len(without) == 2
    assert all(own.startswith("stateward-") for own in without)
