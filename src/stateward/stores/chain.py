"""The hash chain: every link vouches for all that came before it.

A link's hash is a SHA-256 over the hash of the link before and over all that the link holds, in one
canonical spelling. Whoever edits, drops, adds or swaps a link leaves a place where the sums do
not come out; whoever knows an earlier head can tell that all up to there is as it was. What no
chain can show by itself is that all of it was forged anew: for that, keep its head elsewhere.

Retention drops links from the start. It leaves a link of its own, which says up to where and
with which hash, so that what is left is still the rest of the same chain.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from stateward.model.chain import Break, End, Link, Verdict


def canonical(value: Any) -> str:
    """Spell a value of plain types in the one way that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=repr)


def digest(previous: str, link: Link) -> str:
    """Return the hash that a link has to have after another one."""
    parts = [previous, link.number, link.type, link.run, link.at, link.body]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def verify(links: Iterable[Link], *, head: End | None, dropped: End | None) -> Verdict:
    """Go along a chain, from what was dropped to its head, and stop where it is broken.

    ``dropped`` is what the last retention left word of, and ``head`` what the store says is the
    last link.
    """
    last = dropped or End()
    count = 0
    for link in links:
        if broken := _wrong(last, link):
            return Verdict(count, last, broken)
        last = End(link.number, link.hash)
        count += 1
    if head is None:
        return Verdict(count, last, Break(last.number, "the store does not say which is the last"))
    if head.number > last.number:
        return Verdict(
            count, last, Break(last.number + 1, f"missing, with all up to {head.number}")
        )
    if head != last:
        return Verdict(count, last, Break(head.number, "the store knows another last record"))
    return Verdict(count, last)


def _wrong(last: End, link: Link) -> Break | None:
    expected = last.number + 1
    if not isinstance(link.number, int) or link.number < expected:
        return Break(expected, f"another record stands in its place, number {link.number}")
    if link.number > expected:
        upto = f", with all up to {link.number - 1}" if link.number > expected + 1 else ""
        return Break(expected, f"missing{upto}")
    if digest(last.hash, link) != link.hash:
        return Break(link.number, "its hash is not that of what it holds after the record before")
    return None
