"""From arguments to the state store and back. Imported by commands when they run, not before."""

from collections.abc import Sequence
from datetime import UTC, datetime

from stateward.cli import moments
from stateward.errors import ConfigError
from stateward.model.chain import Break, End, Link, Verdict
from stateward.model.record import Record
from stateward.wiring.history import trail


async def runs(
    repo: str | None, config: str | None, subject: str | None, since: str | None, limit: int | None
) -> Sequence[Record]:
    moment = "" if since is None else moments.since(since, datetime.now(UTC))
    async with trail(repo, config) as own:
        return await own.runs(subject, since=moment, limit=limit)


async def run(repo: str | None, config: str | None, prefix: str) -> Record:
    async with trail(repo, config) as own:
        return await own.run(prefix)


async def links(repo: str | None, config: str | None) -> Sequence[Link]:
    async with trail(repo, config) as own:
        return await own.links()


async def verify(repo: str | None, config: str | None, head: str | None) -> Verdict:
    known = None if head is None else _head(head)
    async with trail(repo, config) as own:
        verdict = await own.verify()
        if known is None or verdict.broken is not None:
            return verdict
        found = [link.hash for link in await own.links() if link.number == known.number]
    if found == [known.hash]:
        return verdict
    reason = "it is another one than it was" if found else "it is not there any more"
    return Verdict(verdict.links, verdict.head, Break(known.number, reason))


def _head(text: str) -> End:
    number, _, digest = text.partition(":")
    if not number.isdecimal() or not digest:
        raise ConfigError(f"--head {text}: expected what `audit verify` printed, NUMBER:HASH")
    return End(int(number), digest)
