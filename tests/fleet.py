"""A repository that many people work on: what it declares, and what may happen to it next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from repositories import Repository
from rounds import SCHEMA, objects

BROKEN = "spec: {kind: NetDevice, data: [\n"


@dataclass
class Fleet:
    """Devices by the directories that declare them, in a work tree whose commits are served."""

    repo: Repository
    random: Random
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    """Each unit's devices, and what is said of them."""
    broken: str | None = None
    """The unit that cannot be read right now."""
    done: list[str] = field(default_factory=list)
    """What happened, for the message of a test that fails."""
    fewest: int = 8
    """Units at least: below that, somebody makes one more."""
    _made: int = 0

    def begin(self, units: int, schema: str = SCHEMA) -> None:
        self.repo.write("schema.yml", schema.encode())
        self.repo.write("tags/tags.yml", objects("BuiltinTag", {"name": "all"}).encode())
        for number in range(units):
            self.units[f"u{number:03}"] = self._devices()
        for unit in self.units:
            self._write(unit)
        self.repo.commit("begin")

    def change(self) -> str:
        """Do something that people do, and commit it; return what it was."""
        if self.broken is not None:
            return self.mend()
        chosen = self._found if self._is_small() else self._usual()
        said = chosen()
        self.done.append(said)
        self.repo.commit(said)
        return said

    def _usual(self) -> Callable[[], str]:
        usual: list[Callable[[], str]] = [self._edit, self._add, self._drop, self._move]
        rare = [self._rename, self._break, self._remove]
        return self.random.choices([*usual, *rare], [6, 4, 4, 6, 2, 2, 1])[0]

    def _is_small(self) -> bool:
        """Whether so much was taken away that there is soon nothing to do anything to."""
        return len(self.units) < self.fewest or len(self.devices()) < 2 * len(self.units)

    def mend(self) -> str:
        """Make the unit readable again that is not."""
        if self.broken is not None:
            self._write(self.broken)
            self.done.append(f"mend {self.broken}")
            self.repo.commit(self.done[-1])
            self.broken = None
        return self.done[-1]

    def devices(self) -> list[str]:
        return [name for own in self.units.values() for name in own]

    def _edit(self) -> str:
        unit = self._unit()
        name = self.random.choice(list(self.units[unit]))
        self.units[unit][name] = f"edit {len(self.done)}"
        self._write(unit)
        return f"edit {name} of {unit}"

    def _add(self) -> str:
        unit, name = self._unit(), self._new()
        self.units[unit][name] = "added"
        self._write(unit)
        return f"add {name} to {unit}"

    def _drop(self) -> str:
        unit = self._unit(2)
        name = self.random.choice(list(self.units[unit]))
        del self.units[unit][name]
        self._write(unit)
        return f"drop {name} of {unit}"

    def _move(self) -> str:
        giver, taker = self._unit(2), self._unit()
        name = self.random.choice(list(self.units[giver]))
        self.units[taker][name] = self.units[giver].pop(name) if giver != taker else "moved"
        self._write(giver)
        self._write(taker)
        return f"move {name} from {giver} to {taker}"

    def _rename(self) -> str:
        old, new = self._unit(), f"r{len(self.done):05}"
        self.repo.git("mv", old, new)
        self.units[new] = self.units.pop(old)
        return f"rename {old} to {new}"

    def _remove(self) -> str:
        """Drop a directory: a guard holds its objects back, until somebody lets them go."""
        unit = self._unit()
        self.repo.git("rm", "-rq", unit)
        del self.units[unit]
        return f"remove {unit}"

    def _found(self) -> str:
        unit = f"f{len(self.done):05}"
        self.units[unit] = self._devices()
        self._write(unit)
        return f"found {unit}"

    def _break(self) -> str:
        self.broken = self._unit()
        self.repo.write(f"{self.broken}/devices.yml", BROKEN.encode())
        return f"break {self.broken}"

    def _unit(self, devices: int = 1) -> str:
        return self.random.choice([own for own, of in self.units.items() if len(of) >= devices])

    def _devices(self) -> dict[str, str]:
        return {self._new(): "first" for _ in range(3)}

    def _new(self) -> str:
        self._made += 1
        return f"d{self._made:05}"

    def _write(self, unit: str) -> None:
        data = (
            {
                "name": name,
                "comment": said,
                "tags": ["all"],
                "interfaces": {"kind": "NetInterface", "data": [{"name": "p0"}]},
            }
            for name, said in self.units[unit].items()
        )
        self.repo.write(f"{unit}/devices.yml", objects("NetDevice", *data).encode())
