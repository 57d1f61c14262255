"""Validating: everything we check, references included, against infrahub-sdk's object files."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from infrahub_sdk import Config, InfrahubClient
from infrahub_sdk.spec.object import ObjectFile

from bench.corpus import SCHEMA, files
from stateward.desired.documents import parse
from stateward.desired.load import UnitFiles, load
from stateward.model.schema import Kind, Schema
from stateward.schema import api
from stateward.schema import files as schema_files

ROUNDS = 3


def main() -> None:
    texts = {path: text for path, text in files(20, 2_000) if path.startswith("objects")}
    schema, _ = schema_files.load(parse("schema.yml", SCHEMA.encode())[0])
    assert schema is not None
    with tempfile.TemporaryDirectory() as name:
        for path, text in texts.items():
            file = Path(name) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        client = _client(schema)
        pairs = [
            (_ours(texts, schema), asyncio.run(_theirs(client, Path(name)))) for _ in range(ROUNDS)
        ]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"validate: 2,000 objects  ours {ours:.2f} s  infrahub-sdk {theirs:.2f} s  ratio {ratio:.2f}"
    )


def _ours(texts: dict[str, str], schema: Schema) -> float:
    start = time.perf_counter()
    units = {
        path.rpartition("/")[0]: UnitFiles(documents=parse(path, text.encode())[0])
        for path, text in texts.items()
    }
    desired = load(units, schema)
    assert not any(unit.problems for unit in desired.units.values())
    return time.perf_counter() - start


async def _theirs(client: InfrahubClient, directory: Path) -> float:
    start = time.perf_counter()
    for file in ObjectFile.load_from_disk(paths=[directory]):
        await file.validate_format(client=client)
    return time.perf_counter() - start


def _client(schema: Schema) -> InfrahubClient:
    """Return a client that has the schema already, and never speaks to anybody."""
    client = InfrahubClient(config=Config(address="http://127.0.0.1:9"))
    client.schema.set_cache(_answer(schema), branch="main")
    return client


def _answer(schema: Schema) -> dict[str, Any]:
    """Return the schema as the SDK wants the server's answer: with every key it asks for."""
    answer: dict[str, Any] = {
        "main": schema.hash,
        "nodes": [],
        "generics": [],
        "profiles": [],
        "templates": [],
    }
    stored = api.to_api(schema)
    for section in ("nodes", "generics", "profiles", "templates"):
        for kind in stored.get(section, []):
            answer[section].append({**_named(schema.kinds[kind["kind"]]), **kind})
    return answer


def _named(kind: Kind) -> dict[str, Any]:
    first = next(index for index, letter in enumerate(kind.kind[1:], 1) if letter.isupper())
    return {"namespace": kind.kind[:first], "name": kind.kind[first:], "hash": ""}
