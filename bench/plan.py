"""Planning: how long, against parsing the same files with PyYAML's C loader.

The target holds everything but a few objects, so that the plan is about comparing, which is what
a reconciler does all day.
"""

import gc
import resource
import time

import yaml

from bench.corpus import SCHEMA, files
from stateward.desired.documents import parse
from stateward.desired.load import UnitFiles, load
from stateward.model.state import Desired, Group, Observed, ObservedObject
from stateward.model.unit import Adopt, Limits, Stamp, UnitSettings
from stateward.planning.plan import plan
from stateward.planning.question import Question, UnitFacts
from stateward.schema import files as schema_files

SETTINGS = UnitSettings(prune=True, adopt=Adopt.IDENTICAL, limits=Limits(deletes=10, percent=25))


def question(units: int, objects: int) -> tuple[Question, list[str]]:
    """Return a question over an almost converged target, and the texts that it is made of."""
    texts = {path: text for path, text in files(units, objects) if path.startswith("objects")}
    schema, problems = schema_files.load(parse("schema.yml", SCHEMA.encode())[0])
    assert schema is not None, problems
    by_unit: dict[str, UnitFiles] = {}
    for path, text in texts.items():
        by_unit[path.rpartition("/")[0]] = UnitFiles(documents=parse(path, text.encode())[0])
    desired = load(by_unit, schema)
    assert not any(unit.problems for unit in desired.units.values())
    facts = {
        unit: UnitFacts(settings=SETTINGS, group=f"stateward/b/b/{unit}", revision="r", files="f")
        for unit in by_unit
    }
    observed = _observed(desired, facts)
    return (
        Question(
            target="bench",
            schema=schema,
            loads_schema=False,
            revisions={"b": "r"},
            desired=desired,
            observed=observed,
            units=facts,
        ),
        list(texts.values()),
    )


def _observed(desired: Desired, facts: dict[str, UnitFacts]) -> Observed:
    """Return a target that holds what is desired, but for a hundred values."""
    ids = {
        key: f"{number:036d}"
        for number, key in enumerate(key for unit in desired.units.values() for key in unit.objects)
    }
    every = max(1, len(ids) // 100)
    objects = {}
    for number, obj in enumerate(
        o for unit in desired.units.values() for o in unit.objects.values()
    ):
        attributes = dict(obj.attributes)
        if number % every == 0:
            attributes["description"] = attributes["name"] = "by hand"
        relations = {
            name: frozenset(ids[own] for own in peers)
            if isinstance(peers, frozenset)
            else ids[peers]
            for name, peers in obj.relations.items()
        }
        objects[ids[obj.key]] = ObservedObject(ids[obj.key], obj.key, attributes, relations)
    groups = {
        own.group: Group(
            id=own.group,
            name=own.group,
            description=str(Stamp(applied="r", files="f")),
            members=frozenset(ids[key] for key in desired.units[unit].objects),
        )
        for unit, own in facts.items()
    }
    return Observed(objects=objects, groups=groups)


def main() -> None:
    print("units  objects  plan s  parse s  ratio  changes  peak MiB")
    for units, objects in ((10, 1_000), (100, 10_000), (1_000, 100_000)):
        asked, texts = question(units, objects)
        gc.collect()
        start = time.perf_counter()
        found = plan(asked)
        planned = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        count = sum(len(unit.objects) for unit in asked.desired.units.values())
        del asked
        gc.collect()
        start = time.perf_counter()
        for text in texts:
            list(yaml.load_all(text, Loader=yaml.CSafeLoader))
        parsed = time.perf_counter() - start
        print(
            f"{units:5}  {count:7}  {planned:6.2f}  {parsed:7.2f}  {planned / parsed:5.2f}"
            f"  {len(found.changes):7}  {peak:8.0f}"
        )


if __name__ == "__main__":
    main()
