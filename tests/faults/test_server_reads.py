"""Whatever goes wrong with what is asked of the server: asking again does no harm, and is enough.

What is no answer at all is told, and nothing wrong is written because of it.
"""

from itertools import cycle

import mishaps
import pytest
from cases import Case, is_clear
from fault_proxy import Fault, everything, loads, reads

ROUND = 14
"""So many reads at the least has a round that makes, changes and deletes."""
PASSING = [
    pytest.param([mishaps.shed], id="shed", marks=pytest.mark.long),
    pytest.param([mishaps.refuse, mishaps.lose_the_answer], id="reset"),
    pytest.param([mishaps.half_an_answer, mishaps.too_deep], id="half-an-answer"),
    pytest.param(
        [mishaps.plain_500, mishaps.slow_down, mishaps.unavailable], id="500-and-of-a-gateway"
    ),
]
NO_ANSWERS = [mishaps.login_page, mishaps.nothing, mishaps.a_list, mishaps.too_large]
EXTRA = """---
version: "1.0"
nodes:
  - name: Extra
    namespace: Fault
    attributes:
      - {name: name, kind: Text}
"""


def step(case: Case, number: int) -> dict[str, str]:
    """Declare one port more and one less than in the step before, and another one otherwise."""
    ports = {f"{case.name}-{number}": "access", f"{case.name}-{number - 1}": "trunk"}
    case.commit(ports)
    return ports


def begun(case: Case) -> None:
    """Apply a first step."""
    step(case, 0)
    assert case.apply()[0] == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", PASSING)
def test_every_read_of_a_round_is_asked_again(case: Case, faults: list[Fault]) -> None:
    begun(case)
    ports = step(case, 1)
    case.forget()
    # Every other one: what is hit is asked again, and what comes next is hit.
    case.proxy.begin(dict(zip(range(0, 100, 2), cycle(faults), strict=False)), reads)
    code, report = case.apply()
    assert code == 0, report
    assert case.proxy.met >= ROUND
    case.converges(ports)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_read_of_a_round_in_turn_gets_no_answer_of_the_server(case: Case) -> None:
    number = 0
    begun(case)
    while True:
        ports = step(case, number + 1)
        case.forget()
        case.proxy.begin({number: NO_ANSWERS[number % len(NO_ANSWERS)]}, reads)
        code, report = case.apply()
        if not case.proxy.met:
            break
        assert is_clear(code, report), report
        assert "SW3012" in str(report)
        case.check_groups()
        case.clean(ports)
        number += 1
    assert code == 0, report
    case.converges(ports)
    assert number >= ROUND


@pytest.mark.long
@pytest.mark.timeout(300)
def test_schema_is_sent_again(case: Case) -> None:
    """The server is asked what loading it would change, and then to load it."""
    case.repo.write(".infrahub.yml", b"schemas: [extra.yml]\n")
    case.repo.write("extra.yml", EXTRA.encode())
    case.proxy.begin({0: mishaps.half_an_answer, 2: mishaps.lose_the_answer}, loads)
    ports = step(case, 0)
    code, report = case.apply()
    assert code == 0, report
    assert (case.proxy.met, case.proxy.counted) == (2, 4)
    case.converges(ports)


@pytest.mark.timeout(300)
def test_answers_that_come_late_but_in_time_are_taken(case: Case) -> None:
    begun(case)
    ports = step(case, 1)
    case.proxy.begin(dict.fromkeys(range(100), mishaps.late(0.2)), everything)
    code, report = case.apply()
    assert code == 0, report
    case.converges(ports)


@pytest.mark.timeout(300)
def test_reads_that_are_not_answered_in_time_are_asked_again(case: Case) -> None:
    case.repo.write("stateward.yaml", b"target: {batch: 5, timeout: 5}\n")
    ports = step(case, 0)
    case.proxy.begin({0: mishaps.hold, 3: mishaps.hold}, reads)
    code, report = case.apply()
    assert code == 0, report
    assert case.proxy.met == 2
    case.converges(ports)
