"""Field values as they are shown: never a secret, references by their human-friendly ids."""

import json
from typing import Any

from stateward.errors import Location, Problem
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Default, Secret
from stateward.model.state import FromPool

SENSITIVE = "(sensitive)"


def plain(value: Any) -> Any:
    """Return a value for JSON: a reference is its identity's parts, an unnamed one its id."""
    if isinstance(value, Secret):
        return SENSITIVE
    if isinstance(value, Default):
        return plain(value.value)
    if isinstance(value, ObjectKey):
        return list(value.hfid)
    if isinstance(value, NodeId):
        return value.id
    if isinstance(value, FromPool):
        return {"from_pool": plain(value.pool), "identifier": value.identifier}
    if isinstance(value, frozenset):
        return sorted((plain(own) for own in value), key=str)
    if isinstance(value, dict):
        return {str(name): plain(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [plain(own) for own in value]
    return value


def shown(value: Any, width: int = 60) -> str:
    """Return a value for people, on one line and not much longer than ``width``."""
    if value is None:
        return "unset"
    if isinstance(value, Default):
        text = shown(value.value, width)
        return text if value.value in (None, frozenset()) else f"{text} (default)"
    if isinstance(value, ObjectKey):
        return safe("/".join(value.hfid))
    if isinstance(value, NodeId | FromPool | Secret):
        return safe(str(value))
    if isinstance(value, frozenset):
        text = f"[{', '.join(sorted(shown(own, width) for own in value))}]"
    else:
        text = json.dumps(plain(value), ensure_ascii=False, default=str)
    return safe(text if len(text) <= width else f"{text[: width - 1]}…")


def safe(text: str) -> str:
    """Escape what could forge a line of output or steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        own if own.isprintable() else own.encode("unicode_escape").decode() for own in text
    )


def place(location: Location | None) -> dict[str, Any] | None:
    if location is None:
        return None
    return {"file": location.file, "line": location.line, "column": location.column}


def problem(own: Problem) -> dict[str, Any]:
    at = own.location
    return {
        "code": own.code.value,
        "name": own.code.slug,
        "severity": own.severity.value,
        "message": own.message,
        "unit": own.unit,
        "object": own.subject,
        "file": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
    }


def cell(text: str) -> str:
    """Escape a text for a cell of a Markdown table: it is data, and must not become markup."""
    escaped = safe(text)
    for mark in ("\\", "|", "`", "<", "*", "_", "["):
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped
