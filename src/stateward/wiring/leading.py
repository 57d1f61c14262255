"""Which lease a daemon runs for, and under which name."""

import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from stateward.daemon.leadership import Leadership
from stateward.daemon.means import Emit
from stateward.errors import ConfigError
from stateward.ports import Lease
from stateward.settings import LeaderSettings, LeaseKind
from stateward.stores.lease_file import FileLease
from stateward.wiring import Setup
from stateward.wiring.state import PostgresState, State

_PATIENCE = 0.2
"""The part of the lease time that one request may take: there is time for another one then."""
_UNTOLD = 2
"""Random bytes in a name: a number of a process may be there again, on another machine too."""


def _name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(_UNTOLD)}"


@dataclass(slots=True)
class Candidate:
    """One daemon: it has one name, and runs for one lease for each of its targets."""

    emit: Emit
    name: str = field(default_factory=_name)
    _known: dict[str, tuple[Any, Leadership]] = field(default_factory=dict)
    """By target."""

    def leadership(self, setup: Setup, target: str) -> Leadership:
        """Return what it runs for: the same as before, where that is not configured otherwise."""
        said, state = setup.configuration.leader, setup.state
        wanted = (said, state, setup.source.target, setup.instance)
        if target not in self._known or self._known[target][0] != wanted:
            leadership = Leadership(
                lease=self._lease(said, state, f"{target} {setup.instance}", setup.source.target),
                name=self.name,
                within=said.within.total_seconds(),
                clock=_elapsed(),
                random=random.random,
                emit=self.emit,
            )
            self._known[target] = wanted, leadership
        return self._known[target][1]

    def only(self, targets: Collection[str]) -> None:
        """Forget all other targets: their leads are given back, and one that is wanted again is new."""
        self._known = {own: found for own, found in self._known.items() if own in targets}

    def _lease(self, said: LeaderSettings, state: State, subject: str, target: str | None) -> Lease:
        timeout = said.within.total_seconds() * _PATIENCE
        if said.lease is LeaseKind.POSTGRES and not isinstance(state, PostgresState):
            message = (
                "leader.lease: postgres: the state is a file: give postgresql://… as state.url"
            )
            raise ConfigError(message)
        if said.lease in {None, LeaseKind.POSTGRES}:
            return state.lease(subject, self.name, timeout)
        if said.lease is LeaseKind.FILE:
            return FileLease(state.leases, subject, self.name)
        try:
            from stateward.stores.lease_kubernetes import KubernetesLease
        except ImportError as error:
            message = "leader.lease: kubernetes: needs more: pip install 'stateward[k8s]'"
            raise ConfigError(message) from error
        return KubernetesLease(lease_name(said.name, subject, target), said.namespace, timeout)


def lease_name(named: str | None, subject: str, target: str | None) -> str:
    """Return what the Lease of a target is called in Kubernetes: one name is given for all of them."""
    if named is None:
        return f"stateward-{sha256(subject.encode()).hexdigest()[:16]}"
    return named if target is None else f"{named}-{target}"


def _elapsed() -> Callable[[], float]:
    """Return a clock that goes on while the machine sleeps, where there is one."""
    clock: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return lambda: time.clock_gettime(clock)
