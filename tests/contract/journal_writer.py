"""A process that writes to a journal until it is killed, and says what it was told is written.

On its standard output it writes the number of each entry once ``record`` has returned.
"""

import asyncio
import os
import sys

from states import OPENERS

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action
from stateward.model.record import Cause, Opening, RunKind
from stateward.model.run import Entry, EntryState
from stateward.ports import Journal


async def write(journal: Journal) -> None:
    cause = Cause(trigger="manual", actor="ada")
    await journal.begin(
        [Opening(run="run", kind=RunKind.ROUND, subject="unit", target="target", cause=cause)]
    )
    number = 0
    while True:
        entry = Entry(
            run="run",
            index=number,
            state=EntryState.STARTED,
            action=Action.CREATE,
            key=ObjectKey("NetDevice", (f"device{number}",)),
        )
        await journal.record([entry])
        os.write(1, f"{number}\n".encode())
        number += 1


if __name__ == "__main__":
    asyncio.run(write(OPENERS[sys.argv[1]](sys.argv[2])))
