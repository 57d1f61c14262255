"""A server whose own processes end in the middle of a round, and are started again.

It wants a server that may be killed: the lab beside this checkout, with nobody else at work on it.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cases import Case
from fault_proxy import Exchange

from live import Lab

LAB = Path(__file__).parents[3] / "shared" / "infrahub"
MANY = 240
RECOVERED = 600
"""Seconds at most until a server that is there again takes changes as before."""
SIGNALS = {"server": signal.SIGTERM, "neo4j": signal.SIGKILL}
"""An API server that is killed leaves locks behind, for which the next one waits a quarter of an hour."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def service(name: str) -> re.Match[str]:
    """Return where a service of the lab is: its port, and its process."""
    said = subprocess.run([LAB / "status"], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^{name} .* port (\d+) +pid (\d+)", said, re.MULTILINE)
    assert found, said
    return found


@pytest.fixture
def ended(lab: Lab) -> Callable[[str], None]:
    """End a service of the lab, with all of its processes."""
    if not (LAB / "status").is_file() or urlsplit(lab.address).port != int(service("server")[1]):
        pytest.skip("the server is not that of the lab beside this checkout, which may be killed")
    return lambda name: os.killpg(int(service(name)[2]), SIGNALS[name])


@pytest.mark.parametrize("name", SIGNALS)
def test_server_ends_in_the_middle_and_is_started_again(
    case: Case, ended: Callable[[str], None], name: str
) -> None:
    case.repo.write("stateward.yaml", b"target: {batch: 20}\n")
    case.declare("access", MANY)

    def kill(exchange: Exchange) -> None:
        ended(name)
        exchange.answer(exchange.ask())

    case.proxy.begin({6: kill})
    try:
        code, report = case.apply()
        assert code == 1, report
        assert "SW3008" in str(report), report
    finally:
        subprocess.run([LAB / "up"], capture_output=True, check=True)
    made = case.ports()
    assert 0 < len(made) < MANY
    case.check_groups()
    case.proxy.begin({})
    deadline = time.monotonic() + RECOVERED
    while (answer := case.apply())[0] != 0:
        assert "SW3008" in str(answer), answer
        assert time.monotonic() < deadline, answer
        case.check_groups()
    case.check("access", MANY)
    case.declare("trunk", 200)
    case.check("trunk", 200)
