"""What a state database on a server has to itself: it goes away, comes back, and keeps its password."""

import asyncio
import traceback
from pathlib import Path

import pytest
import trustme
from states import PostgresStore, on_server
from test_journal import begin, entry

from clusters import PASSWORD, Cluster, Database, server
from loopback import free_port
from stateward.errors import ConfigError, StateUnavailable
from stateward.model.finding import Level
from stateward.stores.address import parse
from stateward.stores.journal import KeptJournal

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database=database)


class TestServer:
    async def test_that_was_away_while_nothing_was_asked_is_not_missed(
        self, store: PostgresStore
    ) -> None:
        async with store.journal() as journal:
            await begin(journal)
            store.database.cut()
            await journal.record([entry()])
            assert (await journal.verify()).links == 2

    async def test_that_is_away_is_said_and_is_used_again_when_it_is_back(
        self, store: PostgresStore, postgres: Cluster
    ) -> None:
        async with store.journal() as journal:
            await begin(journal)
            postgres.stop()
            try:
                with pytest.raises(StateUnavailable, match=r"/state.*mend the server"):
                    await journal.record([entry()])
            finally:
                postgres.start()
            await journal.record([entry()])
            assert (await journal.verify()).links == 2

    async def test_that_ends_a_connection_at_work_writes_all_or_nothing(
        self, store: PostgresStore
    ) -> None:
        database = store.database
        database.ask("CREATE SCHEMA waiting")
        async with store.journal() as journal:
            await begin(journal)
            database.ask(
                "CREATE FUNCTION waiting.hold() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$"
            )
            database.ask(
                "CREATE TRIGGER hold BEFORE UPDATE ON head FOR EACH ROW"
                " EXECUTE FUNCTION waiting.hold()"
            )
            database.ask(f"GRANT USAGE ON SCHEMA waiting TO {_role(database)}")
            writing = asyncio.ensure_future(journal.record([entry()]))
            await asyncio.sleep(0)  # from here on it goes on in its thread
            while not _sleeping(database):
                pass
            database.cut()
            with pytest.raises(StateUnavailable, match="mend the server"):
                await writing
            database.ask("DROP TRIGGER hold ON head")
            assert (await journal.verify()).links == 1
            await journal.record([entry()])
            assert (await journal.verify()).links == 2


