"""Scripts of the SDK as they are written for it, with one line changed: a session writes them."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from infrahub_sdk import InfrahubClient, InfrahubClientSync
from infrahub_sdk.constants import InfrahubClientMode
from infrahub_sdk.exceptions import GraphQLError

from sdk_clients import Server
from sessions import Desk
from stateward import sync
from stateward.errors import ConfigError, PruneBlocked, TargetUnavailable
from stateward.model.identity import ObjectKey
from stateward.model.unit import Limits
from stateward.sdk import Tracked, TrackedSync, statements, tracked
from stateward.targets.embedded import EmbeddedTarget
from stateward.targets.infrahub import InfrahubTarget
from targets import SCHEMA, schema

SITE, DEVICE = "SuiteSite", "SuiteDevice"
KINDS = frozenset({SITE, DEVICE})


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk(EmbeddedTarget(f"sqlite:///{tmp_path}/target.db"), schema(), tmp_path / "state.db")
    async with found.client:
        yield found


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server) -> InfrahubClient:
    return server.client(schema())


def taken(desk: Desk, client: InfrahubClient, identifier: str = "site", **given: Any) -> Tracked:
    """Track a client, writing to the embedded target in place of its server."""

    class Connection:
        """The desk's own, which is not closed with the first script."""

        async def close(self) -> None:
            pass

    connection: Any = Connection()
    return Tracked(client, connection, desk.tracking(identifier, **given), "main")


async def script(client: InfrahubClient, *devices: str) -> None:
    site = await client.create(SITE, name="ams")
    await site.save(allow_upsert=True)
    tag = await client.create("BuiltinTag", name="edge")
    await tag.save(allow_upsert=True)
    for name in devices:
        device = await client.create(
            DEVICE,
            name={"value": name, "is_protected": True},
            comment='he said "no"\n{ $x }',
            address="10.0.0.1/24",
            site=site,
            tags=[tag],
        )
        await device.save(allow_upsert=True)


async def test_a_script_runs_twice_and_writes_once(
    desk: Desk, client: InfrahubClient, server: Server
) -> None:
    async with taken(desk, client) as tracking:
        await script(tracking, "leaf", "spine")
    assert len(desk.sent()) == 5  # the group, and four objects
    leaf = await desk.client.get(DEVICE, name__value="leaf", include=["tags"])
    assert leaf["comment"] == 'he said "no"\n{ $x }'
    assert leaf["address"] == "10.0.0.1/24"
    assert len(leaf["tags"]) == 1

    again = taken(desk, client, delete_unused_nodes=True)
    async with again as tracking:
        await script(tracking, "leaf")
    assert str(again.report) == "3 unchanged, 1 deleted"
    assert server.asked == []


async def test_what_a_script_makes_is_a_member_in_the_same_breath(
    desk: Desk, client: InfrahubClient
) -> None:
    async with taken(desk, client) as tracking:
        site = await tracking.create(SITE, name="ams")
        await site.save()
        group, made = desk.sent()
        assert made.groups == (group.id,)  # type: ignore[union-attr]
        assert site.id == made.id


async def test_an_object_is_changed_related_and_deleted(desk: Desk, client: InfrahubClient) -> None:
    async with taken(desk, client) as tracking:
        await script(tracking, "leaf", "spine")
        site = await tracking.create(SITE, name="rtm")
        await site.save()
        leaf = await tracking.create(DEVICE, name="leaf2", comment="first", site=site, role="leaf")
        await leaf.save()
        leaf.comment.value = "second"
        leaf.role.value = None
        await leaf.save()
        spine = await desk.client.get(DEVICE, name__value="spine")
        await leaf.add_relationships("neighbours", [spine.id])
        found = await desk.client.get(DEVICE, name__value="leaf2", include=["neighbours"])
        assert (found["comment"], found["role"]) == ("second", None)
        assert found["neighbours"] == {spine.id}
        await leaf.remove_relationships("neighbours", [spine.id])
        await leaf.delete()
        await tracking.delete(DEVICE, id=spine.id)
    assert {own.key.hfid[0] for own in await desk.client.all(DEVICE)} == {"leaf"}


