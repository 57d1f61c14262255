"""What one session's tracking group holds, as far as the session knows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from stateward.model.identity import ObjectKey
from stateward.model.state import Group, Observed
from stateward.model.unit import ADOPTED


@dataclass(slots=True)
class Membership:
    """The members of a session's group: those from before, and those that the session used."""

    name: str
    groups: dict[str, str]
    """The ids of the group and of its list of adopted objects, by their names."""
    members: dict[str, ObjectKey] = field(default_factory=dict)
    """What each member is called, by its id."""
    adopted: set[str] = field(default_factory=set)
    previous: frozenset[str] = frozenset()
    """The members when the session began."""
    used: set[str] = field(default_factory=set)
    """What the script said that it wants: it is not pruned."""

    @classmethod
    def of(cls, name: str, observed: Observed) -> "Membership":
        groups = observed.groups
        nodes = groups[name].members if name in groups else frozenset()
        adopted = groups[name + ADOPTED].members if name + ADOPTED in groups else frozenset()
        # What is of a kind that the schema does not know cannot be pruned, and stays a member.
        members = {node: own.key for node, own in observed.objects.items() if node in nodes}
        return cls(
            name=name,
            groups={own.name: own.id for own in groups.values()},
            members=members,
            adopted=set(adopted),
            previous=frozenset(members),
        )

    @property
    def unused(self) -> frozenset[str]:
        """The members from before that the session has not used."""
        return frozenset(self.members.keys() & self.previous - self.used)

    def seen(self, among: Collection[str]) -> dict[str, Group]:
        """Return the groups as the planner is to see them: with these of their members."""
        held = {self.name: self.members.keys(), self.name + ADOPTED: self.adopted}
        return {
            name: Group(
                id=self.groups.get(name, ""),
                name=name,
                description="",
                members=frozenset(members & set(among)),
            )
            for name, members in held.items()
        }

    def join(self, node: str, key: ObjectKey, *, adopted: bool = False) -> None:
        self.members[node] = key
        if adopted:
            self.adopted.add(node)

    def leave(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self.members.pop(node, None)
            self.adopted.discard(node)
            self.used.discard(node)
