"""The server's schema: read once for each of its hashes, and brought up to the files'."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.model.schema import Schema
from stateward.schema.api import from_api
from stateward.schema.differences import differences, united
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.wire import understood
from stateward.targets.infrahub.words import shown

_LOAD_DEADLINE = 300.0
"""Seconds for the server to answer; a large schema takes ten of them on a small machine."""
_CONVERGE_DEADLINE = 120.0
_PAUSE = 0.25
_STATUS = (
    "query { InfrahubStatus { summary { schema_hash_synced }"
    " workers { edges { node { active schema_hash } } } } }"
)
_KEPT = 4


@dataclass(slots=True)
class Library:
    """Schemas that were read, by the server's hash, and what the server said of others."""

    read: dict[str, Schema] = field(default_factory=dict)
    alike: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Whether a declared schema changes nothing, by the server's hash and the declared one's."""

    def keep(self, hash_: str, schema: Schema) -> Schema:
        self.read[hash_] = schema
        while len(self.read) > _KEPT:
            del self.read[next(iter(self.read))]
        return schema


@dataclass(slots=True)
class Schemas:
    """The schema of one branch, in one session."""

    client: Client
    branch: str
    library: Library
    hash: str = ""
    """The server's own hash of what ``there`` holds."""
    there: Schema = field(default_factory=lambda: Schema(kinds={}, hash=""))
    """What the server has."""
    in_force: Schema = field(default_factory=lambda: Schema(kinds={}, hash=""))
    """What the server has, with what the files declare on top."""
    declared: Schema | None = None
    changes: tuple[str, ...] = ()
    """What loading the declared schema would change."""

    async def open(self, declared: Schema | None) -> None:
        self.declared = declared
        await self._read()
        found = () if declared is None else differences(self.there, declared)
        if declared is not None and found and not await self._changes_nothing(declared):
            self.changes = found
            self.in_force = united(self.there, declared)

    async def _read(self) -> None:
        self.hash = await self._current()
        known = self.library.read.get(self.hash)
        if known is None:
            payload = await self.client.get("/api/schema", {"branch": self.branch})
            with understood():
                known = self.library.keep(self.hash, from_api(payload))
        self.there = self.in_force = known

    async def _current(self) -> str:
        summary = await self.client.get("/api/schema/summary", {"branch": self.branch})
        with understood():
            return str(summary["main"])

    async def follow(self, client: Client, branch: str) -> None:
        """Go on with a branch that was just made of the one so far."""
        self.client, self.branch = client, branch
        self.hash = await self._current()

    async def moved(self) -> bool:
        """Tell whether the server's schema is another one than was read."""
        return await self._current() != self.hash

    async def _changes_nothing(self, declared: Schema) -> bool:
        """Ask the server, which knows, where what it makes of the files is not what we make."""
        asked = (self.hash, declared.hash)
        if asked not in self.library.alike:
            status, answer = await self.client.post(
                "/api/schema/check",
                {"schemas": list(declared.files)},
                {"branch": self.branch},
                deadline=_LOAD_DEADLINE,
            )
            # What the server refuses is told when it is loaded: a plan is made all the same.
            with understood():
                diff = answer["diff"] if status < _REFUSED else {"added": True}
            self.library.alike[asked] = not any(diff.values())
        return self.library.alike[asked]

    async def load(self) -> None:
        """Load the declared schema, and wait until every worker of the server has it."""
        if self.declared is None:
            return
        status, answer = await self.client.post(
            "/api/schema/load",
            {"schemas": list(self.declared.files)},
            {"branch": self.branch},
            deadline=_LOAD_DEADLINE,
        )
        if status >= _REFUSED:
            raise TargetRefused(
                f"the server refuses the schema: {_complaint(answer)}", code=Code.SCHEMA
            )
        await self._converge()
        await self._read()
        self.changes = ()

    async def _converge(self) -> None:
        try:
            async with asyncio.timeout(_CONVERGE_DEADLINE):
                while not await self._synced():  # noqa: ASYNC110 - the server tells nobody
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as error:
            message = f"not all of the server's workers have the schema {_CONVERGE_DEADLINE:.0f} s"
            raise TargetUnavailable(f"{message} after it was loaded") from error

    async def _synced(self) -> bool:
        current = await self._current()
        answer = await self.client.query(_STATUS)
        with understood():
            status = answer["InfrahubStatus"]
            workers = [edge["node"] for edge in status["workers"]["edges"]]
            hashes = {own["schema_hash"] for own in workers if own["active"]}
            return bool(status["summary"]["schema_hash_synced"]) and hashes <= {current}


_REFUSED = 400
_VALUE = re.compile(r"(relates to field [\w.]+)=.*")


def _complaint(answer: Any) -> str:
    """Return the first thing that the server says is wrong, and how many more there are.

    It lists every object that is not as the schema asks, with the value that is not: that may be
    a secret, and is left out.
    """
    lines = [
        where + _VALUE.sub(r"\1", line.strip().rstrip(","))
        for where, text in _complaints(answer)
        for line in text.splitlines()
        if line.strip()
    ]
    if not lines:
        return "no reason given"
    more = f" ... and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{shown(lines[0])}{more}"


def _complaints(answer: Any) -> Iterator[tuple[str, str]]:
    """Yield where something is wrong, and what."""
    for name in ("detail", "errors"):
        found = answer.get(name) if isinstance(answer, Mapping) else None
        for one in found if isinstance(found, list) else ():
            if isinstance(one, Mapping):
                where = ".".join(str(part) for part in one.get("loc", ()))
                text = str(one.get("msg") or one.get("message") or "no reason given")
                yield (f"{where}: " if where else ""), text
