"""Thousands of units and nothing to do: a daemon costs next to nothing, and one commit little more."""

import os
from pathlib import Path

import pytest
from bench import idle

UNITS = int(os.environ.get("STATEWARD_IDLE_UNITS", "0"))


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not UNITS, reason="takes eight minutes: `make idle` does it")
def test_thousands_of_idle_units_and_a_commit_to_one(tmp_path: Path) -> None:
    found = idle.measure(tmp_path, UNITS, seconds=60)
    assert found["share"] <= 2, "percent of a core, looks for drift included"
    assert found["peak"] <= 200, "MiB"
    assert found["written"] <= 5, "an object, and what its unit's group says"
    assert found["commit"] <= 10 * found["look"], "seconds of a core"
