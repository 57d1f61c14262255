"""What a script of the SDK writes, written by a session."""

from collections.abc import Sequence

from infrahub_sdk.exceptions import GraphQLError

from stateward.errors import Code, Stalled, TargetRefused
from stateward.sdk.statements import Saying, Statement
from stateward.tracking.library import TrackingSession


async def carry_out(session: TrackingSession, statements: Sequence[Statement]) -> list[str | None]:
    """Write, and return the ids of the objects; raises what the SDK raises for a refusal."""
    try:
        return [await _carry_out(session, own) for own in statements]
    except Stalled as refused:
        told = {"message": str(refused), "extensions": {"code": refused.code}}
        raise GraphQLError(errors=[told]) from refused


async def _carry_out(session: TrackingSession, said: Statement) -> str | None:
    match said.saying:
        case Saying.CREATE:
            return (await session.create(said.kind, said.data)).id
        case Saying.UPSERT:
            return await _upsert(session, said)
        case Saying.UPDATE:
            return (await session.update(await _meant(session, said), said.data)).id
        case Saying.DELETE:
            # The script means this very object, whoever made it.
            await session.delete(await _meant(session, said), force=True)
        case Saying.RELATE:
            await session.relate(await _meant(session, said), said.relationship, *said.peers)
        case Saying.UNRELATE:
            await session.unrelate(await _meant(session, said), said.relationship, *said.peers)
    return None


async def _upsert(session: TrackingSession, said: Statement) -> str:
    """Write an object that may be known by another name than it is to have."""
    if said.node is not None or said.hfid:
        try:
            return (await session.update(await _meant(session, said), said.data)).id
        except TargetRefused as refused:
            if said.node is not None or refused.code is not Code.NOT_FOUND:
                raise
    return (await session.upsert(said.kind, said.data)).id


async def _meant(session: TrackingSession, said: Statement) -> str:
    return said.node or (await session.get(said.kind, hfid=said.hfid)).id


async def enrol(session: TrackingSession, ids: Sequence[str], *, track: bool | None) -> None:
    """Have objects as members that the SDK says it used; ``track`` is False for what is not ours."""
    known = [own for own in ids if own in session.members]
    if track is False:
        await session.remove_members(*known)
    elif len(known) < len(ids):
        await session.add_members(*ids, owned=True)
