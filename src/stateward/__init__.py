"""Stateward keeps Infrahub equal to Git.

The tracking library is here as well: ``stateward.connect`` is where a script begins. Its parts are
imported when they are asked for, so that the command line does not wait for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stateward.errors import PruneBlocked as PruneBlocked
    from stateward.errors import StatewardError as StatewardError
    from stateward.model.unit import Limits as Limits
    from stateward.tracking.client import Client as Client
    from stateward.tracking.library import TrackingSession as TrackingSession
    from stateward.tracking.node import Node as Node
    from stateward.tracking.outcome import SessionReport as SessionReport
    from stateward.tracking.resuming import Resumed as Resumed
    from stateward.wiring.connect import connect as connect

__version__ = "0.1.0"

_HOMES = {
    "Client": "stateward.tracking.client",
    "Limits": "stateward.model.unit",
    "Node": "stateward.tracking.node",
    "PruneBlocked": "stateward.errors",
    "Resumed": "stateward.tracking.resuming",
    "SessionReport": "stateward.tracking.outcome",
    "StatewardError": "stateward.errors",
    "TrackingSession": "stateward.tracking.library",
    "connect": "stateward.wiring.connect",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the names are texts


_FACES = frozenset({"sdk", "sync"})


def __getattr__(name: str) -> Any:
    if name in _FACES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
