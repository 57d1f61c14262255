"""Object templates: for every kind that asks for one, a kind to prepare objects of it with."""

from collections.abc import Iterator
from dataclasses import replace

from stateward.model.schema import Cardinality, Direction, Relationship, Section
from stateward.schema.draft import GROUP, PROFILE, TEMPLATE_NAMESPACE, Draft, Drafts
from stateward.schema.profiles import PROFILES

_NAME = "template_name"
_NAME_PATH = "template_name__value"
_IDENTIFIER = "node__objecttemplate"
_TEMPLATE = "CoreObjectTemplate"
_COMPONENT_TEMPLATE = "CoreObjectComponentTemplate"
_SOURCE = "LineageSource"
_NUMBER_POOL = "CoreNumberPool"
_ADDRESS_POOL = "CoreIPAddressPool"
_PREFIX_POOL = "CoreIPPrefixPool"
_WITHOUT_TEMPLATE = frozenset({_NUMBER_POOL, _ADDRESS_POOL, _PREFIX_POOL, "CoreResourcePool"})
_FAMILY = frozenset({"Component", "Parent"})
_TAKEN_OVER = _FAMILY | {"Attribute", "Generic"}
_FROM_POOL = "_from_resource_pool"


def add_templates(drafts: Drafts) -> None:
    """Add the template kinds, and to each kind that asks for one the way to its template."""
    asking = [
        draft for draft in drafts.values() if draft.generate_template and not draft.restricted
    ]
    needed: dict[str, Draft] = {}
    for draft in asking:
        _need(draft, needed, drafts)
    for draft in needed.values():
        template = _template(draft, needed, drafts)
        drafts[template.kind] = template
    for draft in needed.values():
        _relate(draft, drafts[_template_kind(draft.kind)], drafts)
    for draft in asking:
        draft.relationships["object_template"] = Relationship(
            name="object_template",
            peer=_template_kind(draft.kind),
            kind="Template",
            cardinality=Cardinality.ONE,
            identifier=_IDENTIFIER,
            max_count=1,
        )


def _template_kind(kind: str) -> str:
    return TEMPLATE_NAMESPACE + kind


def _need(draft: Draft, needed: dict[str, Draft], drafts: Drafts) -> None:
    """Collect the kinds that need a template so that this one can have a whole one.

    In the server's order, depth first: what a generic's heirs add depends on who came before.
    """
    waiting = [(draft, False)]
    while waiting:
        current, as_peer = waiting.pop()
        if current.kind in needed or current.kind in _WITHOUT_TEMPLATE:
            continue
        if as_peer:
            # Where a generic is asked for, any of its heirs may turn up.
            heirs = [(heir, False) for heir in _heirs(current, drafts)]
            waiting.extend([*heirs, (current, False)][::-1])
            continue
        needed[current.kind] = current
        for name in current.generics:
            needed.setdefault(name, drafts[name])
        waiting.extend([(peer, True) for peer in _family(current, drafts)][::-1])


def _family(draft: Draft, drafts: Drafts) -> Iterator[Draft]:
    """Yield the kinds that are parts of a kind, or that it is a part of and has to name."""
    for relationship in draft.relationships.values():
        above = relationship.kind == "Parent" and _is_asked_for(draft)
        if relationship.kind in _FAMILY and not above:
            peer = drafts.get(relationship.peer)
            if peer is not None and peer.kind not in {GROUP, PROFILE}:
                yield peer


def _heirs(generic: Draft, drafts: Drafts) -> Iterator[Draft]:
    for kind in sorted(drafts):
        if generic.is_generic and generic.kind in drafts[kind].generics:
            yield drafts[kind]


def _is_asked_for(draft: Draft) -> bool:
    return draft.generate_template and not draft.is_generic


def _template(draft: Draft, needed: dict[str, Draft], drafts: Drafts) -> Draft:
    asked = _is_asked_for(draft)
    core = _TEMPLATE if asked else _COMPONENT_TEMPLATE
    template = Draft(
        kind=_template_kind(draft.kind),
        namespace=TEMPLATE_NAMESPACE,
        section=Section.GENERIC if draft.is_generic else Section.TEMPLATE,
        attributes={_NAME: drafts[core].attributes[_NAME]},
        hfid=(_NAME_PATH,),
    )
    if not draft.is_generic:
        inherited = [_template_kind(name) for name in draft.generics if name in needed]
        template.generics = [_SOURCE, core, *inherited]
        template.uniqueness = [(_NAME_PATH,)]
        related = Relationship(
            name="related_nodes", peer=draft.kind, kind="Template", identifier=_IDENTIFIER
        )
        template.add(related)
    for attribute in draft.attributes.values():
        if not (attribute.read_only or attribute.unique):
            optional = attribute.optional or asked
            template.attributes[attribute.name] = replace(attribute, optional=optional)
    return template


def _relate(draft: Draft, template: Draft, drafts: Drafts) -> None:
    for relationship in draft.relationships.values():
        if relationship.peer in {GROUP, PROFILE} or relationship.kind not in _TAKEN_OVER:
            continue
        template.relationships[relationship.name] = _taken_over(draft, relationship)
        if pool := _pool(drafts.get(relationship.peer)):
            direction = relationship.direction
            identifier = relationship.identifier
            _add_pool(template, relationship.name, pool, identifier, direction)
        if relationship.kind == "Parent" and not template.is_generic:
            _name_below(template, relationship.name)
    for attribute in draft.attributes.values():
        if attribute.kind == "Number" and not (attribute.read_only or attribute.unique):
            name = attribute.name
            _add_pool(template, name, _NUMBER_POOL, name, Direction.OUTBOUND)
    if draft.generate_profile or any(drafts[name].generate_profile for name in draft.generics):
        template.add(replace(PROFILES, identifier="template__profile"))


def _taken_over(draft: Draft, relationship: Relationship) -> Relationship:
    peer = relationship.peer
    if relationship.kind in _FAMILY and peer not in _WITHOUT_TEMPLATE:
        peer = _template_kind(peer)
    optional = relationship.kind != "Parent" if _is_asked_for(draft) else relationship.optional
    return replace(
        relationship,
        peer=peer,
        optional=optional,
        identifier=f"template_{relationship.identifier}",
        cascade=relationship.kind == "Component",
        read_only=False,
        common_parent=None,
    )


def _pool(peer: Draft | None) -> str | None:
    """Return the pool that gives out objects of a kind, if there are pools of it."""
    if peer is None or not (peer.is_ip_address or peer.is_ip_prefix):
        return None
    return _ADDRESS_POOL if peer.is_ip_address else _PREFIX_POOL


def _add_pool(template: Draft, name: str, pool: str, identifier: str, direction: Direction) -> None:
    template.relationships[f"{name}{_FROM_POOL}"] = Relationship(
        name=f"{name}{_FROM_POOL}",
        peer=pool,
        cardinality=Cardinality.ONE,
        identifier=f"{identifier}{_FROM_POOL}".lower(),
        direction=direction,
    )


def _name_below(template: Draft, parent: str) -> None:
    """A template below another one is named within it."""
    template.hfid = (f"{parent}__{_NAME_PATH}", *template.hfid)
    template.uniqueness[0] = (*template.uniqueness[0], parent)
