"""The chain of records: what became of looking at it, and its export."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from stateward.model.chain import GENESIS, Link, Verdict

SCHEMA = "stateward/audit/v1"


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the documented form, ``stateward/audit/v1``."""
    return {"schema": SCHEMA, "whole": verdict.broken is None, **asdict(verdict)}


def as_text(verdict: Verdict) -> str:
    if verdict.broken is not None:
        return f"broken: record {verdict.broken.number}: {verdict.broken.reason}\n"
    return f"whole: {verdict.links} records, head {verdict.head.number}:{verdict.head.hash}\n"


def lines(links: Sequence[Link]) -> Iterator[str]:
    """Yield the chain as JSON lines, each with the hash of the record before it.

    What came before the first one that is left is known by its hash only, as retention wrote it.
    """
    previous = _before(links)
    for own in links:
        document = {**asdict(own), "previous": previous}
        yield json.dumps(document, ensure_ascii=True) + "\n"
        previous = own.hash


def _before(links: Sequence[Link]) -> str:
    if links and links[0].number > 1:
        for own in reversed(links):
            if own.type == "retention":
                return str(json.loads(own.body)["hash"])
    return GENESIS
