"""Branches of a real server: one for each test, made and deleted, and looked at in GraphQL."""

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import yaml

from live import Lab

_PATIENCE = 300.0
"""Seconds for one answer: making a branch takes ten of them on a small machine."""
_CREATE = "mutation($n: String!) { BranchCreate(data: {name: $n, sync_with_git: false}) { ok } }"
_SYNCED = "{ InfrahubStatus { summary { schema_hash_synced } } }"
_TRACKED = (
    "query($g: String!) { CoreStandardGroup(name__value: $g, partial_match: true)"
    " { edges { node { id } } } }"
)
# A group is below a group, and no member of it.
_MEMBERS = (
    "query($g: [ID]) { CoreNode(member_of_groups__ids: $g) { edges { node { id } } }"
    " CoreGroup(parent__ids: $g) { edges { node { id } } } }"
)
_TOGETHER = 50
_BLOCKER = re.compile(r"on node (\w+) '([0-9a-f-]{36})'")
# Nobody waits for it: it takes minutes where others keep the server busy.
_DELETE = (
    "mutation($n: String!) { BranchDelete(data: {name: $n}, wait_until_completion: false) { ok } }"
)

NO_TASKS = "create_flow_run"
"""What a server says of its own that has not got round to what it was asked for."""
_NOT_BEGUN = "Failed to submit flow run"
"""The same, a little later: its task engine has the task, and could not begin with it."""
MERGING = "MERGE_IN_PROGRESS"
"""What it says to changes while it merges a branch."""
_PASSING = (MERGING, NO_TASKS, _NOT_BEGUN)
"""What is in answers that are others a little later: tests of others may have the server merge."""

Node = Mapping[str, Any]
Name = tuple[str, ...]
"""A kind, and the parts of what an object of it is called."""


def passes(said: str) -> bool:
    """Tell whether a server is only busy with something else of its own."""
    return any(own in said for own in _PASSING)


