"""A repository of any size: sites, and devices with inline interfaces, a directory a site."""

from collections.abc import Iterator

SCHEMA = """
version: "1.0"
nodes:
  - name: Site
    namespace: Bench
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: address, kind: Text, optional: true}
  - name: Device
    namespace: Bench
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: role, kind: Dropdown, choices: [{name: leaf}, {name: spine}]}
      - {name: serial, kind: Text, optional: true}
      - {name: mtu, kind: Number, default_value: 1500}
    relationships:
      - {name: site, peer: BenchSite, cardinality: one, optional: false}
      - {name: interfaces, peer: BenchInterface, cardinality: many, kind: Component}
      - {name: tags, peer: BuiltinTag, cardinality: many, optional: true}
  - name: Interface
    namespace: Bench
    human_friendly_id: [device__name__value, name__value]
    attributes:
      - {name: name, kind: Text}
      - {name: enabled, kind: Boolean, default_value: true}
      - {name: address, kind: IPHost, optional: true}
    relationships:
      - {name: device, peer: BenchDevice, cardinality: one, optional: false, kind: Parent}
"""

PER_DEVICE = 4
"""A device and its three interfaces."""


def files(units: int, objects: int) -> Iterator[tuple[str, str]]:
    """Yield paths and contents of a repository with so many units and about so many objects."""
    yield "schemas/bench.yml", SCHEMA
    devices = max(1, (objects // units - 1) // PER_DEVICE)
    yield "objects/tags.yml", _document("BuiltinTag", ["    - name: production\n"])
    for unit in range(units):
        site = f"site{unit:05d}"
        items = [_device(site, unit, index) for index in range(devices)]
        yield (
            f"objects/sites/{site}/devices.yml",
            _document("BenchSite", [f"    - name: {site}\n      address: {unit} Main Street\n"])
            + _document("BenchDevice", items),
        )


def _document(kind: str, items: list[str]) -> str:
    head = f"---\napiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: {kind}\n  data:\n"
    return head + "".join(items)


def _device(site: str, unit: int, index: int) -> str:
    name = f"{site}-leaf{index:03d}"
    interfaces = "".join(
        f"          - name: Ethernet{port}\n            enabled: {'true' if port else 'false'}\n"
        f"            address: 10.{unit % 250}.{index % 250}.{port + 1}/24\n"
        for port in range(PER_DEVICE - 1)
    )
    return (
        f"    - name: {name}\n      role: leaf\n      serial: SN{unit:05d}{index:05d}\n"
        f"      mtu: 9214\n      site: {site}\n      tags: [production]\n"
        f"      interfaces:\n        kind: BenchInterface\n        data:\n{interfaces}"
    )
