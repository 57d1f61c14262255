"""What schema files declare, and the kinds in the making that come of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.model.schema import IP_ADDRESS, IP_PREFIX, Attribute, Kind, Relationship, Section
from stateward.schema import paths
from stateward.schema.api import NODE
from stateward.schema.report import Source

Field = Attribute | Relationship

GROUP = "CoreGroup"
PROFILE = "CoreProfile"
BUILTIN = "Builtin"
PROFILE_NAMESPACE = "Profile"
TEMPLATE_NAMESPACE = "Template"
RESTRICTED = frozenset(
    {
        "Account",
        "Branch",
        BUILTIN,
        "Core",
        "Deprecated",
        "Diff",
        "Infrahub",
        "Internal",
        "Lineage",
        "Schema",
        PROFILE_NAMESPACE,
        TEMPLATE_NAMESPACE,
    }
)
"""Namespaces that are Infrahub's own: files may extend their kinds, not add to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A field as one place declares it."""

    field: Field
    source: Source
    settings: Mapping[str, Any]
    """The keys that it has and that are not empty, as they were read."""

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def absent(self) -> bool:
        return self.settings.get("state") == "absent"

    @property
    def deprecated(self) -> bool:
        return "deprecation" in self.settings

    @property
    def sealed(self) -> bool:
        """Whether heirs must take the field as it is."""
        return self.settings.get("allow_override") == "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A node, a generic or an extension of either, as one place declares it."""

    kind: str
    namespace: str
    section: Section | None
    """None for an extension."""
    source: Source
    settings: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[Declared, ...] = ()

    @property
    def absent(self) -> bool:
        return self.settings.get("state") == "absent"


@dataclass(slots=True, kw_only=True)
class Draft:
    """A kind in the making. Fields are replaced, never changed: kinds may share them."""

    kind: str
    namespace: str
    section: Section = Section.NODE
    attributes: dict[str, Attribute] = field(default_factory=dict)
    relationships: dict[str, Relationship] = field(default_factory=dict)
    inherited: set[str] = field(default_factory=set)
    """Names of the fields that it has from its generics."""
    deprecated: set[str] = field(default_factory=set)
    """Names of fields that nobody has to fill in any more, whatever else is said of them."""
    sealed: set[str] = field(default_factory=set)
    """Names of the fields that its heirs must take as they are."""
    generics: list[str] = field(default_factory=list)
    hfid: tuple[str, ...] = ()
    uniqueness: list[tuple[str, ...]] = field(default_factory=list)
    default_filter: str | None = None
    hierarchical: bool = False
    hierarchy: str | None = None
    parent: str | None = None
    children: str | None = None
    generate_profile: bool = True
    generate_template: bool = False
    namespaces: tuple[str, ...] | None = None
    """For a generic: the namespaces that its heirs must be of."""
    declarations: list[Declaration] = field(default_factory=list)
    """Where files declare it; empty for what only the server itself has."""

    @property
    def is_generic(self) -> bool:
        return self.section is Section.GENERIC

    @property
    def restricted(self) -> bool:
        return self.namespace in RESTRICTED

    @property
    def is_ip_address(self) -> bool:
        return self.kind == IP_ADDRESS or IP_ADDRESS in self.generics

    @property
    def is_ip_prefix(self) -> bool:
        return self.kind == IP_PREFIX or IP_PREFIX in self.generics

    def fields(self) -> Iterator[Field]:
        yield from self.attributes.values()
        yield from self.relationships.values()

    def add(self, relationship: Relationship) -> None:
        """Add a relationship, unless the kind has one of that name already."""
        self.relationships.setdefault(relationship.name, relationship)

    def finished(self) -> Kind:
        """Return the kind that has been made."""
        relationships = self.relationships
        filtered = self.default_filter
        return Kind(
            kind=self.kind,
            section=self.section,
            attributes=self.attributes,
            relationships=relationships,
            hfid=tuple(paths.parse(text, relationships) for text in self.hfid),
            uniqueness=tuple(
                tuple(paths.parse(text, relationships) for text in constraint)
                for constraint in self.uniqueness
            ),
            default_filter=paths.parse(filtered, relationships) if filtered else None,
            inherits=frozenset({NODE, *self.generics}),
        )


Drafts = dict[str, Draft]
"""By kind, in the order of their declaration, after those of the server."""
