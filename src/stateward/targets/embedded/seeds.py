"""What an empty Infrahub holds and object files rely on."""

from stateward.model.schema import DEFAULT_IP_NAMESPACE
from stateward.targets.embedded.database import Database
from stateward.targets.embedded.layout import Layouts
from stateward.targets.embedded.records import dump

DEFAULT_NAMESPACE = "5a0c1bd5-7a3c-5c39-9d0e-6a5f2c7f7e10"
"""The same in every file, so that a plan made before the file exists holds afterwards."""

_KIND = "IpamNamespace"


def plant(database: Database, layouts: Layouts) -> None:
    """Add what is missing."""
    layout = layouts.of(_KIND)
    if layout is None:
        return
    fields = {"name": DEFAULT_IP_NAMESPACE, "default": True}
    known = {name: value for name, value in fields.items() if name in layout.kind.attributes}
    identity = dump([DEFAULT_IP_NAMESPACE])
    done = database.execute(
        "INSERT OR IGNORE INTO node (id, kind, identity, fields, seeded) VALUES (?, ?, ?, ?, 1)",
        (DEFAULT_NAMESPACE, _KIND, identity, dump(known)),
    )
    if done.rowcount:
        value = dump([DEFAULT_IP_NAMESPACE])
        database.executemany(
            "INSERT INTO unique_value VALUES (?, ?, ?)",
            [
                (rule.scope, value, done.lastrowid)
                for rule in layout.uniques
                if rule.label == "name"
            ],
        )
