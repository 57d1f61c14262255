"""The state database in PostgreSQL: its tables, in a schema of their own.

    layout  one row: which layout this is
    record  the links of the chain; triggers keep them from being changed, and from being dropped by
            anything but retention
    head    one row: the last link, and the number up to which retention has dropped
    status, command, lease   what holds no history

Text sorts and compares by its characters, as it does in a file, whatever language the server
speaks.
"""

from stateward.model.chain import GENESIS

SCHEMA = "stateward"
VERSION = 2
LAYOUT = "SELECT version FROM layout"
IS_THERE = "SELECT to_regclass('stateward.layout') IS NOT NULL"
HAS_SCHEMA = "SELECT to_regnamespace('stateward') IS NOT NULL"
HAS_TABLES = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'stateward')"
MAY_WRITE = """
SELECT CASE WHEN to_regnamespace('stateward') IS NULL
THEN has_database_privilege(current_database(), 'CREATE')
ELSE has_schema_privilege('stateward', 'CREATE') END
"""

_TOLD = r"""((regexp_replace(body, '\\([^"])', '\\\\\1', 'g')::json ->> '{}') COLLATE "C")"""
_TEXT = 'TEXT COLLATE "C" NOT NULL'


def told(name: str) -> str:
    """Return SQL for a text that a record's body has under a name.

    JSON can spell characters that no text of this server can hold. So what stands behind a
    backslash stays as it is spelled, but for quotes, which end the text else.
    """
    return _TOLD.format(name)


STATEMENTS = (
    "CREATE TABLE layout (version INTEGER NOT NULL)",
    f"INSERT INTO layout VALUES ({VERSION})",  # noqa: S608 - ours
    f"CREATE TABLE record (number BIGINT PRIMARY KEY, type {_TEXT}, run {_TEXT}, at {_TEXT},"
    f" body {_TEXT}, hash {_TEXT})",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), number BIGINT NOT NULL,"
    f" hash {_TEXT}, dropped BIGINT NOT NULL)",
    f"INSERT INTO head VALUES (1, 0, '{GENESIS}', 0)",  # noqa: S608 - ours
    "CREATE INDEX record_run ON record (run, type)",
    *(
        f"CREATE INDEX record_{own} ON record ({told(own)}) WHERE type = 'begin'"
        for own in ("target", "subject", "undoes")
    ),
    "CREATE FUNCTION record_stays() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'records are never changed'; END $$",
    "CREATE FUNCTION record_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF old.number > (SELECT dropped FROM stateward.head) THEN"
    " RAISE 'records are dropped by retention only'; END IF; RETURN old; END $$",
    "CREATE TRIGGER record_stays BEFORE UPDATE ON record"
    " FOR EACH ROW EXECUTE FUNCTION record_stays()",
    "CREATE TRIGGER record_whole BEFORE TRUNCATE ON record"
    " FOR EACH STATEMENT EXECUTE FUNCTION record_stays()",
    "CREATE TRIGGER record_kept BEFORE DELETE ON record"
    " FOR EACH ROW EXECUTE FUNCTION record_kept()",
    f"CREATE TABLE status (target {_TEXT}, source {_TEXT}, unit {_TEXT}, body {_TEXT},"
    " PRIMARY KEY (target, source, unit))",
    "CREATE TABLE command (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    f" id {_TEXT} UNIQUE, body {_TEXT})",
    f"CREATE TABLE lease (subject {_TEXT} PRIMARY KEY, holder {_TEXT}, term BIGINT NOT NULL,"
    " patience DOUBLE PRECISION NOT NULL, version BIGINT NOT NULL)",
)
