"""Membership in groups, which nearly every kind can have."""

from stateward.model.schema import Relationship, Section
from stateward.schema.draft import GROUP, Draft, Drafts

_WITHOUT = frozenset({GROUP, "LineageOwner", "LineageSource"})
_MEMBER, _SUBSCRIBER = (
    Relationship(name=f"{role}_of_groups", peer=GROUP, kind="Group", identifier=f"group_{role}")
    for role in ("member", "subscriber")
)
_INSTANCES = tuple(
    Relationship(
        name=f"{role}_of_groups_for_instances",
        peer=GROUP,
        identifier=f"template_group_{role}_for_instances",
    )
    for role in ("member", "subscriber")
)
"""Groups that what is made from a template becomes a member of, not the template itself."""


def add_groups(drafts: Drafts) -> None:
    """Add the relationships to groups. Groups have other groups below them instead."""
    for draft in drafts.values():
        if draft.kind in _WITHOUT or GROUP in draft.generics:
            continue
        _add(draft, _MEMBER, _SUBSCRIBER)
        if draft.section is Section.TEMPLATE:
            _add(draft, *_INSTANCES)


def _add(draft: Draft, *relationships: Relationship) -> None:
    for relationship in relationships:
        draft.add(relationship)