class Branch:
    """One branch, read and written without any of our code in between."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self.made: set[Name] = set()
        """What others than we make here that is then on all branches, and is to go with this one."""
        self._http = httpx.Client(
            base_url=lab.address, headers={"X-INFRAHUB-KEY": lab.token}, timeout=_PATIENCE
        )

    @property
    def url(self) -> str:
        """The branch as ``--target`` takes it."""
        return f"{self.lab.address}?branch={self.name}"

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the whole answer to a query; a server that is busy, or merges, is asked again."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = self.answer_at_once(query, **variables)
            nothing = not any((found.get("data") or {}).values())
            if not (nothing and passes(str(found.get("errors")))) or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def answer_at_once(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the whole answer to a query, even if that is that the server merges."""
        asked = {"query": query, "variables": variables}
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                reply = self._http.post(f"/graphql/{self.name}", json=asked)
            except httpx.TransportError:  # a small server loses a process of its own now and then
                if query.startswith("mutation") or time.monotonic() > deadline:
                    raise
                time.sleep(1)
                continue
            if reply.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                return dict(reply.json())
            time.sleep(float(reply.headers["retry-after"]))

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer that has no errors."""
        found = self.answer(query, **variables)
        assert not found.get("errors"), found["errors"]
        return dict(found["data"])

    def schema(self) -> dict[str, Any]:
        return dict(self._http.get("/api/schema", params={"branch": self.name}).json())

    def load_schema(self, *documents: Any) -> None:
        """Load schemas behind our back, and return when every worker of the server has them."""
        asked = {"schemas": list(documents)}
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = self._http.post("/api/schema/load", params={"branch": self.name}, json=asked)
            # Its task engine has not got round to it, or its database took it back for another's.
            if not found.is_server_error or time.monotonic() > deadline:
                break
            time.sleep(1)
        assert found.status_code == httpx.codes.OK, found.text[:1000]
        while not self.ask(_SYNCED)["InfrahubStatus"]["summary"]["schema_hash_synced"]:
            assert time.monotonic() < deadline, "the server's workers do not agree on a schema"

    def make(self, kind: str, **fields: Any) -> str:
        """Create an object by hand; plain values are attributes. Returns its id."""
        data = {
            name: own if isinstance(own, dict | list) else {"value": own}
            for name, own in fields.items()
        }
        text = f"mutation($d: {kind}CreateInput!) {{ made: {kind}Create(data: $d) {{ object {{ id }} }} }}"
        return str(self.ask(text, d=data)["made"]["object"]["id"])

    def edit(self, kind: str, node: str, **fields: Any) -> None:
        """Change attributes of an object by hand."""
        data = {"id": node, **{name: {"value": own} for name, own in fields.items()}}
        self.ask(f"mutation($d: {kind}UpdateInput!) {{ {kind}Update(data: $d) {{ ok }} }}", d=data)

    def find(self, kind: str, selection: str = "", **filters: Any) -> list[Node]:
        """Return the objects of a kind, with some of their fields."""
        wanted = ", ".join(f"{name}: {json.dumps(own)}" for name, own in filters.items())
        asked = f"({wanted})" if wanted else ""
        found = self.ask(f"{{ {kind}{asked} {{ edges {{ node {{ id {selection} }} }} }} }}")
        return [edge["node"] for edge in found[kind]["edges"]]

    def everywhere(self) -> dict[str, Name]:
        """Return what is on all branches at once, by id: a kind, and what it is called."""
        schema = self.schema()
        kinds = [
            own["kind"]
            for section in ("nodes", "templates", "profiles")
            for own in schema[section]
            if own["branch"] == "agnostic" and own["namespace"] != "Internal"
        ]
        asked = (f"{kind} {{ edges {{ node {{ id hfid }} }} }}" for kind in kinds)
        answer = self.ask(f"{{ {' '.join(asked)} }}")
        return {
            edge["node"]["id"]: (kind, *(edge["node"]["hfid"] or ()))
            for kind in kinds
            for edge in answer[kind]["edges"]
        }

    def tracked(self) -> set[Name]:
        """Return what is on all branches at once and in one of our groups here."""
        groups = self.ask(_TRACKED, g=f"stateward/{self.name}/")["CoreStandardGroup"]["edges"]
        found = self.ask(_MEMBERS, g=[own["node"]["id"] for own in groups] or [self.name])
        members = {own["node"]["id"] for kind in found.values() for own in kind["edges"]}
        return {name for node, name in self.everywhere().items() if node in members}

    def clear(self, names: Collection[Name], keep: Collection[str]) -> None:
        """Delete what is on all branches at once, of these names, and before it what needs it here.

        Asked of a branch that nothing was made on it takes seconds; of one that refers to them, an hour.
        """
        there = self.everywhere()
        left = {node: own[0] for node, own in there.items() if own in names and node not in keep}
        while left:
            refused = self._delete(left)
            blockers = {
                own: kind for why in refused.values() for kind, own in _BLOCKER.findall(why)
            }
            assert refused.keys() < left.keys() or blockers.keys() - left.keys(), refused
            left = blockers | {node: left[node] for node in refused}

    def _delete(self, nodes: Mapping[str, str]) -> dict[str, str]:
        """Delete objects, many in a request; return why which of them are still there."""
        refused = {}
        wanted = list(nodes.items())
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            deletes = [
                f'd{n}: {kind}Delete(data: {{id: "{node}"}}) {{ ok }}'
                for n, (node, kind) in enumerate(some)
            ]
            for error in self.answer(f"mutation {{ {' '.join(deletes)} }}").get("errors") or ():
                node, _ = some[int(error["path"][0].removeprefix("d"))]
                if "Unable to find the node" not in error["message"]:
                    refused[node] = error["message"]
        return refused

    def close(self) -> None:
        self._http.close()


@contextmanager
def default(lab: Lab) -> Iterator[Branch]:
    """Give the branch that is always there."""
    branch = Branch(lab, "main")
    try:
        yield branch
    finally:
        branch.close()


@contextmanager
def fresh(lab: Lab, what: str, schemas: Collection[Path] = ()) -> Iterator[Branch]:
    """Make a branch, and delete it in the end with what it leaves on all the others.

    The schema files are those without which these do not know all that it leaves.
    """
    branch = Branch(lab, f"e2e-{what}-{uuid4().hex[:8]}")
    left: set[Name] = set()
    with default(lab) as main:
        before = main.everywhere()
        main.ask(_CREATE, n=branch.name)
        try:
            try:
                yield branch
            finally:
                left = branch.made | branch.tracked()
        finally:
            # A server under load may fail to delete it, which is no failure of what was tested.
            with suppress(httpx.HTTPError, ValueError):
                main.answer(_DELETE, n=branch.name)
            branch.close()
        if not schemas:
            main.clear(left, before)
    if schemas:
        with fresh(lab, "cleared") as other:
            other.load_schema(*(own for file in schemas for own in _documents(file)))
            other.clear(left, before)


def _documents(file: Path) -> Iterator[Any]:
    return yaml.safe_load_all(file.read_text())
