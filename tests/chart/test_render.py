"""What Helm makes of the chart."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from charts import CHART, CI, MINIMAL, Helm, configuration, of_kind
from stateward.settings import Configuration, LeaseKind, SecretReference

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("1.30", "1.33", "1.36")
_FOREIGN = {"ServiceMonitor", "PrometheusRule", "HTTPRoute"}
"""Kinds that a cluster has by an extension."""


@pytest.fixture
def run(helm: str, tmp_path: Path) -> Helm:
    return Helm(helm, {"HOME": str(tmp_path)})


@pytest.mark.parametrize("values", CI, ids=lambda own: own.name)
class TestValues:
    def test_pass_the_linter(self, run: Helm, values: Path) -> None:
        assert "0 chart(s) failed" in run("lint", "--strict", CHART, "-f", values)

    def test_make_what_was_looked_at(
        self, run: Helm, values: Path, pytestconfig: pytest.Config
    ) -> None:
        text = run("template", "gitops", CHART, "-n", "tools", "-f", values)
        golden = GOLDEN / values.name.replace("-values", "")
        if pytestconfig.getoption("--update-golden"):
            golden.write_text(text)
        assert text == golden.read_text()

    @pytest.mark.parametrize("version", VERSIONS)
    def test_make_what_kubernetes_takes(self, run: Helm, values: Path, version: str) -> None:
        objects = run.template(values, "--kube-version", f"{version}.0")
        own = [each for each in objects if each["kind"] not in _FOREIGN]
        assert own
        for each in own:
            kubernetes_validate.validate(each, version, strict=True)

    def test_make_a_configuration_that_the_daemon_takes(self, run: Helm, values: Path) -> None:
        own = [
            each["data"]["stateward.yaml"]
            for each in run.template(values)
            if "stateward.yaml" in each.get("data", {})
        ]
        assert configuration(own[0]).sources

    def test_make_pods_that_can_do_little(self, run: Helm, values: Path) -> None:
        for pod in _pods(run.template(values)):
            assert pod["securityContext"]["runAsNonRoot"]
            for container in [*pod["containers"], *pod.get("initContainers", [])]:
                own = container["securityContext"]
                assert own["readOnlyRootFilesystem"]
                assert own["capabilities"] == {"drop": ["ALL"]}
                assert not own["allowPrivilegeEscalation"]


def _pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for own in objects:
        spec = own.get("spec", {})
        spec = spec.get("jobTemplate", own).get("spec", {})
        if own["kind"] == "Pod":
            found.append(spec)
        elif "template" in spec:
            found.append(spec["template"]["spec"])
    assert found
    return found


class TestRefusals:
    """What does not go together is refused with the reason."""

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            (["replicaCount=2"], "several need state.persistence.enabled: false"),
            (
                ["replicaCount=2", "state.persistence.enabled=false", "config.leader.lease=file"],
                "that needs config.leader.lease: kubernetes",
            ),
            (["cronJob.enabled=true", "cronJob.mode=run"], "a target has one writer"),
            (["config.target.url="], "config.target.url: the Infrahub server"),
            (["config.sources=null"], "sources"),
            (["config.server.api=true"], "give config.server.token"),
            (["ingress.enabled=true"], "ingress.host: the name that forges call"),
            (["httpRoute.enabled=true"], "httpRoute.parentRefs: the gateways"),
            (["config.targett.url=x"], "'targett'"),
            (["config.defaults.drift.interval=tomorrow"], "does not match pattern"),
            (["config.server.listen=1.2.3.4:1"], "'listen'"),
            (["config.state.url=sqlite:///x"], "'url'"),
            (["config.state.directory=/x"], "'directory'"),
            (["config.leader.lease=postgres"], "state.url: config.leader.lease: postgres needs it"),
            (["imagee.tag=1"], "'imagee'"),
            (["image.digest=latest"], "does not match pattern"),
        ],
        ids=lambda own: own[0] if isinstance(own, list) else "",
    )
    def test_say_why(self, run: Helm, said: list[str], reason: str) -> None:
        assert reason in run.refusal(*(part for own in said for part in ("--set", own)))

    def test_several_replicas_with_a_lease_and_no_claim_pass(self, run: Helm) -> None:
        objects = run.template(
            MINIMAL, "--set", "replicaCount=2", "--set", "state.persistence.enabled=false"
        )
        assert of_kind(objects, "Deployment")["spec"]["replicas"] == 2


class TestServer:
    """The state is on a PostgreSQL server."""

    @pytest.fixture
    def objects(self, run: Helm) -> list[dict[str, Any]]:
        return run.template(next(own for own in CI if own.name.startswith("postgres")))

    def test_is_where_the_daemon_is_told_that_it_is(self, objects: list[dict[str, Any]]) -> None:
        (container,) = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        said = {own["name"]: own["value"] for own in container["env"]}
        assert said["STATEWARD_STATE"].startswith("postgresql://stateward@postgres.db:5432/")
        assert said["STATEWARD_STATE_DIRECTORY"] == "/var/lib/stateward"
        settings = configuration(of_kind(objects, "ConfigMap")["data"]["stateward.yaml"])
        assert settings.leader.lease is LeaseKind.POSTGRES
        assert settings.state.password == SecretReference(file="/run/secrets/postgres/password")

    def test_takes_no_password_and_repeats_none(self, run: Helm) -> None:
        said = run.refusal("--set", "state.url=postgresql://ada:canary@db/s")
        assert "without a password" in said
        assert "canary" not in said

    def test_needs_no_rights_in_the_cluster(self, objects: list[dict[str, Any]]) -> None:
        assert not [own for own in objects if own["kind"].startswith("Role")]
        assert of_kind(objects, "Deployment")["spec"]["replicas"] == 2


class TestLease:
    def test_is_the_one_that_the_rights_are_for(self, run: Helm) -> None:
        objects = run.template()
        (own, _) = of_kind(objects, "Role")["rules"]
        said = yaml.safe_load(of_kind(objects, "ConfigMap")["data"]["stateward.yaml"])
        assert own["resourceNames"] == [said["leader"]["name"]]
        assert _pods(objects)[0]["automountServiceAccountToken"] is True

    def test_of_a_file_needs_no_rights(self, run: Helm) -> None:
        more = "config.leader.lease=file,config.leader.within=60s"
        objects = run.template(MINIMAL, "--set", more)
        assert not [own for own in objects if own["kind"].startswith("Role")]
        assert _pods(objects)[0]["automountServiceAccountToken"] is False
        said = yaml.safe_load(of_kind(objects, "ConfigMap")["data"]["stateward.yaml"])
        assert said["leader"] == {"lease": "file", "within": "60s"}

    def test_elsewhere_is_what_the_rights_are_for(self, run: Helm) -> None:
        objects = run.template(MINIMAL, "--set", "config.leader.namespace=leases")
        for kind in ("Role", "RoleBinding"):
            assert of_kind(objects, kind)["metadata"]["namespace"] == "leases"
        (account,) = of_kind(objects, "RoleBinding")["subjects"]
        assert account["namespace"] == "tools"


@pytest.mark.parametrize("mode", ["plan", "run"])
def test_jobs_are_about_all_sources(run: Helm, mode: str) -> None:
    objects = run.template(
        next(own for own in CI if own.name.startswith("job")), "--set", f"cronJob.mode={mode}"
    )
    (container,) = _pods([of_kind(objects, "CronJob")])[0]["containers"]
    assert container["args"] == ["run", "--once", *(["--dry-run"] if mode == "plan" else [])]


def test_tests_are_pods_since_helm_shows_logs_of_no_other_kind(run: Helm) -> None:
    own = of_kind(run.template(), "Pod")
    assert own["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert [each["args"] for each in own["spec"]["containers"]] == [["doctor"], ["validate"]]


def test_secrets_stand_in_no_object(run: Helm) -> None:
    for values in CI:
        for own in run.template(values):
            assert own["kind"] != "Secret"


def test_own_configuration_takes_the_place_of_the_charts(run: Helm) -> None:
    objects = run.template(MINIMAL, "--set", "existingConfigMap=own")
    assert not [own for own in objects if own["kind"] == "ConfigMap"]
    volumes = {own["name"]: own for own in _pods(objects)[0]["volumes"]}
    assert volumes["config"]["configMap"] == {"name": "own"}


def test_port_is_the_one_that_is_listened_on(run: Helm) -> None:
    objects = run.template(MINIMAL, "--set", "daemon.listen=0.0.0.0:9000")
    (container,) = _pods(objects)[0]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 9000}]
    assert {"name": "STATEWARD_LISTEN", "value": "0.0.0.0:9000"} in container["env"]


def test_grace_is_longer_than_the_daemons_own(run: Helm) -> None:
    pod = _pods(run.template())[0]
    assert pod["terminationGracePeriodSeconds"] > Configuration().run.grace.total_seconds()


def test_longest_name_is_one_that_kubernetes_takes(run: Helm) -> None:
    more = ("--set", f"fullnameOverride={'x' * 70}", "--set", "cronJob.enabled=true")
    names = [own["metadata"]["name"] for own in run.template(MINIMAL, *more)]
    assert max(map(len, names)) <= 52
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", own) for own in names)
