"""A process that writes to an embedded target until it is killed, and says where it is.

On its standard output it writes a letter before each step: ``o`` before opening, ``m`` before each
mutation, ``c`` before what follows the last one of a batch, ``a`` once a batch is acknowledged.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from stateward.model.mutation import Create, Delete, Mutation, Relate, Update
from stateward.ports import Query
from stateward.targets.embedded import EmbeddedTarget
from targets import new_id, schema

GROUP = "stateward/i/s/unit"


class Told(list[Mutation]):
    """Mutations that tell when each is about to be carried out."""

    def __iter__(self) -> Iterator[Mutation]:
        for mutation in super().__iter__():
            tell("m")
            yield mutation
        tell("c")


def tell(letter: str) -> None:
    os.write(1, letter.encode())


def batch(group: str, site: str, turn: int, old: list[str]) -> tuple[list[Mutation], list[str]]:
    """Make devices with interfaces, and change and delete some of the batch before."""
    mutations: list[Mutation] = []
    made = []
    for number in range(5):
        device, interface = new_id(), new_id()
        name = f"{os.getpid()}-{turn}-{number}"
        mutations += [
            Create(
                id=device,
                kind="SuiteDevice",
                attributes={"name": name, "comment": name},
                relations={"site": site},
                groups=(group,),
            ),
            Create(
                id=interface,
                kind="SuiteInterface",
                attributes={"name": "eth0"},
                relations={"device": device},
                groups=(group,),
            ),
            Update(id=device, kind="SuiteDevice", relations={"uplink": interface}),
        ]
        made.append(device)
    for device in old[:2]:
        mutations.append(Delete(id=device, kind="SuiteDevice"))
    for device in old[2:]:
        changes = {"name": f"renamed-{device}"}
        mutations.append(Update(id=device, kind="SuiteDevice", attributes=changes))
        neighbours = (made[0],)
        mutations.append(
            Relate(id=device, kind="SuiteDevice", relationship="neighbours", add=neighbours)
        )
    return mutations, made


async def main(path: Path) -> None:
    tell("o")
    async with EmbeddedTarget(f"sqlite:///{path}").session(schema(), write=True) as session:
        await session.load_schema()
        tell("l")
        observed = await session.observe(Query(groups=[GROUP]))
        if GROUP in observed.groups:
            group = observed.groups[GROUP].id
            (site,) = (await session.observe(Query(kinds=["SuiteSite"]))).objects
        else:
            group, site = new_id(), new_id()
            await session.apply(
                [
                    Create(id=group, kind="CoreStandardGroup", attributes={"name": GROUP}),
                    Create(id=site, kind="SuiteSite", attributes={"name": "ams"}, groups=(group,)),
                ]
            )
        tell("a")
        old: list[str] = []
        turn = 0
        while True:
            mutations, made = batch(group, site, turn, old)
            refusals = await session.apply(Told(mutations))
            assert not any(refusals), refusals
            tell("a")
            old, turn = made, turn + 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
