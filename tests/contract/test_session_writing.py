"""Tracking sessions: what is written of what a script says, and that it is written once."""

from ipaddress import ip_interface

import pytest

from sessions import Desk
from stateward.errors import Code, ConfigError, InvalidDesired, TargetRefused
from stateward.model.mutation import Create, Enrol, Relate, Update


async def test_the_same_script_writes_nothing_the_second_time(desk: Desk) -> None:
    async def script() -> str:
        async with desk.tracking(params={"tenant": "acme"}, delete_unused_nodes=True) as session:
            site = await session.create("SuiteSite", {"name": desk.named("ams")})
            leaf = await session.upsert(
                "SuiteDevice",
                {
                    "name": desk.named("leaf"),
                    "site": site,
                    "mac": "aa-bb-cc-dd-ee-ff",
                    "address": ip_interface("10.0.0.1"),
                    "ports": 48,
                    "tags": [],
                    "interfaces": {"data": [{"name": "eth0"}, {"name": "eth1"}]},
                },
            )
            batch = session.batch()
            batch.upsert("SuiteDevice", {"name": desk.named("spine"), "site": desk.named("ams")})
            (spine,) = await batch.execute()
            await session.update(leaf, {"comment": "first"})
            await session.relate(leaf, "neighbours", spine)
        return str(session.report)

    assert await script() == "5 created"
    assert len(desk.sent()) > 5
    assert await script() == "5 unchanged"
    assert desk.sent() == []


async def test_an_object_is_a_member_from_the_first_moment(desk: Desk) -> None:
    async with desk.tracking() as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
        group, made = desk.sent()
        assert isinstance(group, Create)
        assert isinstance(made, Create)
        assert made.groups == (group.id,)
        assert session.members == {site.id: desk.key("SuiteSite", "ams")}
    assert await desk.members(session.group) == {site.id}


async def test_only_what_differs_is_written(desk: Desk) -> None:
    site, leaf = desk.named("ams"), desk.named("leaf")
    for comment in ("first", "second"):
        async with desk.tracking() as session:
            await session.upsert("SuiteSite", {"name": site})
            node = await session.upsert(
                "SuiteDevice", {"name": leaf, "site": site, "ports": 48, "comment": comment}
            )
    (*_, update) = desk.sent()
    assert isinstance(update, Update)
    assert (update.attributes, update.relations) == ({"comment": "second"}, {})
    assert node["comment"] == "second"
    assert session.report.updated == (desk.key("SuiteDevice", "leaf"),)


async def test_peers_are_given_as_objects_as_ids_and_by_name(desk: Desk) -> None:
    async with desk.tracking() as session:
        site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
        given = [site, site.id, desk.named("ams"), [desk.named("ams")]]
        made = [
            await session.upsert("SuiteDevice", {"name": desk.named(f"d{n}"), "site": own})
            for n, own in enumerate(given)
        ]
    assert [own["site"] for own in made] == [site.id] * 4


async def test_a_batch_may_refer_to_itself_in_any_order(desk: Desk) -> None:
    async with desk.tracking() as session:
        batch = session.batch()
        batch.upsert("SuiteDevice", {"name": desk.named("leaf"), "site": desk.named("ams")})
        batch.upsert("SuiteSite", {"name": desk.named("ams")})
        leaf, site = await batch.execute()
        assert await batch.execute() == []
    assert leaf["site"] == site.id
    assert (leaf.kind, site.hfid) == ("SuiteDevice", (desk.named("ams"),))