async def test_a_batch_is_written(desk: Desk, client: InfrahubClient) -> None:
    async with taken(desk, client) as tracking:
        batch = await tracking.create_batch()
        for name in ("a", "b", "c"):
            site = await tracking.create(SITE, name=name)
            batch.add(task=site.save, node=site, allow_upsert=True)
        assert [own.id async for own, _ in batch.execute()]
    assert len(await desk.client.all(SITE)) == 3


async def test_an_object_that_a_script_wants_left_out_is_no_member(
    desk: Desk, client: InfrahubClient
) -> None:
    tracking = taken(desk, client)
    async with tracking as own:
        site = await own.create(SITE, name="ams")
        await site.save(update_group_context=False)
        assert tracking.session.members == {}
    assert await desk.client.get(SITE, name__value="ams")


async def test_an_object_that_was_there_is_named_as_a_member(
    desk: Desk, client: InfrahubClient
) -> None:
    stranger = await desk.stranger(SITE, name="ams")
    tracking = taken(desk, client)
    async with tracking as own:
        await own.group_context.add_related_nodes([stranger])
        assert tracking.session.members == {stranger: ObjectKey(SITE, ("ams",))}


async def test_a_script_that_manages_its_group_ends_its_session(
    desk: Desk, client: InfrahubClient
) -> None:
    tracking = taken(desk, client)
    own = await tracking.start()
    await script(own, "leaf")
    await own.group_context.update_group()
    with pytest.raises(ConfigError, match="the session has ended"):
        await script(own, "spine")
    async with tracking._stack:
        pass
    assert [own.key.hfid[0] for own in await desk.client.all(DEVICE)] == ["leaf"]


async def test_what_is_refused_is_said_as_the_sdk_says_it(
    desk: Desk, client: InfrahubClient
) -> None:
    await desk.stranger(SITE, name="ams")
    tracking = taken(desk, client, delete_unused_nodes=True)
    async with tracking as own:
        site = await own.create(SITE, name="ams")
        with pytest.raises(GraphQLError, match="SuiteSite/ams: exists already"):
            await site.save()
    assert tracking.report.withheld is not None


async def test_the_prune_is_guarded(desk: Desk, client: InfrahubClient) -> None:
    async with taken(desk, client) as own:
        await script(own, "leaf")
    with pytest.raises(PruneBlocked):
        async with taken(
            desk, client, delete_unused_nodes=True, limits=Limits(deletes=0, percent=0)
        ):
            pass
    assert client.mode is InfrahubClientMode.DEFAULT


