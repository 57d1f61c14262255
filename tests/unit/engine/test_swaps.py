"""Unique values that objects swap, or that go round among several, in one commit."""

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from rounds import Workshop, objects

SCHEMA = """---
version: "1.0"
nodes:
  - namespace: Swap
    name: Domain
    human_friendly_id: [name__value]
    attributes:
      - {name: name, kind: Text, unique: true}
  - namespace: Swap
    name: Vlan
    human_friendly_id: [name__value]
    uniqueness_constraints: [[domain, number__value]]
    attributes:
      - {name: name, kind: Text, unique: true}
      - {name: number, kind: Number, parameters: {min_value: 1, max_value: 4094}}
      - {name: code, kind: Text, unique: true, max_length: 64}
      - {name: nick, kind: Text, unique: true, optional: true}
      - {name: colour, kind: Dropdown, unique: true, optional: true, choices: [{name: red}, {name: blue}, {name: green}]}
    relationships:
      - {name: domain, peer: SwapDomain, cardinality: one, optional: false}
"""
NAMES = ("a", "b", "c")


def files(order: tuple[int, ...]) -> dict[str, str]:
    """Declare that the n-th object has the values of the n-th place."""
    vlans: list[Mapping[str, Any]] = [
        {
            "name": name,
            "domain": "site",
            "number": 4094 - place,
            "code": f"code-{place}",
            "nick": f"nick-{place}",
            "colour": ("red", "blue", "green")[place],
        }
        for name, place in zip(NAMES, order, strict=True)
    ]
    return {
        "schema.yml": SCHEMA,
        "net/domains.yml": objects("SwapDomain", {"name": "site"}),
        "net/vlans.yml": objects("SwapVlan", *vlans),
    }


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:], ids=str)
async def test_values_go_round_in_one_commit(tmp_path: Path, order: tuple[int, ...]) -> None:
    shop = Workshop(tmp_path)
    shop.commit(files((0, 1, 2)))
    await shop.apply()
    ids = {name: (await shop.find("SwapVlan", name)).id for name in NAMES}

    shop.commit(files(order))
    plan, report = await shop.apply()
    assert [own.outcome.value for own in report.runs] == ["applied"], (plan.problems, report)
    for name, place in zip(NAMES, order, strict=True):
        found = await shop.find("SwapVlan", name)
        assert found.id == ids[name]
        assert found.attributes["number"] == 4094 - place
        assert found.attributes["code"] == f"code-{place}"
        assert found.attributes["nick"] == f"nick-{place}"
        assert found.attributes["colour"] == ("red", "blue", "green")[place]
    _, again = await shop.apply()
    assert again.writes == 0
