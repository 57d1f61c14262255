"""The daemon's log: a line for each event on stderr, for people or as JSON.

Every value is quoted where it is not a plain word: a name out of a repository cannot forge a line.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from stateward.model.event import Action, Event, Level, event

FORMS = ("console", "json")


def emitter(form: str, stream: TextIO) -> Callable[[Event], None]:
    """Return what writes events, each with the time it was told at."""
    render = json.dumps if form == "json" else _console

    def emit(own: Event) -> None:
        # One write a line: threads and the loop do not come between.
        stream.write(f"{render(as_json(own))}\n")
        stream.flush()

    return emit


def as_json(own: Event) -> dict[str, Any]:
    """Return an event that is told now."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": own.level.value,
        "action": own.action.value,
        **{name: value for name, value in own.fields.items() if value is not None},
    }


def take_over(emit: Callable[[Event], None]) -> None:
    """Have what any module says by ``logging``, from warnings on, told as events."""
    logger = logging.getLogger()
    logger.handlers = [_Bridge(emit)]


class _Bridge(logging.Handler):
    def __init__(self, emit: Callable[[Event], None]) -> None:
        super().__init__(logging.WARNING)
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        self._emit(event(Action.NOTE, level, logger=record.name, message=record.getMessage()))


def _console(fields: Mapping[str, Any]) -> str:
    """Write the time, the level and the action, and then what it is about."""
    words = [str(fields["time"]), f"{fields['level']:7}", f"{fields['action']:14}"]
    return " ".join([*words, *_named(fields)]).rstrip()


def _named(fields: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}={_quoted(value)}"
        for name, value in fields.items()
        if name not in {"time", "level", "action"}
    ]


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text and text.isprintable() and not any(own in text for own in " \"='")
    return text if plain else ascii(text) if not text.isprintable() else repr(text)
