"""The daemon's log: a line for each event on stderr, for people or as JSON.

Every value is quoted where it is not a plain word: a name out of a repository cannot forge a line.
"""

import logging
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from stateward.model.event import Action, Event, Level, event

FORMS = ("console", "json")
_FOREIGN = ("stateward", "asyncio")
"""Loggers whose warnings are told as well: ours, and the loop's that we run in."""


def emitter(form: str, stream: TextIO) -> Callable[[Event], None]:
    """Return what writes events, each with the time it was told at."""
    render = structlog.processors.JSONRenderer() if form == "json" else _console
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"), render],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=True,
    )

    def emit(own: Event) -> None:
        fields = {name: value for name, value in own.fields.items() if value is not None}
        logger.info(None, level=own.level.value, action=own.action.value, **fields)

    return emit


def take_over(emit: Callable[[Event], None]) -> None:
    """Have what our own modules, and the loop, say by ``logging`` told as events."""
    for name in _FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers = [_Bridge(emit)]
        logger.propagate = False


class _Bridge(logging.Handler):
    def __init__(self, emit: Callable[[Event], None]) -> None:
        super().__init__(logging.WARNING)
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        self._emit(event(Action.NOTE, level, logger=record.name, message=record.getMessage()))


def _console(_logger: Any, _name: str, fields: MutableMapping[str, Any]) -> str:
    """Write the time, the level and the action, and then what it is about."""
    words = [str(fields["time"]), f"{fields['level']:7}", f"{fields['action']:14}"]
    return " ".join([*words, *_named(fields)]).rstrip()


def _named(fields: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}={_quoted(value)}"
        for name, value in fields.items()
        if name not in {"time", "level", "action", "event"}
    ]


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text and text.isprintable() and not any(own in text for own in " \"='")
    return text if plain else ascii(text) if not text.isprintable() else repr(text)