async def test_an_error_takes_back_what_was_written(desk: Desk, client: InfrahubClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await _broken(taken(desk, client, on_error="rollback"))
    assert await desk.client.all(DEVICE) == []

    tracking = taken(desk, client)
    own = await tracking.start()
    await script(own, "leaf")
    await tracking.rollback()
    assert await desk.client.all(DEVICE) == []
    assert "execute_graphql" not in vars(client)


async def _broken(tracking: Tracked) -> None:
    async with tracking as own:
        await script(own, "leaf")
        _ = 1 / 0


async def test_two_sessions_need_two_clients(desk: Desk, client: InfrahubClient) -> None:
    second = Server().client(schema())
    async with taken(desk, client, "one"):
        with pytest.raises(ConfigError, match=r"client\.clone\(\)"):
            await taken(desk, client, "two").start()
        with pytest.raises(TargetUnavailable):
            await taken(desk, second, "one").start()
        async with taken(desk, second, "two") as other:
            await script(other, "leaf")


async def test_a_write_to_another_branch_is_refused(desk: Desk, client: InfrahubClient) -> None:
    client.schema.cache["feature"] = client.schema.cache["main"]
    async with taken(desk, client) as own:
        site = await own.create(SITE, branch="feature", name="ams")
        with pytest.raises(ConfigError, match="branch feature, in a session on branch main"):
            await site.save()


async def test_what_is_no_object_is_written_by_the_server(
    desk: Desk, client: InfrahubClient, server: Server
) -> None:
    counted: list[str] = []
    real = client.execute_graphql

    async def counting(query: str, *given: Any, **more: Any) -> Any:
        counted.append(query)
        return await real(query, *given, **more)

    client.execute_graphql = counting  # type: ignore[method-assign]
    text = 'mutation { BranchDelete(data: {name: "old"}) { ok } }'
    async with taken(desk, client) as own:
        await own.execute_graphql(text)
    assert counted == [text]
    assert server.asked == [text]
    assert client.execute_graphql is counting


async def test_what_a_document_asks_of_its_object_is_asked_of_the_server(
    desk: Desk, client: InfrahubClient, server: Server
) -> None:
    server.answer = lambda _text: {SITE: {"edges": [{"node": {"display_label": "AMS"}}]}}
    text = f'mutation {{ made: {SITE}Create(data: {{name: {{value: "ams"}}}}) {{ object {{ id display_label }} }} }}'
    async with taken(desk, client) as own:
        answer = await own.execute_graphql(text)
    assert answer == {"made": {"ok": True, "object": {"display_label": "AMS"}}}
    (asked,) = server.asked
    assert "display_label" in asked


async def test_objects_are_known_by_their_names(desk: Desk, client: InfrahubClient) -> None:
    def said(verb: str, data: str) -> str:
        return f"mutation {{ {SITE}{verb}(data: {{{data}}}) {{ ok object {{ id }} }} }}"

    async with taken(desk, client) as own:
        await own.execute_graphql(said("Upsert", 'hfid: ["ams"], name: {value: "ams"}'))
        await own.execute_graphql(said("Upsert", 'hfid: ["ams"], name: {value: "rtm"}'))
        await own.execute_graphql(said("Update", 'hfid: ["rtm"], description: {value: "port"}'))
        (found,) = await desk.client.all(SITE)
        assert (found["name"], found["description"]) == ("rtm", "port")
        await own.execute_graphql(f'mutation {{ {SITE}Delete(data: {{hfid: ["rtm"]}}) {{ ok }} }}')
        with pytest.raises(GraphQLError, match="there is none"):
            await own.execute_graphql(said("Update", 'hfid: ["rtm"], name: {value: "x"}'))
    assert await desk.client.all(SITE) == []


@pytest.mark.parametrize(
    "text",
    [
        "query { SuiteSite { edges { node { id } } } }",
        'query { SuiteSite(name__value: "mutation") { count } }',
        "mutation {",
        "mutation { SchemaDropdownAdd(data: {}) { ok } }",
        "mutation($file: Upload!) { SuiteSiteCreate(data: {}, file: $file) { ok } }",
    ],
)
def test_other_documents_are_left_alone(text: str) -> None:
    assert statements.read(text, None, KINDS) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            'mutation { SuiteSiteDelete(data: {id: "x"}) { ok } BranchDelete(data: {}) { ok } }',
            "split it",
        ),
        (
            'mutation { SuiteDeviceCreate(data: {site: {id: "x", _relation__owner: "y"}}) { ok } }',
            "SuiteDevice: site",
        ),
        (
            'mutation { SuiteSiteCreate(data: {}, context: {account: {id: "x"}}) { ok } }',
            "a request context is not passed on",
        ),
    ],
)
def test_what_a_session_cannot_write_is_said(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        statements.read(text, None, KINDS)


def test_what_stands_for_fields() -> None:
    text = """mutation($v: String!) { SuiteDeviceUpdate(data: {
        id: "1", name: {value: $v, is_protected: true}, ports: {from_pool: {id: "p"}},
        label: {is_default: true}, comment: {value: null}, uplink: null, site: {hfid: ["a", "b"]},
        tags: [{id: "t"}, {hfid: ["u"], kind: "BuiltinTag"}, "v"], role: "leaf"
    }) { ok object { id } } }"""
    (found,) = statements.read(text, {"v": "$x"}, KINDS) or []
    assert (found.node, found.wanted) == ("1", "")
    assert found.data == {
        "name": {"value": "$x", "is_protected": True},
        "ports": {"from_pool": {"id": "p"}},
        "label": None,
        "comment": {"value": None},
        "uplink": None,
        "site": ["a", "b"],
        "tags": ["t", ["u"], "v"],
        "role": "leaf",
    }


@pytest.fixture
def face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sync.Client]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.yml").write_text(SCHEMA)
    with sync.connect("sqlite:///demo.db", schema="schema.yml") as found:
        yield found


