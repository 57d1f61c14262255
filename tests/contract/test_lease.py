"""A lease is one record that all candidates see: of several that replace it, one succeeds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from candidates import MemoryLease, Record
from clusters import Database, server
from loopback import free_port
from stateward.errors import LeaseUnavailable
from stateward.model.tenure import Tenure
from stateward.ports import Lease
from stateward.stores.lease_file import FileLease

Make = Callable[[str], Lease]
Pair = tuple[Lease, Lease, Database]


@pytest.fixture(
    params=[
        "memory",
        "file",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("kubernetes", marks=pytest.mark.kube),
    ]
)
async def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Make]:
    """Makes ways to one lease, by the candidate's name."""
    made: list[Lease] = []
    record, shared = Record(), f"contract-{uuid4().hex}"
    if request.param == "kubernetes":
        from stateward.stores.lease_kubernetes import KubernetesLease

        monkeypatch.setenv("KUBECONFIG", request.getfixturevalue("kube"))

    if request.param == "postgres":
        from stateward.stores.lease_postgres import PostgresLease

        database = request.getfixturevalue("database")

    def make(name: str) -> Lease:
        if request.param == "memory":
            made.append(MemoryLease(record))
        elif request.param == "postgres":
            made.append(PostgresLease(database.server(), shared))
        elif request.param == "kubernetes":
            made.append(KubernetesLease(shared, None, 10))
        else:
            made.append(FileLease(tmp_path / "leases", "target", name))
        return made[-1]

    yield make
    for own in made:
        await own.close()


def tenure(holder: str, term: int = 1) -> Tenure:
    return Tenure(holder=holder, term=term, patience=10)


async def test_nothing_is_there_at_first(make: Make) -> None:
    assert await make("a").read() is None


async def test_what_was_written_is_read_by_all(make: Make) -> None:
    a, b = make("a"), make("b")
    written = await a.replace(None, tenure("a", 7))
    assert written is not None
    assert (written.holder, written.term, written.patience) == ("a", 7, 10)
    assert written.version
    assert await a.read() == await b.read() == written


async def test_every_change_is_another_version(make: Make) -> None:
    a = make("a")
    known = await a.replace(None, tenure("a"))
    versions = {known.version} if known else set()
    for _ in range(5):
        known = await a.replace(known, tenure("a"))
        assert known is not None
        versions.add(known.version)
    assert len(versions) == 6


async def test_what_is_not_the_newest_is_not_replaced(make: Make) -> None:
    a, b = make("a"), make("b")
    first = await a.replace(None, tenure("a"))
    second = await a.replace(first, tenure("a"))
    third = await a.replace(second, tenure("a"))
    assert await b.replace(None, tenure("b")) is None
    assert await b.replace(first, tenure("b")) is None
    assert await b.replace(second, tenure("b")) is None
    assert await b.read() == third
    assert await b.replace(third, tenure("b", 2)) == await a.read()


async def test_of_many_at_once_one_succeeds(make: Make) -> None:
    ways = [make(f"candidate {number}") for number in range(8)]
    for _ in range(5):
        known = await ways[0].read()
        written = await asyncio.gather(
            *(own.replace(known, tenure(f"candidate {number}")) for number, own in enumerate(ways))
        )
        (won,) = [own for own in written if own is not None]
        assert [await own.read() for own in ways] == [won] * len(ways)


async def test_what_was_given_back_is_nobodys(make: Make) -> None:
    a, b = make("a"), make("b")
    held = await a.replace(None, tenure("a", 3))
    await a.replace(held, tenure("", 3))
    found = await b.read()
    assert found is not None
    assert (found.holder, found.term) == ("", 3)


async def test_a_name_may_be_any_text(make: Make) -> None:
    name = "hôst/1 \"quoted\" 'x'"
    a = make(name)
    await a.replace(None, tenure(name))
    found = await make("b").read()
    assert found is not None
    assert found.holder == name


@pytest.mark.postgres
class TestConnection:
    """A connection to a server shows nobody whether its other end lives."""

    @pytest.fixture
    async def pair(self, database: Database) -> AsyncIterator[Pair]:
        from stateward.stores.lease_postgres import PostgresLease

        a, b = (PostgresLease(database.server(), "subject") for _ in range(2))
        yield a, b, database
        await a.close()
        await b.close()

    async def test_that_ends_frees_nothing(self, pair: Pair) -> None:
        a, b, database = pair
        held = await a.replace(None, tenure("a"))
        await a.close()
        assert await b.read() == held
        database.cut()
        assert await b.read() == held

    async def test_that_was_cut_is_made_again(self, pair: Pair) -> None:
        a, b, database = pair
        held = await a.replace(None, tenure("a"))
        database.cut()
        again = await a.replace(held, tenure("a"))
        assert again is not None
        assert await b.read() == again

    async def test_that_others_have_taken_from_cannot_write(self, pair: Pair) -> None:
        a, b, database = pair
        held = await a.replace(None, tenure("a"))
        database.cut()
        assert await b.replace(held, tenure("b", 2)) is not None
        assert await a.replace(held, tenure("a")) is None

    async def test_that_cannot_be_made_is_said(self, database: Database) -> None:
        nowhere = server(f"postgresql://stateward@127.0.0.1:{free_port()}/{database.name}")
        from stateward.stores.lease_postgres import PostgresLease

        lease = PostgresLease(nowhere, "subject")
        with pytest.raises(LeaseUnavailable, match=r"refused.*mend the server"):
            await lease.read()
        await lease.close()
