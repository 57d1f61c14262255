"""The tables of an embedded target, as a person with the ``sqlite3`` shell finds them.

A file is one small Infrahub: ``application_id`` is ``STWD``, ``user_version`` the layout below.

- ``meta``: the schema that is loaded, as JSON in the form of ``GET /api/schema``, and its hash.
- ``node``: one row an object. ``seq`` is what other tables point at. ``identity`` is a JSON list of
  texts: the object's human-friendly id, or what stands for one. ``fields`` is a JSON mapping of
  those attributes that were ever set: one that is not there shows its default. ``seeded`` marks
  what an empty server holds too.
- ``edge``: relationships, each once, both ends alike. ``identifier`` is the schema's. Of a directed
  relationship ``head`` is the outbound end; of any other it is the older object. A group is the
  head of its memberships (``group_member``). Lineage stands here as well, under
  ``<attribute>.source`` and ``<attribute>.owner``.
- ``unique_value``: what uniqueness constraints hold, by kind or generic and fields.
- ``alias``: names other than its identity that an object answers to in a reference.
- ``reservation``: what a pool gave to an identifier: a number or an object.
- ``allocation``: the fields that a pool filled in.
- ``burned``: ids that were used before; none comes back.

Looking is safe at any time. An attribute that is part of no identity and no constraint may also be
written by hand: ``UPDATE node SET fields = json_set(fields, '$.description', 'mine') WHERE …``.
Whole objects are better made in Python, which keeps the other tables right::

    from stateward.model.mutation import Create
    from stateward.targets.embedded import EmbeddedTarget

    async with EmbeddedTarget("sqlite:///demo.db").session(None, write=True) as session:
        tag = Create(id=str(uuid4()), kind="BuiltinTag", attributes={"name": "blue"})
        print(await session.apply([tag]))
"""

APPLICATION_ID = 0x53545744
LAYOUT = 1

TABLES = """
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE node (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    identity TEXT NOT NULL,
    fields TEXT NOT NULL,
    seeded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX node_identity ON node (kind, identity);

CREATE TABLE edge (
    head INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    tail INTEGER NOT NULL,
    PRIMARY KEY (head, identifier, tail)
) WITHOUT ROWID;
CREATE INDEX edge_tail ON edge (tail, identifier, head);

CREATE TABLE unique_value (
    scope TEXT NOT NULL,
    value TEXT NOT NULL,
    node INTEGER NOT NULL,
    PRIMARY KEY (scope, value)
) WITHOUT ROWID;
CREATE INDEX unique_value_node ON unique_value (node);

CREATE TABLE alias (
    scope TEXT NOT NULL,
    value TEXT NOT NULL,
    node INTEGER NOT NULL,
    PRIMARY KEY (scope, value, node)
) WITHOUT ROWID;
CREATE INDEX alias_node ON alias (node);

CREATE TABLE reservation (
    pool INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    number INTEGER,
    node INTEGER,
    PRIMARY KEY (pool, identifier)
) WITHOUT ROWID;
CREATE INDEX reservation_number ON reservation (pool, number);
CREATE INDEX reservation_node ON reservation (node) WHERE node IS NOT NULL;

CREATE TABLE allocation (
    node INTEGER NOT NULL,
    field TEXT NOT NULL,
    pool INTEGER NOT NULL,
    PRIMARY KEY (node, field)
) WITHOUT ROWID;
CREATE INDEX allocation_pool ON allocation (pool);

CREATE TABLE burned (
    id TEXT PRIMARY KEY
) WITHOUT ROWID;
"""
