"""Profiles: for every kind, a kind that holds values to be shared by its objects."""

from dataclasses import replace

from stateward.model.schema import Attribute, Relationship, Section
from stateward.schema.draft import (
    BUILTIN,
    PROFILE,
    PROFILE_NAMESPACE,
    TEMPLATE_NAMESPACE,
    Draft,
    Drafts,
)
from stateward.schema.paths import SEPARATOR

PROFILES = Relationship(name="profiles", peer=PROFILE, kind="Profile", identifier="node__profile")
_NAME_PATH = "profile_name__value"
_OWN_ATTRIBUTES = ("profile_name", "profile_priority")
_GENERICS = ("LineageSource", PROFILE)
_PLAIN_KINDS = frozenset({"Generic", "Attribute"})


def add_profiles(drafts: Drafts) -> None:
    """Add the profile kinds, and to each kind the way to its profiles."""
    own = [
        draft
        for draft in drafts.values()
        if draft.namespace != TEMPLATE_NAMESPACE
        and (not draft.restricted or draft.namespace == BUILTIN)
    ]
    profiles = [_profile(draft, drafts) for draft in own if draft.generate_profile]
    for draft in own:
        draft.add(PROFILES)
    drafts.update({profile.kind: profile for profile in profiles})


def _profile(draft: Draft, drafts: Drafts) -> Draft:
    core = drafts[PROFILE].attributes
    profile = Draft(
        kind=PROFILE_NAMESPACE + draft.kind,
        namespace=PROFILE_NAMESPACE,
        section=Section.PROFILE,
        attributes={name: core[name] for name in _OWN_ATTRIBUTES},
        generics=list(_GENERICS),
        hfid=(_NAME_PATH,),
        default_filter=_NAME_PATH,
    )
    _relate(profile, "related_nodes", draft.kind, PROFILES.identifier)
    if (template := TEMPLATE_NAMESPACE + draft.kind) in drafts:
        _relate(profile, "related_templates", template, "template__profile")
    constrained = {path.split(SEPARATOR)[0] for paths in draft.uniqueness for path in paths}
    for attribute in draft.attributes.values():
        if _may_be_shared(attribute, constrained):
            shared = replace(attribute, optional=True, default=None)
            profile.attributes[attribute.name] = shared
    bare = {path for paths in draft.uniqueness for path in paths}
    for relationship in draft.relationships.values():
        plain = relationship.kind in _PLAIN_KINDS and not relationship.read_only
        if plain and relationship.name not in bare:
            profile.relationships[relationship.name] = replace(
                relationship,
                identifier=f"profile_{relationship.identifier}",
                optional=True,
                cascade=False,
                common_parent=None,
            )
    return profile


def _may_be_shared(attribute: Attribute, constrained: set[str]) -> bool:
    return not (attribute.read_only or attribute.unique or attribute.name in constrained)


def _relate(profile: Draft, name: str, peer: str, identifier: str) -> None:
    profile.add(Relationship(name=name, peer=peer, kind="Profile", identifier=identifier))
