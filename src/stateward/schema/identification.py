"""What tells the objects of a kind apart: what is declared, and what follows from it."""

from collections.abc import Iterable
from dataclasses import replace

from stateward.schema.draft import Draft
from stateward.schema.paths import SEPARATOR

_VALUE = "value"


def identify(drafts: Iterable[Draft]) -> None:
    """Work out the human-friendly ids and the uniqueness constraints that follow from the rest.

    The server does this for the generics, before nodes inherit from them, and then for all.
    """
    for draft in drafts:
        draft.hfid = draft.hfid or _derived(draft)
        _constrain_hfid(draft)
        _constrain_unique(draft)


def _derived(draft: Draft) -> tuple[str, ...]:
    """Return the first unique attribute, else the first constraint of a single attribute."""
    for attribute in draft.attributes.values():
        if attribute.unique:
            return (_path(attribute.name),)
    for constraint in draft.uniqueness:
        if (name := _single_attribute(draft, constraint)) is not None:
            return (_path(name),)
    return ()


def _constrain_hfid(draft: Draft) -> None:
    # The relationship to a parent in the hierarchy is added later.
    relationships = draft.relationships.keys() | {"parent"} - draft.attributes.keys()
    constraint = tuple(
        first if (first := path.split(SEPARATOR)[0]) in relationships else path
        for path in draft.hfid
    )
    known = any(set(other) == set(constraint) for other in draft.uniqueness)
    if constraint and not known:
        draft.uniqueness.append(constraint)


def _constrain_unique(draft: Draft) -> None:
    """Make each unique attribute a constraint, and the attribute of each such constraint unique.

    What is unique in a generic is a constraint there: the heir does not repeat it.
    """
    constrained = {_single_attribute(draft, constraint) for constraint in draft.uniqueness}
    for name in constrained - {None}:
        attribute = draft.attributes[str(name)]
        if not attribute.unique:
            draft.attributes[attribute.name] = replace(attribute, unique=True)
    unique = sorted(
        attribute.name
        for attribute in draft.attributes.values()
        if attribute.unique and attribute.name not in draft.inherited
    )
    draft.uniqueness.extend((_path(name),) for name in unique if name not in constrained)


def _single_attribute(draft: Draft, constraint: tuple[str, ...]) -> str | None:
    """Return the attribute that a constraint is about, if it is about nothing else."""
    name, _, part = constraint[0].partition(SEPARATOR)
    alone = len(constraint) == 1 and part == _VALUE and name in draft.attributes
    return name if alone else None


def _path(name: str) -> str:
    return f"{name}{SEPARATOR}{_VALUE}"
