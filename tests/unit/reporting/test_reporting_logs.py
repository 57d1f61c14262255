"""The daemon's log: one line an event, whatever stands in it, for people and for programs."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest

from stateward.model.event import Action, Level, event
from stateward.reporting import logs

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
FORGED = "a\n2026-01-01T00:00:00Z info stopped \x1b[31m"


def written(form: str, **fields: str | float | None) -> str:
    stream = StringIO()
    logs.emitter(form, stream)(event(Action.UNIT, Level.WARNING, **fields))
    return stream.getvalue()


def test_people_see_when_how_bad_what_and_about_what() -> None:
    when, *words = written("console", unit="objects/a", message="it is gone", run=None).split()
    assert datetime.fromisoformat(when).utcoffset() is not None
    assert words == ["warning", "unit", "unit=objects/a", "message='it", "is", "gone'"]


def test_programs_read_the_same() -> None:
    found = json.loads(written("json", unit="objects/a", writes=3, run=None))
    assert datetime.fromisoformat(found.pop("time")).utcoffset() is not None
    assert found == {"level": "warning", "action": "unit", "unit": "objects/a", "writes": 3}


@pytest.mark.parametrize("form", logs.FORMS)
@pytest.mark.parametrize("value", [FORGED, "x\udcff", "", "a='b' c=d"])
def test_a_value_stays_in_its_line(form: str, value: str) -> None:
    found = written(form, unit=value)
    assert found.count("\n") == 1
    assert "\x1b" not in found
    assert found.isascii()


@pytest.fixture
def _logging() -> Iterator[None]:
    logger = logging.getLogger()
    before = list(logger.handlers)
    yield
    logger.handlers = before


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize("name", ["stateward.sources.remote", "stamina"])
def test_what_modules_say_is_told_as_well(name: str) -> None:
    stream = StringIO()
    logs.take_over(logs.emitter("json", stream))
    logging.getLogger(name).warning("%s: not cleaned up", "mirror")
    logging.getLogger(name).info("too much")
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["action"], found["level"]) == ("note", "warning")
    assert (found["logger"], found["message"]) == (name, "mirror: not cleaned up")


def test_every_action_is_documented() -> None:
    rows = [own for own in PAGE.read_text().splitlines() if own.startswith("| `")]
    named = {own.split("`")[1] for own in rows}
    assert {own.value for own in Action} <= named