def _role(database: Database) -> str:
    ((own,),) = database.ask(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    return str(own)


def _sleeping(database: Database) -> bool:
    return bool(
        database.ask(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
    )


class TestWay:
    """What stands in an address is libpq's to make out."""

    async def test_is_open_to_who_is_vouched_for_and_to_nobody_else(
        self, database: Database, tmp_path: Path
    ) -> None:
        sure = f"{database.url}?sslmode=verify-full&sslrootcert="
        own = on_server(f"{sure}{database.cluster.authority}")
        await begin(own)
        assert (await own.verify()).links == 1
        await own.close()
        trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
        other = on_server(f"{sure}{tmp_path}/other.pem")
        with pytest.raises(StateUnavailable, match="certificate verify failed"):
            await begin(other)
        await other.close()

    async def test_leads_to_the_server_that_took_over(self, database: Database) -> None:
        port = database.cluster.port
        both = database.url.replace(f":{port}/", f":{free_port()},127.0.0.1:{port}/")
        own = on_server(f"{both}?target_session_attrs=read-write")
        await begin(own)
        assert await own.unfinished("target") == ["run"]
        await own.close()


class TestSchema:
    async def test_of_another_program_is_refused_and_left(self, database: Database) -> None:
        database.ask(f"CREATE SCHEMA stateward AUTHORIZATION {_role(database)}")
        database.ask("CREATE TABLE theirs (a INTEGER)")
        store = PostgresStore(database=database)
        async with store.journal() as journal:
            with pytest.raises(StateUnavailable, match="another program"):
                await begin(journal)
        assert database.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'stateward'") == [
            ("theirs",)
        ]

    async def test_of_a_newer_version_is_refused(self, store: PostgresStore) -> None:
        async with store.journal() as journal:
            await begin(journal)
        store.change("UPDATE layout SET version = 99")
        async with store.journal() as journal:
            with pytest.raises(StateUnavailable, match="its layout is 99"):
                await begin(journal)
            assert (await journal.diagnose("target")).level is Level.ERROR

    async def test_that_somebody_made_for_us_is_enough(self, store: PostgresStore) -> None:
        database = store.database
        database.ask(f"CREATE SCHEMA stateward AUTHORIZATION {_role(database)}")
        database.ask(f"ALTER DATABASE {database.name} OWNER TO postgres")
        async with store.journal() as journal:
            assert (await journal.diagnose("target")).level is Level.OK
            await begin(journal)
            assert await journal.unfinished("target") == ["run"]

    async def test_that_nobody_lets_us_make_is_told(self, store: PostgresStore) -> None:
        store.database.ask(f"ALTER DATABASE {store.database.name} OWNER TO postgres")
        async with store.journal() as journal:
            finding = await journal.diagnose("target")
            assert "may not make the schema" in finding.message
            with pytest.raises(StateUnavailable, match="permission denied"):
                await begin(journal)

    async def test_is_on_disk_whatever_the_server_does_by_default(
        self, store: PostgresStore
    ) -> None:
        store.database.ask(f"ALTER DATABASE {store.database.name} SET synchronous_commit = off")
        session = store.database.server().session()
        assert session.execute("SHOW synchronous_commit").fetchone() == ("on",)
        session.close()


class TestPassword:
    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://u:{PASSWORD}@127.0.0.1/db",
            f"postgresql://:{PASSWORD}@127.0.0.1/db",
            f"postgresql://u:{PASSWORD}/x@127.0.0.1/db",
            f"postgresql://127.0.0.1:{PASSWORD}/db",
            f"postgresql://127.0.0.1/db?password={PASSWORD}",
            f"postgresql://127.0.0.1/db?sslpassword={PASSWORD}",
            f"postgresql://127.0.0.1/db#{PASSWORD}",
            f"postgresql://127.0.0.1/db?{PASSWORD}",
            f"POSTGRES://u:{PASSWORD}@127.0.0.1/db",
            f"postgresql:// {PASSWORD}",
        ],
    )
    def test_is_no_part_of_an_address(self, url: str) -> None:
        with pytest.raises(ConfigError) as refusal:
            parse(url)
        assert PASSWORD not in "".join(traceback.format_exception(refusal.value))

    async def test_that_is_wrong_is_not_repeated(self, database: Database) -> None:
        from stateward.stores.postgres import PostgresDatabase, Server

        wrong = "canary-that-is-wrong"
        own = KeptJournal(PostgresDatabase(Server(parse(database.url), lambda: wrong), "journal"))
        with pytest.raises(StateUnavailable, match="password authentication failed") as refusal:
            await begin(own)
        finding = await own.diagnose("target")
        await own.close()
        said = "".join(traceback.format_exception(refusal.value)) + finding.message
        assert wrong not in said + repr(own) + repr(database.server().address)

    async def test_is_fetched_for_each_connection(self, database: Database) -> None:
        from stateward.stores.postgres import PostgresDatabase, Server

        given = iter(["wrong", PASSWORD])
        own = KeptJournal(
            PostgresDatabase(Server(parse(database.url), lambda: next(given)), "journal")
        )
        with pytest.raises(StateUnavailable):
            await begin(own)
        await begin(own)
        await own.close()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://h/db", "postgresql://h/db"),
        (
            "postgres://a%40b@h:1/db?sslmode=verify-full&sslrootcert=/x/y.pem",
            "postgres://a%40b@h:1/db",
        ),
        (
            "postgresql://u@h1:1,[::1]:2/db?target_session_attrs=read-write",
            "postgresql://u@h1:1,[::1]:2/db",
        ),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db"),
    ],
)
def test_an_address_is_shown_without_what_goes_with_it(url: str, name: str) -> None:
    assert parse(url).name == name


def test_many_runs_are_read_in_parts(store: PostgresStore) -> None:
    async def fill() -> None:
        async with store.journal() as journal:
            await begin(journal)
            await journal.record([entry(number, run=f"r{number}") for number in range(1200)])
            assert (await journal.verify()).links == len(await journal.links()) == 1201

    asyncio.run(fill())


def test_a_place_that_is_not_there_is_said() -> None:
    unused = free_port()

    async def write() -> None:
        from stateward.stores.postgres import PostgresDatabase

        own = KeptJournal(
            PostgresDatabase(server(f"postgresql://127.0.0.1:{unused}/db"), "journal")
        )
        try:
            await begin(own)
        finally:
            await own.close()

    with pytest.raises(StateUnavailable, match=r"127\.0\.0\.1:\d+/db: .*refused"):
        asyncio.run(write())
