"""A tenant's servers, kept equal to a list: `python tenant.py sqlite:///demo.db srv1 srv2`."""

import asyncio
import sys
from pathlib import Path

import stateward

SCHEMAS = Path(__file__).parents[1] / "site" / "schemas"


async def main(url: str, servers: list[str]) -> None:
    async with stateward.connect(url, schema=SCHEMAS) as client:
        session = client.start_tracking(
            "servers", params={"tenant": "acme"}, delete_unused_nodes=True
        )
        async with session:
            maker = await session.upsert("DcimManufacturer", {"name": "Supermicro"})
            model = await session.upsert(
                "DcimDeviceType", {"name": "SYS-6029P", "height": 2, "manufacturer": maker}
            )
            country = await session.upsert("LocationCountry", {"name": "Netherlands"})
            site = await session.upsert("LocationSite", {"name": "ams1", "parent": country})
            batch = session.batch()
            for name in servers:
                batch.upsert(
                    "DcimDevice",
                    {
                        "name": name,
                        "status": "active",
                        "device_type": model,
                        "location": site,
                        "interfaces": {"data": [{"name": "eth0"}, {"name": "eth1"}]},
                    },
                )
            await batch.execute()
        print(f"{session.report} ({session.report.writes} writes)")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
