"""Parts of a value that is JSON, each by its JSON Pointer (RFC 6901).

Pointers lead through mappings only. An item of a list has no name: its number is another one's as
soon as something before it comes or goes, so that a list is one value, and changes as a whole.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Part = tuple[str, ...]
"""The names that lead to a part, from the outside in."""

_WRONG = re.compile(r"~(?![01])")


def read(pointer: str) -> Part:
    """Read a pointer to a part; raises ``ValueError`` for one that is none, or is to all of it."""
    if not pointer.startswith("/") or _WRONG.search(pointer):
        raise ValueError("expected a JSON Pointer: /name, or /name/name; ~1 is a slash, ~0 a tilde")
    names = pointer[1:].split("/")
    return tuple(own.replace("~1", "/").replace("~0", "~") for own in names)


def spelled(part: Part) -> str:
    """Return the pointer to a part."""
    return "".join(f"/{own.replace('~', '~0').replace('/', '~1')}" for own in part)


def differing(one: Any, other: Any) -> Iterator[Part]:
    """Yield the smallest parts in which two values differ; the empty one stands for all of it."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        if one != other:
            yield ()
        return
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            yield (name,)
        else:
            yield from ((name, *own) for own in differing(one[name], other[name]))


def kept(want: Any, have: Any, parts: Iterable[Part]) -> Any:
    """Return a value with some parts as another one has them, or has them not.

    Where the value is no mapping, and so leaves no room for a part, it counts as it is. Where
    nothing is wanted at all, what is kept is left.
    """
    found = {} if want is None else want
    for part in sorted(parts):
        found = _kept(found, have, part)
    return None if want is None and not found else found


def _kept(want: Any, have: Any, part: Sequence[str]) -> Any:
    if not isinstance(want, dict):
        return want
    name, *rest = part
    there = isinstance(have, dict) and name in have
    if not rest:
        others = {own: value for own, value in want.items() if own != name or there}
        return {**others, name: have[name]} if there else others
    if want.get(name) is not None:
        return {**want, name: _kept(want[name], have[name] if there else None, rest)}
    found = _kept({}, have[name] if there else None, rest)
    return {**want, name: found} if found else want
