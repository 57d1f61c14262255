"""A lease that Kubernetes keeps, for daemons in pods. The only home of lightkube, an extra."""

import math
from datetime import UTC, datetime

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.core.exceptions import ConfigError as NoCluster
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from stateward.errors import ConfigError, LeaseUnavailable
from stateward.model.tenure import Tenure

_NOT_FOUND = 404
_CONFLICT = 409
_TROUBLE = (httpx2.HTTPError, NoCluster, OSError)
"""A token is read anew when it has expired: its file may be gone by then."""


class KubernetesLease:
    """One Lease; the cluster is that of the pod's service account, else the one of ``KUBECONFIG``.

    What decides is the version of the object: of several that replace the same one, one succeeds.
    """

    def __init__(self, name: str, namespace: str | None, timeout: float) -> None:
        try:
            self._client = AsyncClient(namespace=namespace, timeout=httpx2.Timeout(timeout))
        except (NoCluster, OSError) as error:
            message = f"leader.lease: kubernetes: {error}: run in a pod, or set KUBECONFIG"
            raise ConfigError(message) from error
        self._name = name
        self._known: Lease | None = None

    async def read(self) -> Tenure | None:
        try:
            found = await self._client.get(Lease, self._name)
        except _TROUBLE as error:
            if _status(error) == _NOT_FOUND:
                return None
            raise self._unavailable(error) from error
        self._known = found
        return _tenure(found)

    async def replace(self, known: Tenure | None, new: Tenure) -> Tenure | None:
        now = datetime.now(UTC)
        before = self._known.spec if self._known is not None else None
        same = before is not None and known is not None and known.term == new.term
        spec = LeaseSpec(
            holderIdentity=new.holder or None,
            leaseDurationSeconds=math.ceil(new.patience),
            leaseTransitions=new.term,
            acquireTime=before.acquireTime if before is not None and same else now,
            renewTime=now,
        )
        meta = ObjectMeta(name=self._name, resourceVersion=known.version if known else None)
        try:
            write = self._client.replace if known else self._client.create
            found = await write(Lease(metadata=meta, spec=spec))
        except _TROUBLE as error:
            if _status(error) in {_CONFLICT, _NOT_FOUND}:
                return None
            raise self._unavailable(error) from error
        self._known = found
        return _tenure(found)

    async def close(self) -> None:
        await self._client.close()

    def _unavailable(self, error: Exception) -> LeaseUnavailable:
        said = str(error) or type(error).__name__
        return LeaseUnavailable(f"Lease {self._client.namespace}/{self._name}: {said}")


def _status(error: Exception) -> int | None:
    if isinstance(error, ApiError):
        return error.status.code
    return error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None


def _tenure(found: Lease) -> Tenure:
    spec = found.spec or LeaseSpec()
    version = found.metadata.resourceVersion if found.metadata else None
    return Tenure(
        holder=spec.holderIdentity or "",
        term=spec.leaseTransitions or 0,
        patience=float(spec.leaseDurationSeconds or 0),
        version=version or "",
    )
