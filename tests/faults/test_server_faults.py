"""Whatever goes wrong between us and the server: the next clean run converges.

Nothing is made twice, nothing of ours is outside its group, and nothing foreign is touched.
"""

import signal
import subprocess
import threading

import mishaps
import pytest
from cases import PORTS, Case
from fault_proxy import Exchange, Fault

MANY = 240

UNCERTAIN = [
    pytest.param(mishaps.refuse, id="reset-before"),
    pytest.param(mishaps.lose_the_answer, id="answer-lost"),
    pytest.param(mishaps.leave_at_once, id="reset-meanwhile", marks=pytest.mark.long),
    pytest.param(mishaps.half_an_answer, id="half-an-answer"),
    pytest.param(mishaps.plain_500, id="plain-500-after-all-was-done"),
    pytest.param(mishaps.slow_down, id="429-of-a-gateway", marks=pytest.mark.long),
    pytest.param(mishaps.unavailable, id="503", marks=pytest.mark.long),
]


@pytest.mark.timeout(300)
def test_what_did_certainly_not_happen_is_sent_again(case: Case) -> None:
    case.declare("access")
    case.proxy.begin({0: mishaps.shed, 2: mishaps.shed})
    code, report = case.apply()
    assert code == 0, report
    case.check("access")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", UNCERTAIN)
def test_what_may_have_happened_is_looked_at_by_the_next_run(case: Case, fault: Fault) -> None:
    """The change that makes objects is hit: the one before it has made the group."""
    case.declare("access")
    case.proxy.begin({2: fault})
    code, report = case.apply()
    assert code == 1
    assert "is not known" in str(report)
    made = case.ports()
    assert all(groups for _, groups in made.values()), "something of ours is in no group"
    case.check("access")


@pytest.mark.timeout(300)
def test_answer_that_never_comes_ends_at_the_deadline(case: Case) -> None:
    case.repo.write("stateward.yaml", b"target: {batch: 5, writeTimeout: 10}\n")
    case.declare("access")
    case.proxy.begin({2: mishaps.hold})
    code, report = case.apply()
    assert code == 1
    assert "is not known" in str(report)
    case.check("access")


@pytest.mark.timeout(300)
def test_every_change_of_a_round_is_hit_in_turn(case: Case) -> None:
    """Made, changed and deleted, with the answer lost at one change after another."""
    for mode, ports in (("access", PORTS), ("trunk", PORTS), ("trunk", 4)):
        case.declare(mode, ports)
        number = 0
        while True:
            case.proxy.begin({number: mishaps.lose_the_answer})
            code, report = case.apply()
            if code == 0:
                break
            assert "is not known" in str(report)
            assert all(groups for _, groups in case.ports().values())
            number += 1
        case.check(mode, ports)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_server_is_stopped_in_the_middle_and_brought_back(case: Case) -> None:
    """It is away for longer than anybody tries again; what it was at, it may have done."""
    case.repo.write("stateward.yaml", b"target: {batch: 20}\n")
    case.declare("access", MANY)
    case.proxy.begin({6: case.proxy.stop})
    code, report = case.apply()
    assert code == 1, report
    assert report["errors"] == report["errors"][:1]
    assert "SW3008" in report["errors"][0]
    assert "what happened to the changes under way is not known" in report["errors"][0]
    code, report = case.apply()
    assert code == 1
    assert "SW3008" in report["error"]
    assert "cannot be reached" in report["error"]

    made = case.ports()
    assert 0 < len(made) < MANY
    assert all(groups for _, groups in made.values()), "something of ours is in no group"
    case.proxy.come_back()
    case.check("access", MANY)


@pytest.mark.timeout(600)
def test_server_that_is_started_anew_is_waited_for(case: Case) -> None:
    case.repo.write("stateward.yaml", b"target: {batch: 5, inFlight: 1}\n")
    case.declare("access")
    case.proxy.begin({2: case.proxy.leave_between})
    back = threading.Timer(5, case.proxy.come_back)
    back.start()
    try:
        code, report = case.apply()
    finally:
        back.join()
    assert code == 0, report
    case.check("access")


@pytest.mark.timeout(600)
def test_process_is_killed_while_the_server_goes_on_with_what_it_asked_for(case: Case) -> None:
    """The next one begins at once: what is under way has to have ended before it looks."""
    case.repo.write("stateward.yaml", b"target: {batch: 40}\n")
    case.declare("access", MANY)
    children: list[subprocess.Popen[bytes]] = []

    def kill(exchange: Exchange) -> None:
        threading.Thread(target=exchange.ask, daemon=True).start()
        children[0].kill()
        exchange.reset()

    case.proxy.begin({4: kill})
    children.append(subprocess.Popen(case.command()))
    assert children[0].wait(timeout=300) == -signal.SIGKILL
    code, report = case.apply()
    assert code == 0, report
    case.check_groups()
    case.check("access", MANY)
