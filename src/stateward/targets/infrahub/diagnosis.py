"""What is wrong with a server, an account or a branch: each looked at, whatever another says."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from stateward.errors import Code, StatewardError, TargetRefused, TargetUnavailable
from stateward.model.finding import Finding, fine, warning, wrong
from stateward.model.schema import Schema
from stateward.targets.infrahub import answers, verdicts
from stateward.targets.infrahub.answers import QueryRefused, Reply
from stateward.targets.infrahub.client import Client
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.exchange import Call, Exchange
from stateward.targets.infrahub.lineage import NO_LINEAGE, Lineage
from stateward.targets.infrahub.schemas import Library, Schemas
from stateward.targets.infrahub.trouble import told
from stateward.targets.infrahub.wire import understood
from stateward.targets.lease import Lease

LOOK = 30.0
"""Seconds for one look; the schema, which the server may have to work out, gets longer."""
SCHEMA_LOOK = 120.0

_GUARDED = frozenset({401, 403})
_NOT_FOUND = "NODE_NOT_FOUND"
_BRANCHES = (
    "query($name: String) { own: Branch(name: $name) { name status is_default }"
    " all: Branch { name status } }"
)
_GLOBAL = "{ InfrahubPermissions { global_permissions { edges { node { action decision } } } } }"
_OF_KINDS = "{ CoreNode { permissions { edges { node { kind view create update delete } } } } }"
_STATUS = (
    "{ InfrahubStatus { summary { schema_hash_synced }"
    " workers { edges { node { active schema_hash } } } } }"
)


@dataclass(slots=True)
class Diagnosis:
    """One examination, and what came of it so far."""

    connection: Connection
    lease: Lease
    merges: bool = False
    """Whether rounds are made on a branch of their own, which is merged."""
    lineage: Lineage = NO_LINEAGE
    found: list[Finding] = field(default_factory=list)
    _is_default: bool | None = None
    _rights: list[Any] | None = None
    """The global permissions of the account, where they are known."""

    async def run(self, declared: Schema | None, kinds: Collection[str]) -> tuple[Finding, ...]:
        self._look_at_lease()
        if await self._reach():
            known = await self._look_at_account()
            self._take(verdicts.lineage(self.lineage.wanted, known=known))
            usable = self.connection if known else _anonymous(self.connection)
            async with Client(usable) as client:
                await self._look_around(client, declared, frozenset(kinds), known=known)
        return tuple(self.found)

    def _look_at_lease(self) -> None:
        try:
            holder = self.lease.holder()
        except OSError as error:
            advice = "give this user the right to read and write the directory .stateward"
            self.found.append(wrong("lease", f"cannot be read: {error.strerror}", advice))
            return
        if holder is not None:
            advice = "wait until it is through"
            self.found.append(warning("lease", f"process {holder} writes to this branch", advice))

    async def _reach(self) -> bool:
        """Ask for what every Infrahub tells anybody, so that nobody else gets our credentials."""
        own = self.connection
        call = Call(method="GET", url=f"{own.address}/api/config", deadline=own.timeout)
        try:
            async with Exchange(own) as exchange:
                reply = await exchange.send(call, {}, own.secrets)
            now = time.time()
            if reply.status not in _GUARDED:
                _check_is_infrahub(answers.document(reply, own.secrets))
        except StatewardError as error:
            self.found.append(told("address", error, own))
            return False
        self.found.append(fine("address", f"{own.address} answers"))
        self._take(_clock(reply, now))
        return True

    async def _look_at_account(self) -> bool:
        given = self.connection.token is not None or self.connection.username is not None
        async with Client(self.connection) as client:

            async def look() -> list[Finding]:
                asked = "{ AccountProfile { display_label } }"
                try:
                    found = await client.query(asked, anywhere=True)
                except QueryRefused as error:
                    if any(own.code == _NOT_FOUND for own in error.errors):
                        return [verdicts.nobody(given=given)]
                    raise
                label = found["AccountProfile"]["display_label"]
                return [verdicts.account(label, self.connection.secrets)]

            if not given:
                await self._look("account", look, lacking=verdicts.nobody(given=False))
                return False
            return await self._look("account", look)

    async def _look_around(
        self, client: Client, declared: Schema | None, kinds: frozenset[str], *, known: bool
    ) -> None:
        name = self.connection.branch

        async def version() -> list[Finding]:
            found = await client.query("{ InfrahubInfo { version } }", anywhere=True)
            return [verdicts.version(found["InfrahubInfo"]["version"])]

        async def branch() -> list[Finding]:
            found = await client.query(_BRANCHES, {"name": name}, anywhere=True)
            for own in found["own"]:
                self._is_default = bool(own["is_default"])
            return [verdicts.branch(name, found, self.connection.secrets)]

        async def workers() -> list[Finding]:
            found = await client.query(_STATUS, anywhere=True)
            return [verdicts.workers(found["InfrahubStatus"])]

        await self._look("version", version)
        await self._look("branch", branch)
        if known:
            await self._look("default branch", lambda: self._globally(client))
        if self._is_default is not None:
            if known:
                await self._look("permissions", lambda: self._on_kinds(client, kinds))
            await self._look("schema", lambda: self._schema(client, declared), SCHEMA_LOOK)
        await self._look("workers", workers)

    async def _globally(self, client: Client) -> list[Finding]:
        found = await client.query(_GLOBAL, anywhere=True)
        self._rights = found["InfrahubPermissions"]["global_permissions"]["edges"]
        if not self._is_default:
            return []
        allowed = verdicts.may(self._rights, verdicts.DEFAULT_BRANCH, default=True)
        findings = [verdicts.default_branch(self.connection.branch, allowed=allowed)]
        if self.merges:
            merging = verdicts.may(self._rights, verdicts.MERGE, default=True)
            findings.append(verdicts.strategy(allowed=merging))
        return findings

    async def _on_kinds(self, client: Client, kinds: frozenset[str]) -> list[Finding]:
        found = await client.query(_OF_KINDS)
        edges = found["CoreNode"]["permissions"]["edges"]
        administrator = self._may(verdicts.ADMINISTRATOR) is True
        return list(verdicts.rights(edges, kinds, administrator=administrator))

    async def _schema(self, client: Client, declared: Schema | None) -> list[Finding]:
        if declared is None:
            return [fine("schema", "the server's: the files bring none")]
        schemas = Schemas(client, self.connection.branch, Library())
        await schemas.open(declared)
        return [verdicts.schema(schemas.changes, allowed=self._may(verdicts.SCHEMA))]

    def _may(self, action: str) -> bool | None:
        if self._rights is None:
            return None
        return verdicts.may(self._rights, action, default=bool(self._is_default))

    async def _look(
        self,
        subject: str,
        look: Callable[[], Awaitable[Iterable[Finding]]],
        seconds: float = LOOK,
        lacking: Finding | None = None,
    ) -> bool:
        """Take what a look finds, or why there was nothing to be seen; tell whether it was fine.

        That credentials are refused is told once, with the account.
        """
        try:
            async with asyncio.timeout(seconds):
                with understood():
                    found = list(await look())
        except TimeoutError:
            late = TargetUnavailable(f"no answer within {seconds:.0f} s")
            found = [told(subject, late, self.connection)]
        except TargetRefused as error:
            if error.code is Code.TARGET_CREDENTIALS and subject != "account":
                return False
            found = [lacking or told(subject, error, self.connection)]
        except StatewardError as error:
            found = [told(subject, error, self.connection)]
        self.found += found
        return all(own.level == "ok" for own in found)

    def _take(self, finding: Finding | None) -> None:
        if finding is not None:
            self.found.append(finding)


def _anonymous(connection: Connection) -> Connection:
    return replace(connection, token=None, username=None, password=None)


def _check_is_infrahub(config: Any) -> None:
    if not isinstance(config, dict) or "main" not in config:
        message = "what answers is not an Infrahub"
        raise TargetRefused(message, code=Code.TARGET_ANSWER)


def _clock(reply: Reply, now: float) -> Finding | None:
    return verdicts.clock(reply.headers.get("date"), now)
