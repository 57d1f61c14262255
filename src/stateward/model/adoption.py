"""A takeover: what is there already, made by somebody else from the same files, becomes ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stateward.errors import Severity
from stateward.model.plan import Plan, UnitState
from stateward.model.run import Report
from stateward.model.state import ObservedObject
from stateward.model.unit import ADOPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What a person lets be taken."""

    differing: bool = False
    """Objects that are not as declared, too: they stay as they are."""
    own: bool = False
    """Whether what is taken counts as made by us: then it is deleted when Git drops it.

    So does what was adopted before.
    """
    group: str | None = None
    """The group of another tool: only what is in it is taken, whoever that belongs to."""

    def allows(self, group: str) -> bool:
        """Tell whether a group's claim is no hindrance; what such a group lists as adopted is its own."""
        return self.group is not None and group in {self.group, self.group + ADOPTED}

    def __str__(self) -> str:
        """Say it as it is typed."""
        said = [name for name, on in (("--differing", self.differing), ("--own", self.own)) if on]
        return " ".join([*said, *(("--group", self.group) if self.group is not None else ())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Whose what may be taken is, as groups tell."""

    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The groups of other tools that claim an object, by its id."""
    members: Mapping[str, ObservedObject] = field(default_factory=dict)
    """What is in the group that was named, by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What a takeover took, and what is left to be done."""

    taking: Taking
    taken: Plan
    rest: Plan
    """What a round would do now: where it is empty, all is taken over."""
    report: Report | None = None
    """What came of it; None where it was only looked at."""
    claimed: int = 0
    """How much of what is taken the group that was named goes on claiming."""

    @property
    def complete(self) -> bool:
        """Whether a round would find nothing to do, and nothing that it has to leave.

        A warning that stands in the files says nothing of what there is to be taken.
        """
        rest = self.rest
        wrong = any(own.severity is Severity.ERROR for own in rest.problems)
        waits = any(own.state is UnitState.WAITING for own in rest.units.values())
        return rest.is_empty and not (wrong or waits or rest.blocked)
