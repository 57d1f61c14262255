"""What is wrong with a database file, if anything is, in words that a person can act on."""

import os
from collections.abc import Iterator
from pathlib import Path

from stateward.errors import Code, StatewardError
from stateward.model.finding import Finding, fine, warning, wrong
from stateward.model.schema import Schema
from stateward.targets.embedded.session import EmbeddedSession
from stateward.targets.lease import Lease

_ADVICE = {
    Code.TARGET_FOREIGN: "name another file: this one is left as it is",
    Code.TARGET_CORRUPT: "restore a copy, or move it away and apply again: ids will be new",
    Code.TARGET_READ_ONLY: "give this user the right to read and write it",
    Code.TARGET_FULL: "make room on the disk",
    Code.TARGET_BUSY: "wait until the other program is through",
}
_OTHERWISE = "look at the file and the directory it is in"
_MOST_SHOWN = 3


async def diagnose(
    path: Path, session: EmbeddedSession, declared: Schema | None
) -> tuple[Finding, ...]:
    """Look at the file, and at what is in it."""
    found = list(_file(path))
    try:
        await session.open(declared, write=False)
        if not found:
            found.append(fine("target", f"{path}: can be read and written to"))
        if not session.is_new:
            found += [*_lease(path), _schema(session.schema_changes)]
    except StatewardError as error:
        found.append(_told(error))
    finally:
        await session.close()
    return tuple(found)


def _told(error: StatewardError) -> Finding:
    return wrong("target", str(error), _ADVICE.get(error.code, _OTHERWISE))


def _to_be_made(path: Path) -> Finding:
    above = next(own for own in path.parents if own.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        advice = "give this user the right to write there, or name another file"
        return wrong("target", f"{path}: is not there, and {above} cannot be written to", advice)
    return fine("target", f"{path}: is not there yet, the first apply makes it")


def _file(path: Path) -> Iterator[Finding]:
    """Yield what is to be said of a file before it is opened."""
    if not path.exists():
        yield _to_be_made(path)
    elif os.access(path, os.R_OK):
        for own in (path, path.parent):
            if not os.access(own, os.W_OK):
                advice = f"{_ADVICE[Code.TARGET_READ_ONLY]}; `plan` works without"
                yield wrong("target", f"{own}: cannot be written to", advice)


def _lease(path: Path) -> Iterator[Finding]:
    try:
        holder = Lease(path).holder()
    except OSError as error:
        yield wrong("lease", f"{path}.lock: {error.strerror}", _ADVICE[Code.TARGET_READ_ONLY])
        return
    if holder is None:
        yield fine("lease", "nobody is writing")
    else:
        yield warning("lease", f"process {holder} is writing", _ADVICE[Code.TARGET_BUSY])


def _schema(changes: tuple[str, ...]) -> Finding:
    if not changes:
        return fine("schema", "as the files declare it")
    more = f" and {len(changes) - _MOST_SHOWN} more" if len(changes) > _MOST_SHOWN else ""
    shown = f"{'; '.join(changes[:_MOST_SHOWN])}{more}"
    advice = "apply loads it first, unless manageSchema says otherwise"
    return warning("schema", f"the files declare another one: {shown}", advice)
