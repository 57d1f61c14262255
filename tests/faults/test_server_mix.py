"""Everything at once: whatever meets whatever request, commits come through in the end.

A run through it comes to its end, or fails with a code; nothing of ours is outside its group or
there twice after it, and what somebody made by hand is left alone.
"""

import random
from collections.abc import Iterator

import mishaps
import pytest
from cases import Case, is_clear
from fault_proxy import everything

RATE = 0.2
"""How many of the requests are met by something."""
ATTEMPTS = 3
"""How often a commit is tried, before there is a run with nothing in the way."""
# One request after the other, so that the same seed meets the same requests.
CONFIG = b"target: {batch: 3, inFlight: 1, timeout: 5, writeTimeout: 10}\n"


def commits(case: Case) -> Iterator[dict[str, str]]:
    """Make, change, delete and rename, each as a commit; yield the ports that it declares."""
    made = {f"{case.name}-{n}": "access" for n in range(6)}
    changed = made | {f"{case.name}-{n}": "trunk" for n in range(3)}
    fewer = {f"{case.name}-{n}": changed[f"{case.name}-{n}"] for n in (0, 1, 5)}
    old, new = f"{case.name}-0", f"{case.name}-new"
    renamed = {new if name == old else name: mode for name, mode in fewer.items()}
    for ports in (made, changed, fewer):
        case.commit(ports)
        yield ports
    hint = f"moved:\n  - {{from: [FaultPort, {old}], to: [FaultPort, {new}]}}\n"
    case.repo.write("net/.stateward.yaml", hint.encode())
    case.commit(renamed)
    yield renamed


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3], ids="seed-{}".format)
def test_commits_come_through(case: Case, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - nobody is to be surprised by it twice
    foreign = case.by_hand("theirs")
    case.repo.write("stateward.yaml", CONFIG)
    ids: dict[str, str] = {}
    met = 0
    for ports in commits(case):
        for _ in range(ATTEMPTS):
            case.proxy.begin(mishaps.weather(dice, 200, RATE), everything)
            code, report = case.apply()
            met += case.proxy.met
            assert code == 0 or is_clear(code, report), report
            case.check_groups()
            assert case.by_hand("theirs") == foreign
            if code == 0:
                case.check_ports(ports)
                break
        case.clean(ports)
        last, ids = ids, case.ids()
        assert all(ids[name] == own for name, own in last.items() if name in ids)
    assert ids[f"{case.name}-new"] == last[f"{case.name}-0"]
    assert met >= 8, "it was a fine day"
    case.converges(ports)
    assert case.by_hand("theirs") == foreign
