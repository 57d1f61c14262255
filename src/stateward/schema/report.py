"""The problems of schema files as they are found, and the places they are found at."""

from dataclasses import dataclass, field

from stateward.errors import Code, Location, Problem, Severity
from stateward.model.document import Map, location


@dataclass(frozen=True, slots=True)
class Source:
    """A mapping of a file."""

    file: str
    map: Map

    def start(self) -> Location:
        return location(self.file, self.map.first_mark())

    def key(self, name: str) -> Location:
        return location(self.file, self.map.key_mark(name))

    def value(self, name: str) -> Location:
        """Return the place of a value; one that is missing is missed where the mapping starts."""
        return location(self.file, self.map.value_mark(name)) if name in self.map else self.start()

    def item(self, name: str, *index: int) -> Location:
        """Return the place of an item of a list, or of an item of a list of that list."""
        value, mark = self.map[name], self.map.value_mark(name)
        for number in index:
            value, mark = value[number], value.marks[number]
        return location(self.file, mark)


@dataclass(slots=True)
class Report:
    """Collects problems: nothing is raised, so that all are found at once."""

    located: list[tuple[Location, Problem]] = field(default_factory=list)

    def error(self, at: Location, message: str, code: Code = Code.SCHEMA) -> None:
        self._add(at, Problem(code=code, message=message, location=at))

    def reference(self, at: Location, message: str) -> None:
        """Report a name that nothing bears."""
        self.error(at, message, Code.SCHEMA_REFERENCE)

    def warning(self, at: Location, message: str) -> None:
        problem = Problem(code=Code.SCHEMA, message=message, location=at, severity=Severity.WARNING)
        self._add(at, problem)

    def _add(self, at: Location, problem: Problem) -> None:
        self.located.append((at, problem))

    @property
    def failed(self) -> bool:
        return any(problem.severity is Severity.ERROR for _, problem in self.located)

    def problems(self) -> tuple[Problem, ...]:
        """Return each problem once, by its place."""
        found = {(at, problem.message): problem for at, problem in self.located}
        return tuple(found[key] for key in sorted(found))
