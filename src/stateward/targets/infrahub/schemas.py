"""The server's schema: read once for each of its hashes, and brought up to the files'."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from stateward import __version__
from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.model.schema import Schema
from stateward.ports import Memory
from stateward.schema.api import NODE, from_api, to_api
from stateward.schema.differences import differences, united
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.deadline import within
from stateward.targets.infrahub.wire import understood
from stateward.targets.infrahub.words import shown

_LOAD_DEADLINE = 300.0
"""Seconds for the server to answer; a large schema takes ten of them on a small machine."""
_CONVERGE_DEADLINE = 300.0
"""Seconds for all workers to have a schema: two minutes were not enough for a busy one."""
_PAUSE = 0.25
_STATUS = (
    "query { InfrahubStatus { summary { schema_hash_synced }"
    " workers { edges { node { active schema_hash } } } } }"
)
_KEPT = 4
_ALIKE, _OTHER = b"alike", b"other"


@dataclass(slots=True)
class Library:
    """Schemas that were read, by the server's hash, and what the server said of others."""

    memory: Memory | None = None
    """Where they are kept for the next process."""
    _read: dict[str, Schema] = field(default_factory=dict)
    _alike: dict[str, bool] = field(default_factory=dict)

    async def find(self, hash_: str) -> Schema | None:
        if hash_ not in self._read and self.memory is not None:
            content = await self.memory.recall(_name(hash_))
            if content is not None:
                # What is not to be understood is read from the server again.
                with suppress(ValueError, KeyError, TypeError, AttributeError):
                    self._keep(hash_, from_api(json.loads(content)))
        return self._read.get(hash_)

    async def keep(self, hash_: str, schema: Schema) -> Schema:
        self._keep(hash_, schema)
        if self.memory is not None:
            await self.memory.keep(_name(hash_), json.dumps(to_api(schema)).encode())
        return schema

    def _keep(self, hash_: str, schema: Schema) -> None:
        self._read[hash_] = schema
        while len(self._read) > _KEPT:
            del self._read[next(iter(self._read))]

    async def alike(self, hash_: str, declared: str) -> bool | None:
        """Tell whether a declared schema changes nothing; None where that is not known."""
        name = _name(f"{hash_} {declared}")
        if name not in self._alike and self.memory is not None:
            content = await self.memory.recall(name)
            if content in {_ALIKE, _OTHER}:
                self._alike[name] = content == _ALIKE
        return self._alike.get(name)

    async def learn(self, hash_: str, declared: str, *, alike: bool) -> bool:
        """Take note whether a declared schema changes nothing."""
        name = _name(f"{hash_} {declared}")
        self._alike[name] = alike
        if self.memory is not None:
            await self.memory.keep(name, _ALIKE if alike else _OTHER)
        return alike


def _name(text: str) -> str:
    """Return the name for what is remembered: another version of us may understand it otherwise."""
    return f"schema {__version__} {text}"


async def hash_of(client: Client, branch: str) -> str:
    """Return the server's hash of a branch's schema, as it is now."""
    summary = await client.get("/api/schema/summary", {"branch": branch})
    with understood():
        return str(summary["main"])


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
        known = await self.library.find(self.hash)
        if known is None:
            payload = await self.client.get("/api/schema", {"branch": self.branch})
            with understood():
                # It may have changed since its hash was asked for.
                self.hash, known = str(payload["main"]), from_api(payload)
            if NODE not in known.kinds:
                message = "the server's answer is not a schema of Infrahub"
                raise TargetUnavailable(message, code=Code.TARGET_ANSWER)
            await self.library.keep(self.hash, known)
        self.there = self.in_force = known

    async def _current(self) -> str:
        return await hash_of(self.client, self.branch)

    async def follow(self, client: Client, branch: str) -> None:
        """Go on with a branch that was just made of the one so far."""
        self.client, self.branch = client, branch
        self.hash = await self._current()

    async def moved(self) -> bool:
        """Tell whether the server's schema is another one than was read."""
        return await self._current() != self.hash

    async def _changes_nothing(self, declared: Schema) -> bool:
        """Ask the server, which knows, where what it makes of the files is not what we make."""
        alike = await self.library.alike(self.hash, declared.hash)
        if alike is None:
            status, answer = await self.client.post(
                "/api/schema/check",
                {"schemas": list(declared.files)},
                {"branch": self.branch},
                deadline=_LOAD_DEADLINE,
            )
            # What the server refuses is told when it is loaded: a plan is made all the same.
            with understood():
                diff = answer["diff"] if status < _REFUSED else {"added": True}
            alike = not any(diff.values())
            await self.library.learn(self.hash, declared.hash, alike=alike)
        return alike

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
        message = f"not all of the server's workers have the schema {_CONVERGE_DEADLINE:.0f} s"
        async with within(_CONVERGE_DEADLINE, f"{message} after it was loaded"):
            while not await self._synced():  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(_PAUSE)

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
