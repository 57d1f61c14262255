"""The chart on a real API server, and the daemon as the pods of it would run: with their account.

There is nobody who runs pods there: what they would be given is taken from what was admitted.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
import yaml
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.core_v1 import PodStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import (
    ConfigMap,
    PersistentVolumeClaim,
    Pod,
    Service,
    ServiceAccount,
)
from lightkube.resources.core_v1 import PodStatus as StatusOfPod
from lightkube.resources.rbac_authorization_v1 import Role, RoleBinding

from charts import CHART, Helm
from pods import NAME, RELEASE, Cluster
from repositories import Repository
from tending import change

ROOT = os.geteuid() == 0
"""Who has it gives a pod its mounts, the account among them."""
WITHIN = 4
"""Seconds of the lease."""
_MADE = (
    ConfigMap,
    CronJob,
    Deployment,
    Job,
    PersistentVolumeClaim,
    Role,
    RoleBinding,
    Service,
    ServiceAccount,
)
T = TypeVar("T")


@pytest.fixture
def run(helm: str, kube: str, namespace: str, tmp_path: Path) -> Helm:
    environment = {"KUBECONFIG": kube, "HELM_NAMESPACE": namespace, "HOME": str(tmp_path)}
    return Helm(helm, environment)


@pytest.fixture
def values(repo: Repository, tmp_path: Path) -> Path:
    file = tmp_path / "values.yaml"
    said = {
        "config": {
            "target": {"url": f"sqlite:///{tmp_path}/target.db", "token": None},
            "sources": [{"name": "site", "git": {"url": str(repo.path)}}],
            "leader": {"lease": "kubernetes", "within": f"{WITHIN}s"},
        }
    }
    file.write_text(yaml.safe_dump(said))
    return file


def until(found: Callable[[], T | None], within: float = 60) -> T:
    """Ask until there is something."""
    deadline = time.monotonic() + within
    while True:
        own = found()
        if own or time.monotonic() > deadline:
            assert own
            return own
        time.sleep(0.2)


def pods(client: Client, namespace: str, component: str) -> list[Pod]:
    labels = {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/component": component}
    return list(client.list(Pod, namespace=namespace, labels=labels))


def test_is_installed_changed_set_back_and_removed(
    run: Helm, client: Client, namespace: str, values: Path
) -> None:
    run("install", RELEASE, CHART, "-f", values)
    (pod,) = until(lambda: pods(client, namespace, "daemon"))
    assert pod.spec is not None
    assert pod.spec.serviceAccountName == NAME
    more = ("--set", "replicaCount=2", "--set", "state.persistence.enabled=false")
    run("upgrade", RELEASE, CHART, "-f", values, *more)
    assert _replicas(client, namespace) == 2
    run("rollback", RELEASE, "1")
    assert _replicas(client, namespace) == 1
    run("uninstall", RELEASE)
    labels = {"app.kubernetes.io/instance": RELEASE}
    for kind in _MADE:
        until(lambda: not list(client.list(kind, namespace=namespace, labels=labels)))  # noqa: B023


def _replicas(client: Client, namespace: str) -> int | None:
    found = client.get(Deployment, NAME, namespace=namespace)
    assert found.spec is not None
    return found.spec.replicas


def test_upgrade_without_two_writers_ends_the_old_pods_first(
    run: Helm, client: Client, namespace: str, values: Path
) -> None:
    run("install", RELEASE, CHART, "-f", values)
    found = client.get(Deployment, NAME, namespace=namespace)
    assert found.spec is not None
    assert found.spec.strategy is not None
    assert found.spec.strategy.type == "Recreate"


def test_tests_of_it_are_run(run: Helm, client: Client, namespace: str, values: Path) -> None:
    run("install", RELEASE, CHART, "-f", values)

    def finish() -> None:
        (pod,) = until(lambda: pods(client, namespace, "test"))
        assert pod.metadata is not None
        assert pod.metadata.name is not None
        done = StatusOfPod(metadata=pod.metadata, status=PodStatus(phase="Succeeded"))
        client.patch(StatusOfPod, pod.metadata.name, done, namespace=namespace)

    finishing = threading.Thread(target=finish)
    finishing.start()
    text = run("test", RELEASE, "--timeout", "50s")
    finishing.join()
    assert "Succeeded" in text


@pytest.mark.parametrize("mode", ["plan", "run"])
def test_jobs_on_a_schedule_are_admitted(
    run: Helm, client: Client, namespace: str, values: Path, mode: str
) -> None:
    more = [f"cronJob.enabled=true,cronJob.mode={mode},daemon.enabled=false"]
    run("install", RELEASE, CHART, "-f", values, "--set", *more)
    found = client.get(CronJob, NAME, namespace=namespace)
    assert found.spec is not None
    template = found.spec.jobTemplate
    job = Job(metadata=ObjectMeta(name="now", namespace=namespace), spec=template.spec)
    client.create(job)
    (pod,) = until(lambda: pods(client, namespace, "job"))
    assert pod.spec is not None
    (container,) = pod.spec.containers
    assert container.args == ["run", "--once", *(["--dry-run"] if mode == "plan" else [])]


@pytest.fixture
def cluster(
    run: Helm, kube: str, client: Client, namespace: str, values: Path, tmp_path: Path
) -> Cluster:
    run("install", RELEASE, CHART, "-f", values)
    return Cluster(kube, client, namespace, tmp_path)


class TestPod:
    def test_leads_by_its_own_account_and_another_takes_over(
        self, cluster: Cluster, repo: Repository
    ) -> None:
        cluster.keep("stateward-infrahub", token="")  # this target asks for none
        with cluster.pod("one", secrets=ROOT) as one:
            one.until("leading", term=1)
            one.until("round", trigger="start")
            with cluster.pod("other", secrets=ROOT) as other:
                other.until("standing-by", term=1)
                one.signal(signal.SIGTERM)
                other.until("leading", term=2)
                assert other.until("round", revision=change(repo, 9214, 9000))["writes"] > 0

    def test_reads_a_changed_configuration_by_itself(
        self, cluster: Cluster, run: Helm, values: Path
    ) -> None:
        with cluster.pod("one") as one:
            one.until("round", trigger="start")
            run("upgrade", RELEASE, CHART, "-f", values, "--set", "config.run.fightAfter=7")
            cluster.mount()
            one.until("reloaded")
            run("upgrade", RELEASE, CHART, "-f", values, "--set", "config.instance=other")
            cluster.mount()
            one.until("reloaded")

    @pytest.mark.parametrize("verb", ["get", "create", "update"])
    def test_needs_each_of_its_rights(self, cluster: Cluster, verb: str) -> None:
        role = cluster.client.get(Role, NAME, namespace=cluster.namespace)
        for rule in role.rules or ():
            rule.verbs = [own for own in rule.verbs if own != verb]
        role.rules = [rule for rule in role.rules or () if rule.verbs]
        cluster.client.replace(role)
        with cluster.pod("one") as one:
            if verb == "update":  # the first time it is created; it cannot be renewed
                one.until("leading", term=1)
                one.until("lead-lost", term=1)
            else:
                one.until("lease-failed")
                assert not [own for own in one.seen if own["action"] == "leading"]

    def test_has_no_other_right(self, cluster: Cluster) -> None:
        with closing(Client(KubeConfig.from_file(str(cluster.account())))) as own:
            for ask in (
                lambda: list(own.list(Lease, namespace=cluster.namespace)),
                lambda: list(own.list(ConfigMap, namespace=cluster.namespace)),
                lambda: own.get(Lease, "somebody-elses", namespace=cluster.namespace),
                lambda: list(own.list(Pod, namespace=cluster.namespace)),
            ):
                with pytest.raises(ApiError, match="forbidden"):
                    ask()