def script_sync(client: InfrahubClientSync, *names: str) -> None:
    batch = client.create_batch()
    for name in names:
        site = client.create(SITE, name=name)
        batch.add(task=site.save, node=site, allow_upsert=True)
    assert all(own.id for own, _ in batch.execute() if own is not None)


def test_the_same_without_awaiting(face: sync.Client, server: Server) -> None:
    client = server.client_sync(schema())

    def taken_sync(**given: Any) -> TrackedSync:
        other = sync.connect("sqlite:///demo.db")
        return TrackedSync(client, other, other.start_tracking("site", **given), "main")

    with taken_sync() as own:
        script_sync(own, "ams", "rtm")
    tracking = taken_sync(delete_unused_nodes=True)
    with tracking as own:
        script_sync(own, "ams")
    assert str(tracking.report) == "1 unchanged, 1 deleted"

    tracking = taken_sync()
    own = tracking.start()
    own.create(SITE, name="ber").save(update_group_context=False)
    own.group_context.add_related_nodes([next(iter(tracking.session.members))])
    own.group_context.update_group()
    assert len(tracking.session.members) == 1
    tracking._stack.close()

    tracking = taken_sync()
    tracking.start().create(SITE, name="lon").save()
    tracking.rollback()
    tracking = taken_sync(delete_unused_nodes=True)
    tracking.start()
    assert str(tracking.end()) == "1 deleted"
    assert [own.key.hfid[0] for own in face.all(SITE)] == ["ber"]

    server.answer = lambda _text: {SITE: {"edges": [{"node": {"display_label": "AMS"}}]}}
    text = f'mutation {{ {SITE}Create(data: {{name: {{value: "x"}}}}) {{ object {{ hfid }} }} }}'
    with taken_sync() as own:
        assert own.execute_graphql(text)[f"{SITE}Create"]["object"] == {"display_label": "AMS"}
        own.execute_graphql("query { InfrahubInfo { version } }")
    assert len(server.asked) == 2


@pytest.mark.parametrize("given", [{"api_token": "t0ken"}, {"username": "ada", "password": "pw"}])
def test_a_client_is_tracked_on_its_own_server(
    given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = {"address": "http://sdk.invalid:8000", "proxy": "http://proxy.invalid:3128", **given}
    found = tracked(InfrahubClient(config=config), "site", {"tenant": "acme"}, branch="feature")
    assert found.session.group.startswith("site-")
    target = found._connection._target(None)
    assert target.name == "http://sdk.invalid:8000?branch=feature"
    assert isinstance(target, InfrahubTarget)
    assert set(target._connection.secrets) == {given.get("api_token") or given["password"]}
    assert target._connection.proxy == config["proxy"]
    assert tracked(InfrahubClientSync(config=config)).session.group == "python-sdk"


def test_without_the_sdk_it_is_said_what_is_missing() -> None:
    code = "import sys; sys.modules['infrahub_sdk'] = None; import stateward; stateward.sdk"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: stateward.sdk needs infrahub-sdk: install stateward[sdk]" in done.stderr