class TestCreate:
    async def test_of_what_is_there_is_refused(self, desk: Desk) -> None:
        await desk.stranger("SuiteSite", name=desk.named("ams"))
        async with desk.tracking() as session:
            with pytest.raises(TargetRefused) as caught:
                await session.create("SuiteSite", {"name": desk.named("ams")})
        assert caught.value.code is Code.EXISTS
        assert desk.sent() == []

    async def test_twice_in_one_session_is_refused(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            await session.create("SuiteSite", {"name": desk.named("ams")})
            with pytest.raises(TargetRefused) as caught:
                await session.create("SuiteSite", {"name": desk.named("ams")})
        assert caught.value.code is Code.EXISTS

    async def test_needs_what_is_mandatory(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            with pytest.raises(InvalidDesired) as caught:
                await session.upsert("SuiteDevice", {"name": desk.named("leaf")})
        assert caught.value.code is Code.MANDATORY
        assert "site: mandatory" in str(caught.value)
        assert desk.sent() == []


class TestUpdate:
    async def test_needs_no_more_than_what_is_to_change(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
            made = await session.upsert("SuiteDevice", {"name": desk.named("leaf"), "site": site})
            named = await session.update(made.id, {"comment": "x"})
            renamed = await session.update(named, {"name": desk.named("spine")})
        assert (renamed.id, renamed.key) == (made.id, desk.key("SuiteDevice", "spine"))
        found = await desk.find("SuiteDevice", "spine", fields=["comment"])
        assert found is not None
        assert (found.id, found.attributes["comment"]) == (made.id, "x")

    async def test_of_an_object_that_is_named_after_another(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
            leaf = await session.upsert("SuiteDevice", {"name": desk.named("leaf"), "site": site})
            port = await session.upsert("SuiteInterface", {"name": "eth0", "device": leaf})
            moved = await session.update(port, {"name": "eth1"})
        assert (moved.id, moved.hfid) == (port.id, (desk.named("leaf"), "eth1"))

    async def test_of_what_is_not_there_is_refused(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            with pytest.raises(TargetRefused) as caught:
                await session.update("11111111-1111-4111-8111-111111111111", {"comment": "x"})
        assert caught.value.code is Code.NOT_FOUND

    async def test_writes_a_password_that_an_upsert_cannot_compare(self, desk: Desk) -> None:
        data = {"name": desk.named("leaf"), "site": desk.named("ams"), "password": "one"}
        async with desk.tracking() as session:
            await session.upsert("SuiteSite", {"name": desk.named("ams")})
            leaf = await session.upsert("SuiteDevice", data)
            desk.sent()
            await session.upsert("SuiteDevice", {**data, "password": "two"})
            assert desk.sent() == []
            await session.update(leaf, {"password": "two"})
            (update,) = desk.sent()
        assert isinstance(update, Update)
        assert update.attributes == {"password": "two"}
        assert "one" not in repr(leaf)


class TestRelate:
    async def test_adds_and_takes_out_single_peers(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
            one, two, three = [
                await session.upsert("SuiteDevice", {"name": desk.named(name), "site": site})
                for name in ("one", "two", "three")
            ]
            foreign = Relate(id=one.id, kind=one.kind, relationship="neighbours", add=(three.id,))
            await desk.change(foreign)
            desk.sent()
            assert await session.relate(one, "neighbours", two) is True
            (sent,) = desk.sent()
            assert isinstance(sent, Relate)
            assert (sent.add, sent.remove) == ((two.id,), ())
            assert await session.relate(one, "neighbours", two.id) is False
            assert await session.unrelate(one, "neighbours", three) is True
            assert await session.unrelate(one, "neighbours", three) is False
            found = await session.get("SuiteDevice", id=one.id, include=["neighbours"])
        assert found["neighbours"] == frozenset((two.id,))

    async def test_makes_a_stranger_a_member_first(self, desk: Desk) -> None:
        site = await desk.stranger("SuiteSite", name=desk.named("ams"))
        leaf = await desk.stranger("SuiteDevice", {"site": site}, name=desk.named("leaf"))
        async with desk.tracking() as session:
            await session.relate(leaf, "neighbours", leaf)
        assert [type(own) for own in desk.sent()[-2:]] == [Enrol, Relate]
        assert session.report.adopted == (desk.key("SuiteDevice", "leaf"),)


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("kind", "data", "code"),
        [
            ("SuiteNothing", {"name": "x"}, Code.UNKNOWN_KIND),
            ("SuiteLocation", {"name": "x"}, Code.GENERIC_KIND),
            ("SuiteSite", {"name": "x", "rol": "y"}, Code.UNKNOWN_FIELD),
            ("SuiteDevice", {"name": "x", "site": "y", "ports": "many"}, Code.TYPE),
            ("SuiteDevice", {"name": "x", "site": "nowhere-at-all"}, Code.UNRESOLVED),
            ("SuiteSite", {}, Code.MANDATORY),
        ],
    )
    async def test_is_said_before_anything_is_written(
        self, desk: Desk, kind: str, data: dict[str, object], code: Code
    ) -> None:
        async with desk.tracking() as session:
            batch = session.batch()
            batch.upsert("SuiteSite", {"name": desk.named("ams")})
            batch.upsert(kind, data)
            with pytest.raises(InvalidDesired) as caught:
                await batch.execute()
        assert caught.value.code is code
        assert desk.sent() == []

    async def test_a_refusal_names_the_object_and_stops_no_other(self, desk: Desk) -> None:
        taken = desk.named("taken")
        await desk.stranger("SuiteRoom", name=taken)
        async with desk.tracking() as session:
            batch = session.batch()
            batch.upsert("SuiteSite", {"name": taken})
            batch.upsert("SuiteSite", {"name": desk.named("ams")})
            with pytest.raises(TargetRefused, match=f"SuiteSite/{taken}: "):
                await batch.execute()
        assert await desk.there("SuiteSite", "ams")
        assert session.report.created == (desk.key("SuiteSite", "ams"),)

    async def test_a_value_that_no_target_holds(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            with pytest.raises(TypeError, match="object"):
                await session.upsert("SuiteSite", {"name": object()})
        assert session.report.withheld == "TypeError"

    async def test_a_batch_that_was_forgotten(self, desk: Desk) -> None:
        await desk.sites("ams")
        session = desk.tracking(delete_unused_nodes=True)
        await session.start()
        session.batch().upsert("SuiteSite", {"name": desk.named("ams")})
        with pytest.raises(ConfigError, match="a batch was not executed"):
            await session.end()
        assert await desk.there("SuiteSite", "ams")


class TestReading:
    async def test_finds_by_id_by_name_and_by_field(self, desk: Desk) -> None:
        async with desk.tracking() as session:
            site = await session.upsert("SuiteSite", {"name": desk.named("ams")})
            leaf = await session.upsert(
                "SuiteDevice", {"name": desk.named("leaf"), "site": site, "mac": "aabbccddeeff"}
            )
        client = desk.client
        name = desk.named("leaf")
        found = [
            await client.get("SuiteDevice", id=leaf.id),
            await client.get("SuiteDevice", hfid=[name]),
            await client.get("SuiteDevice", name__value=name),
            *await client.filters("SuiteDevice", site__ids=[site], mac__value="AA:BB:CC:DD:EE:FF"),
            *await client.filters("SuiteDevice", name__values=[name], ids=[leaf.id]),
            *[own for own in await client.all("SuiteDevice") if own.id == leaf.id],
        ]
        assert [own.id for own in found] == [leaf.id] * 6
        assert {(own["mac"], own["site"]) for own in found} == {("AA:BB:CC:DD:EE:FF", site.id)}
        above = await client.get("SuiteLocation", hfid=[desk.named("ams")])
        assert above.key == desk.key("SuiteSite", "ams")

    async def test_makes_no_member(self, desk: Desk) -> None:
        await desk.stranger("SuiteSite", name=desk.named("ams"))
        async with desk.tracking() as session:
            await session.get("SuiteSite", name__value=desk.named("ams"))
            assert await session.filters("SuiteSite", name__value=desk.named("ams"))
            assert session.members == {}
        assert desk.sent() == []

    async def test_says_what_it_does_not_find(self, desk: Desk) -> None:
        with pytest.raises(TargetRefused) as caught:
            await desk.client.get("SuiteSite", name__value=desk.named("ams"))
        assert caught.value.code is Code.NOT_FOUND
