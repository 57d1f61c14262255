"""What a source is like: whether it can be read, and what it would ask of a target."""

from dataclasses import dataclass

from stateward.desired.load import load as load_desired
from stateward.engine.load import Loaded, Loader, declared_schema
from stateward.errors import Code, Problem, Severity, StatewardError
from stateward.model.document import Map
from stateward.model.finding import Finding, fine, warning, wrong
from stateward.model.schema import Schema

_ADVICE = {
    Code.NO_REVISION: "commit something, or name a branch that is there",
    Code.CORRUPT_REPOSITORY: "look at it with `git fsck`, or clone it again",
    Code.FETCH: "try `git ls-remote` with the same address from this machine",
    Code.REPOSITORY_REFUSED: "its page, docs/errors/SW2005.md, says what is refused and why",
    Code.NO_GIT: "install git 2.30 or newer",
    Code.NOT_SIGNED: "sign what is committed (`git commit -S`), or give the key in git.verify",
    Code.SOURCE_CREDENTIALS: "see that `git` in the configuration gives credentials that may read it",
    Code.SOURCE_TOO_LARGE: "raise git.maxSize, or set git.depth",
    Code.SOURCE_UNTRUSTED: "name who is trusted: git.caFile over https, git.knownHosts over ssh",
}
_REPOSITORY = "give the path or the address of a Git repository that can be read"
_VALIDATE = "run `stateward validate`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a revision would ask of a target."""

    schema: Schema | None = None
    kinds: frozenset[str] = frozenset()
    """The concrete kinds of the objects that are declared, as far as the files alone tell."""


async def examine_source(
    loader: Loader, revision: str | None = None
) -> tuple[tuple[Finding, ...], Needs]:
    """Read a revision and say how that went; what cannot be read needs nothing."""
    try:
        loaded = await loader.load(revision)
    except StatewardError as error:
        return (wrong("repository", str(error), _ADVICE.get(error.code, _REPOSITORY)),), Needs()
    schema, problems = declared_schema(loaded, loader.schemas)
    problems = (*loaded.problems, *problems)
    units = loaded.units.items()
    findings = [
        _repository(loaded),
        _files("units", tuple(own for _, unit in units for own in unit.problems)),
        _files("schema files", problems),
    ]
    needs = Needs(schema=schema, kinds=_kinds(loaded, schema))
    return tuple(own for own in findings if own is not None), needs


def _repository(loaded: Loaded) -> Finding:
    found = f"revision {loaded.revision[:12]} can be read"
    if not loaded.units:
        advice = "commit files of kind: Object, or look at `units` in the configuration"
        return warning("repository", f"{found}, but no directory holds object files", advice)
    count = len(loaded.units)
    return fine("repository", f"{found}, {count} unit{'' if count == 1 else 's'}")


def _files(subject: str, problems: tuple[Problem, ...]) -> Finding | None:
    errors = [own for own in problems if own.severity is Severity.ERROR]
    if not errors:
        return None
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return wrong(subject, f"{errors[0]}{more}", _VALIDATE)


def _kinds(loaded: Loaded, schema: Schema | None) -> frozenset[str]:
    if schema is not None:
        desired = load_desired(loaded.units, schema)
        return frozenset(key.kind for unit in desired.units.values() for key in unit.objects)
    roots = (doc.root for unit in loaded.units.values() for doc in unit.documents)
    specs = (own.get("spec") for own in roots if isinstance(own, Map))
    kinds = (own.get("kind") for own in specs if isinstance(own, Map))
    return frozenset(str(own) for own in kinds if isinstance(own, str))
