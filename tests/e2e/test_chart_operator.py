"""The chart as an operator installs it: a private repository, secrets, a server for the state."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from lightkube import Client

from branches import fresh
from charts import CHART, Helm
from clusters import PASSWORD, Database
from commands import edit
from live import Lab
from pods import RELEASE, SECRETS, Cluster
from repositories import Repository
from sshd import Sshd, keypair, sshd
from tending import LEAVES, change

WITHIN = 4
"""Seconds of the lease."""
Install = Callable[..., None]


@pytest.fixture
def cluster(kube: str, client: Client, namespace: str, tmp_path: Path) -> Cluster:
    """Nothing is installed there yet."""
    return Cluster(kube, client, namespace, tmp_path)


@pytest.fixture
def install(cluster: Cluster, helm: str, kube: str, tmp_path: Path) -> Install:
    """Install the chart with values, or upgrade it to them."""
    run = Helm(helm, {"KUBECONFIG": kube, "HELM_NAMESPACE": cluster.namespace, "HOME": "/"})

    def install(**values: Any) -> None:
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        run("upgrade", "--install", RELEASE, CHART, "-f", file)

    return install


@dataclass
class Private:
    """A repository that is had over ssh, with a key that may be changed."""

    repo: Repository
    server: Sshd
    directory: Path

    @property
    def source(self) -> dict[str, Any]:
        return {
            "name": "site",
            "git": {
                "url": self.server.url(self.repo.path),
                "sshKey": {"file": f"{SECRETS}/git/id_ed25519"},
                "knownHosts": {"file": f"{SECRETS}/git/known_hosts"},
                "interval": "1s",
            },
        }

    def key(self) -> dict[str, str]:
        """Let a new key in, and no other; return what the Secret holds."""
        key = keypair(self.directory / uuid4().hex)
        (self.directory / "authorized").write_text(key.with_suffix(".pub").read_text())
        return {"id_ed25519": key.read_text(), "known_hosts": self.server.known()}


@pytest.fixture
def private(repo: Repository, tmp_path: Path) -> Iterator[Private]:
    directory = tmp_path / "keys"
    directory.mkdir()
    with sshd(tmp_path / "sshd", directory / "authorized") as server:
        yield Private(repo, server, directory)


def test_keys_are_changed_without_a_restart(
    cluster: Cluster, install: Install, private: Private, tmp_path: Path
) -> None:
    cluster.keep("stateward-git", **private.key())
    install(
        config={
            "target": {"url": f"sqlite:///{tmp_path}/target.db", "token": None},
            "sources": [private.source],
            "leader": {"within": f"{WITHIN}s"},
        },
        secrets={"infrahub": None, "git": {"secretName": "stateward-git"}},
    )
    with cluster.pod("one", secrets=True) as one:
        assert one.until("round", trigger="start")["writes"] > 0
        cluster.keep("stateward-git", **(key := private.key()))
        commit = change(private.repo, 9214, 9000)
        assert "SW2007" in one.until("source-failed")["message"]
        cluster.mount_secrets()
        one.until("source-back")
        assert one.until("round", revision=commit)["writes"] > 0
        hidden = key["id_ed25519"].splitlines()[1]
        assert hidden not in str(one.seen)


def test_state_and_lease_are_on_a_server_of_their_own(
    cluster: Cluster,
    install: Install,
    database: Database,
    repo: Repository,
    tmp_path: Path,
) -> None:
    cluster.keep("stateward-postgres", password=PASSWORD)
    install(
        config={
            "target": {"url": f"sqlite:///{tmp_path}/target.db", "token": None},
            "sources": [{"git": {"url": str(repo.path), "interval": "1s"}}],
            "leader": {"lease": "postgres", "within": f"{WITHIN}s"},
            "state": {"password": {"file": f"{SECRETS}/postgres/password"}},
        },
        replicaCount=2,
        secrets={"infrahub": None, "postgres": {"secretName": "stateward-postgres"}},
        state={"url": database.url, "persistence": {"enabled": False}},
    )
    spec = cluster.template.spec
    assert spec is not None
    assert not spec.automountServiceAccountToken
    with cluster.pod("one", secrets=True) as one:
        one.until("leading", term=1)
        one.until("round", trigger="start")
        with cluster.pod("other", secrets=True) as other:
            other.until("standing-by", term=1)
            one.signal(signal.SIGKILL)
            other.until("leading", term=2)
            assert other.until("round", revision=change(repo, 9214, 9000))["writes"] > 0
    ((runs,),) = database.ask("SELECT count(*) FROM record WHERE type = 'begin'")
    assert runs > 1, "one history for both"


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_readme_of_the_chart_leads_to_a_daemon(
    cluster: Cluster, install: Install, private: Private, lab: Lab
) -> None:
    """As it is told there: an Infrahub with a token, a deploy key, a commit that is wrong."""
    cluster.keep("stateward-infrahub", token=lab.token)
    cluster.keep("stateward-git", **private.key())
    with fresh(lab, "chart") as branch:
        install(
            config={
                "instance": branch.name,
                "target": {"url": lab.address, "branch": branch.name},
                "sources": [private.source],
                "leader": {"within": f"{WITHIN}s"},
            },
            secrets={"git": {"secretName": "stateward-git"}},
        )
        with cluster.pod("one", secrets=True) as one:
            address = one.until("listening")["address"]
            assert one.until("round", within=600, trigger="start")["writes"] > 0
            edit(private.repo, LEAVES, "status: active", "status: asleep")
            private.repo.commit("a mistake")
            told = one.until("unit", within=60, unit="objects/network", condition="stalled")
            assert "objects/network/leaves.yml:" in told["message"]
            metrics = httpx.get(f"http://{address}/metrics", timeout=10).text
            assert 'stateward_unit_stalled{source="site",unit="objects/network"} 1.0\n' in metrics
            assert httpx.get(f"http://{address}/readyz", timeout=10).status_code == 200
            edit(private.repo, LEAVES, "status: asleep", "status: active")
            private.repo.commit("mended")
            one.until("unit", within=60, unit="objects/network", condition="ready")
            assert lab.token not in str(one.seen) + metrics
