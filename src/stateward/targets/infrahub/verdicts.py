"""What an Infrahub's answers say of it and of us, in words that a person can act on."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from stateward.model.finding import Finding, fine, warning, wrong
from stateward.targets.infrahub.words import shown, text

TESTED = "1.11"
"""The versions of Infrahub that this one is tested with start so."""
SKEW = 30.0
"""Seconds that the two clocks may differ by, before anybody is told."""
GROUP = "CoreStandardGroup"
ADMINISTRATOR, DEFAULT_BRANCH, SCHEMA = "super_admin", "edit_default_branch", "manage_schema"
MERGE = "merge_branch"

_ADMINISTRATORS = "have an administrator of Infrahub"
_RIGHTS = ("view", "create", "update", "delete")
_ON_DEFAULT, _ON_OTHERS = 2, 4
_MOST_SHOWN = 6
_STANDING: Mapping[str, tuple[str, str]] = {
    "MERGED": (
        "it is merged, and takes no changes any more",
        "name another branch, or make a new one",
    ),
    "NEED_REBASE": ("it has to be rebased before it takes changes", "rebase it in Infrahub"),
    "NEED_UPGRADE_REBASE": (
        "it has to be rebased after an upgrade of Infrahub, before it takes changes",
        "rebase it in Infrahub",
    ),
    "DELETING": ("it is being deleted", "name another branch"),
    "MERGE_FAILED": (
        "a merge of it failed, and blocks changes",
        f"{_ADMINISTRATORS} run `infrahub recover merge`",
    ),
}


def version(found: Any) -> Finding:
    said = shown(text(found))
    if said == TESTED or said.startswith(f"{TESTED}."):
        return fine("version", f"Infrahub {said}")
    advice = f"look at a plan closely before you apply it, or use Infrahub {TESTED}"
    return warning("version", f"Infrahub {said}, which is not tested with this version", advice)


def nobody(*, given: bool) -> Finding:
    """Tell of an account that is none: reading works, and looks as if all were well."""
    if given:
        message = "the account of these credentials is not there any more"
        return wrong("account", message, "give a token of another account")
    return wrong(
        "account",
        "anonymous: no credentials are given, and this server lets anybody read",
        "set INFRAHUB_API_TOKEN, or target.token in the configuration: nothing can be written",
    )


def account(label: Any, hidden: Sequence[str]) -> Finding:
    return fine("account", shown(text(label), hidden))


def lineage(wanted: Sequence[str], *, known: bool) -> Finding | None:
    """Judge whether there is an account to be written along with values; None if none is wanted."""
    if not wanted:
        return None
    listed = ", ".join(wanted)
    if known:
        return fine("lineage", f"{listed}: written along with values, for this account")
    message = f"{listed}: to be written for an account that is not known: nothing can be written"
    return wrong("lineage", message, "give a token of an account, or leave out target.lineage")


def branch(name: str, found: Mapping[str, Any], hidden: Sequence[str] = ()) -> Finding:
    """Judge our branch, of what the server says of all of them."""
    every = [own for own in found["all"] if isinstance(own, Mapping)]
    own = next(iter(found["own"]), None)
    if own is None:
        names = sorted(text(one.get("name")) for one in every)
        known = ", ".join(shown(one, hidden) for one in names[:_MOST_SHOWN])
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        advice = f"make it in Infrahub, or name one that is there: {known}{more}"
        return wrong("branch", f"{name}: there is no such branch", advice)
    status = text(own.get("status"))
    if status in _STANDING:
        message, advice = _STANDING[status]
        return wrong("branch", f"{name}: {message}", advice)
    if status == "MERGING" or own.get("is_default"):
        return _merging(name, status, every, hidden)
    return _open(name, status)


def _merging(
    name: str, status: str, every: Sequence[Mapping[str, Any]], hidden: Sequence[str]
) -> Finding:
    """Judge a branch that is being merged, or one that merges may go to."""
    for one in every:
        which, how = shown(text(one.get("name")), hidden), one.get("status")
        if how == "MERGE_FAILED":
            message, advice = _STANDING[how]
            return wrong("branch", f"{name}: {which}: {message}", advice)
        if how == "MERGING":
            message = f"{name}: {which} is being merged: changes are refused meanwhile"
            return warning("branch", message, "wait some minutes: apply tries for three of them")
    return _open(name, status)


def _open(name: str, status: str) -> Finding:
    if status == "OPEN":
        return fine("branch", f"{name}: takes changes")
    message = f"{name}: its status is {shown(status)}, which this version does not know"
    return warning("branch", message, "look at it in Infrahub")


def rights(
    edges: Iterable[Mapping[str, Any]], kinds: Collection[str], *, administrator: bool
) -> Iterator[Finding]:
    """Judge what the account may do with each declared kind, and with tracking groups."""
    given = {text(own["node"]["kind"]): own["node"] for own in edges}
    lacking: dict[tuple[str, ...], list[str]] = {}
    for kind in sorted({*kinds, GROUP} & given.keys()):
        missing = tuple(own for own in _RIGHTS if given[kind].get(own) != "ALLOW")
        if missing:
            lacking.setdefault(missing, []).append(kind)
    for missing, which in lacking.items():
        yield wrong(
            "permissions",
            f"the account may not {', '.join(missing)}: {_listed(which)}",
            f"{_ADMINISTRATORS} give it the object permissions, on this branch",
        )
    if not lacking:
        count = len(kinds & given.keys())
        yield fine("permissions", f"all rights on {count} declared kinds and on {GROUP}")
    unknown = sorted(kinds - given.keys())
    if unknown and not administrator:
        message = f"not there yet, so that no rights on them are seen: {_listed(unknown)}"
        yield warning("permissions", message, "look again when the schema is loaded")


def may(edges: Iterable[Mapping[str, Any]], action: str, *, default: bool) -> bool:
    """Tell whether global permissions allow an action on a default branch, or on another."""
    wanted = _ON_DEFAULT if default else _ON_OTHERS
    allowed = {
        text(own["node"]["action"])
        for own in edges
        if own["node"]["action"] == ADMINISTRATOR or _decision(own["node"]) & wanted
    }
    return bool({ADMINISTRATOR, action} & allowed)


def _decision(node: Mapping[str, Any]) -> int:
    said = text(node["decision"])
    return int(said) if said.isascii() and said.isdigit() else 0


def default_branch(name: str, *, allowed: bool) -> Finding:
    if allowed:
        return fine("default branch", f"the account may write to {name}")
    return wrong(
        "default branch",
        f"the account may not write to {name}",
        f"{_ADMINISTRATORS} give it the global permission {DEFAULT_BRANCH},"
        " or write to another branch: ?branch=NAME",
    )


def strategy(*, allowed: bool) -> Finding:
    if allowed:
        return fine("strategy", "the account may merge the branch of a round")
    return wrong(
        "strategy",
        "the account may not merge the branch of a round",
        f"{_ADMINISTRATORS} give it the global permission {MERGE}, or use strategy: direct",
    )


def schema(changes: Sequence[str], *, allowed: bool | None) -> Finding:
    """Judge the difference that loading the files' schema would make."""
    if not changes:
        return fine("schema", "the server has what the files declare")
    message = f"the files declare what the server has not: {_listed(changes, '; ')}"
    if allowed is False:
        advice = f"{_ADMINISTRATORS} load it, or give the account the permission {SCHEMA}"
        return wrong("schema", message, advice)
    return warning("schema", message, "apply loads it first, unless manageSchema says otherwise")


def workers(status: Mapping[str, Any]) -> Finding:
    nodes = [edge["node"] for edge in status["workers"]["edges"]]
    active = [own for own in nodes if own["active"]]
    hashes = {own["schema_hash"] for own in active}
    if not active:
        message = "none is active: changes that have to be worked out do not come about"
        return warning("workers", message, f"{_ADMINISTRATORS} look at the task workers")
    if len(hashes) > 1 or not status["summary"]["schema_hash_synced"]:
        message = f"not all of {len(active)} have the same schema: what is written may be refused"
        return warning("workers", message, "wait a minute; if it stays so, restart them")
    return fine("workers", f"{len(active)} have one schema")


def clock(date: str | None, now: float) -> Finding | None:
    """Compare the server's ``Date`` with ours, in seconds since the epoch; None if it has none."""
    parsed = parsedate_tz(date) if date else None
    if parsed is None:
        return None
    ahead = now - mktime_tz(parsed)
    if abs(ahead) <= SKEW:
        return fine("clock", f"within {SKEW:.0f} s of the server's")
    message = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's"
    return warning("clock", message, "set both by NTP: times in the history are not to be trusted")


def _listed(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return between.join(shown(own) for own in names[:_MOST_SHOWN]) + more
