"""What a pod of the chart would be given by a cluster that runs pods, on this machine."""

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import yaml
from lightkube import Client
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.core_v1 import PodTemplateSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Secret, ServiceAccountToken

from tending import STATEWARD, Process

RELEASE = "gitops"
NAME = "gitops-stateward"
SECRETS = "/run/secrets"
_MOUNTED = f"""
set -e
mount -t tmpfs tmpfs /run
for own in "$1"/*; do
    mkdir -p "{SECRETS}/${{own##*/}}"
    mount --bind "$own" "{SECRETS}/${{own##*/}}"
done
shift
exec "$@"
"""
"""Has directories where the container's mounts are, for this process and its children alone."""


class Cluster:
    """One release, in a namespace of its own."""

    def __init__(self, kube: str, client: Client, namespace: str, root: Path) -> None:
        self.client, self.namespace, self.root = client, namespace, root
        self._kube = kube

    @property
    def template(self) -> PodTemplateSpec:
        """What the daemon's pods are made from, as it was admitted."""
        found = self.client.get(Deployment, NAME, namespace=self.namespace)
        assert found.spec is not None
        return found.spec.template

    def account(self) -> Path:
        """Write a KUBECONFIG that has the token of the release's account, and nothing else."""
        own = yaml.safe_load(Path(self._kube).read_text())
        own["users"] = [{"name": own["users"][0]["name"], "user": {"token": self._token()}}]
        own["contexts"][0]["context"]["namespace"] = self.namespace
        file = self.root / f"account-{uuid4().hex[:6]}.conf"
        file.write_text(yaml.safe_dump(own))
        return file

    def mount_account(self) -> dict[str, str]:
        """Lay the account out as a kubelet does; return where its pod finds the API server."""
        said = yaml.safe_load(Path(self._kube).read_text())["clusters"][0]["cluster"]
        there = {
            "token": self._token().encode(),
            "ca.crt": Path(said["certificate-authority"]).read_bytes(),
            "namespace": self.namespace.encode(),
        }
        _lay_out(self.root / "secrets" / "kubernetes.io" / "serviceaccount", there)
        server = urlsplit(said["server"])
        return {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
        }

    def _token(self) -> str:
        spec = TokenRequestSpec(audiences=[], expirationSeconds=3600)
        asked = ServiceAccountToken(metadata=ObjectMeta(), spec=spec)
        made = self.client.create(asked, NAME, namespace=self.namespace)
        assert made.status is not None
        return made.status.token

    def keep(self, name: str, **data: str) -> None:
        """Make a Secret, or put another one in its place."""
        coded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        meta = ObjectMeta(name=name, namespace=self.namespace)
        self.client.apply(Secret(metadata=meta, data=coded), field_manager="test", force=True)

    def mount(self) -> Path:
        """Lay the ConfigMap out as a kubelet does, and swap it in."""
        found = self.client.get(ConfigMap, NAME, namespace=self.namespace)
        said = {name: text.encode() for name, text in (found.data or {}).items()}
        return _lay_out(self.root / "etc", said)

    def mount_secrets(self) -> None:
        """Do so with each Secret that the pod names."""
        spec = self.template.spec
        assert spec is not None
        for volume in spec.volumes or ():
            if volume.secret is not None and volume.secret.secretName is not None:
                name = volume.secret.secretName
                known = self.client.get(Secret, name, namespace=self.namespace).data or {}
                data = {key: base64.b64decode(text) for key, text in known.items()}
                _lay_out(self.root / "secrets" / volume.name.removeprefix("secret-"), data)

    @contextmanager
    def pod(self, name: str, *, secrets: bool = False) -> Iterator[Process]:
        """Run the container's command with its environment; with its ``secrets`` it takes root.

        Among these is its account; without, the same account is in a file that it is told of.
        """
        spec = self.template.spec
        assert spec is not None
        (container,) = spec.containers
        environment = {own.name: own.value or "" for own in container.env or ()}
        state = self.root / name
        state.mkdir(exist_ok=True)
        environment |= {
            "STATEWARD_CONFIG": str(self.mount() / "stateward.yaml"),
            "STATEWARD_LISTEN": "127.0.0.1:0",
            "HOME": str(state),
        }
        if environment["STATEWARD_STATE"].startswith("sqlite:"):
            environment["STATEWARD_STATE"] = f"sqlite:///{state}/state.db"
        else:
            environment["STATEWARD_STATE_DIRECTORY"] = str(state)
        if spec.automountServiceAccountToken:
            own = self.mount_account() if secrets else {"KUBECONFIG": str(self.account())}
            environment |= own
        assert container.args is not None
        assert container.args[:1] == ["run"]
        command = [*self._with_secrets(), *STATEWARD] if secrets else STATEWARD
        with Process(state, command=command, **environment) as process:
            yield process

    def _with_secrets(self) -> list[str]:
        if os.geteuid() != 0:
            pytest.skip("to have a pod's mounts takes root")
        self.mount_secrets()
        own = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _MOUNTED, "sh"]
        return [*own, str(self.root / "secrets")]


def _lay_out(directory: Path, data: Mapping[str, bytes]) -> Path:
    new = directory / f"..{uuid4().hex}"
    new.mkdir(parents=True)
    for name, text in data.items():
        (new / name).write_bytes(text)
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    link = directory / "..new"
    link.symlink_to(new.name)
    link.rename(directory / "..data")
    return directory
