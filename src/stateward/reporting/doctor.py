"""What an examination found, as JSON and as text: one line for each thing."""

from collections.abc import Sequence
from typing import Any

from stateward.model.finding import Finding, Level
from stateward.reporting.values import safe

SCHEMA = "stateward/doctor/v1"
_WIDTH = max(len(own) for own in Level)


def failed(findings: Sequence[Finding]) -> bool:
    return any(own.level is Level.ERROR for own in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the documented form, ``stateward/doctor/v1``."""
    return {
        "schema": SCHEMA,
        "findings": [
            {
                "level": own.level.value,
                "subject": own.subject,
                "message": own.message,
                "advice": own.advice,
            }
            for own in findings
        ],
    }


def as_text(findings: Sequence[Finding]) -> str:
    lines = [_line(own) for own in findings]
    return "\n".join([*lines, _sentence(findings)]) + "\n"


def _line(own: Finding) -> str:
    said = ": ".join(part for part in (own.subject, own.message, own.advice) if part)
    return f"{own.level.value:{_WIDTH}}  {safe(said)}"


def _sentence(findings: Sequence[Finding]) -> str:
    errors = sum(own.level is Level.ERROR for own in findings)
    warnings = sum(own.level is Level.WARNING for own in findings)
    if not errors and not warnings:
        return "Nothing is wrong."
    return f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
