"""Which of several daemons is at work."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from stateward.settings.base import Duration, Model

_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_OBJECT = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_LEAST = timedelta(seconds=2)


class LeaseKind(StrEnum):
    """Where daemons find out about each other."""

    FILE = "file"
    """In files, beside a state database that is one: those of one machine, or that share the disk that it is on."""
    POSTGRES = "postgres"
    """In the state database, where that is on a server."""
    KUBERNETES = "kubernetes"
    """In a Lease of the cluster that they run in."""


def _long_enough(given: timedelta) -> timedelta:
    if given < _LEAST:
        raise ValueError(f"expected {_LEAST.seconds}s at least: it is renewed ten times as often")
    return given


class LeaderSettings(Model):
    """How daemons of one target and one instance agree on who is at work."""

    lease: Annotated[LeaseKind | None, Field(strict=False)] = None
    """Where the state is, unless it is said."""
    within: Annotated[Duration, AfterValidator(_long_enough)] = timedelta(seconds=15)
    """How long it takes at most until another one has taken over."""
    name: Annotated[str, Field(pattern=_OBJECT, max_length=253)] | None = None
    """Of the Lease; where it is not given, it is made of the target and the instance."""
    namespace: Annotated[str, Field(pattern=_LABEL, max_length=63)] | None = None
    """Of the Lease; else the pod's."""

    @model_validator(mode="after")
    def _of_a_cluster(self) -> Self:
        if self.lease is not LeaseKind.KUBERNETES and (self.name or self.namespace):
            raise ValueError("name and namespace go with lease: kubernetes")
        return self
