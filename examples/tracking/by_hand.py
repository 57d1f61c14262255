"""The same group by hand: what to keep is said, not made. `python by_hand.py sqlite:///demo.db srv1`."""

import asyncio
import sys

import stateward

SERVERS = {"DcimDevice", "DcimInterface"}


async def main(url: str, servers: list[str]) -> None:
    async with stateward.connect(url) as client:
        session = client.start_tracking(
            "servers", params={"tenant": "acme"}, delete_unused_nodes=True
        )
        await session.start()
        kept = [node for node, key in session.members.items() if key.hfid[0] in servers]
        kept += [node for node, key in session.members.items() if key.kind not in SERVERS]
        await session.add_members(*kept)
        plan = await session.preview()
        for change in plan.changes:
            print(change.action, change.key)
        print(await session.end(allow_deletes=len(plan.changes)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
