"""What the chart's values may be, as models: ``values.schema.json`` is made of them.

What stands below ``config`` is the daemon's own model. What Kubernetes defines is left to it.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from stateward.settings import Configuration
from stateward.settings.base import Model

Anything = dict[str, Any]
Texts = dict[str, str]
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class PullPolicy(StrEnum):
    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class Mode(StrEnum):
    PLAN = "plan"
    RUN = "run"


class ServiceType(StrEnum):
    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class SecretMount(Model):
    secret_name: Annotated[str, Field(min_length=1)]


class Image(Model):
    repository: Annotated[str, Field(min_length=1)]
    tag: str
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]
    pull_policy: PullPolicy


class Daemon(Model):
    enabled: bool
    termination_grace_period_seconds: Positive
    listen: Annotated[str, Field(pattern=r"^.+:[0-9]+$")]
    log_format: LogFormat


class Switch(Model):
    enabled: bool


class CronJob(Model):
    enabled: bool
    schedule: str
    time_zone: str
    mode: Mode
    active_deadline_seconds: Positive
    successful_jobs_history_limit: Count
    failed_jobs_history_limit: Count


class Persistence(Model):
    enabled: bool
    existing_claim: str
    storage_class_name: str
    access_modes: tuple[str, ...]
    size: str
    annotations: Texts


class State(Model):
    url: str
    persistence: Persistence


class ServiceAccount(Model):
    create: bool
    name: str
    annotations: Texts


class Rbac(Model):
    create: bool


class Service(Model):
    type: ServiceType
    port: Port
    annotations: Texts


class Ingress(Model):
    enabled: bool
    class_name: str
    host: str
    annotations: Texts
    tls_secret_name: str


class HttpRoute(Model):
    enabled: bool
    parent_refs: tuple[Anything, ...]
    hostnames: tuple[str, ...]
    annotations: Texts


class NetworkPolicy(Model):
    enabled: bool
    from_: Annotated[tuple[Anything, ...], Field(alias="from")]
    egress_ports: tuple[Port, ...]


class ServiceMonitor(Model):
    enabled: bool
    interval: str
    labels: Texts


class PrometheusRule(Model):
    enabled: bool
    labels: Texts
    for_: Annotated[str, Field(alias="for")]
    source_age: Positive
    runbooks: str


class Dashboard(Model):
    enabled: bool
    labels: Texts


class Values(Model):
    """``values.yaml``."""

    config: Configuration
    existing_config_map: str
    secrets: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$")], SecretMount
    ]
    image: Image
    image_pull_secrets: tuple[Texts, ...]
    name_override: str
    fullname_override: str
    replica_count: Positive
    daemon: Daemon
    pod_disruption_budget: Switch
    cron_job: CronJob
    state: State
    service_account: ServiceAccount
    rbac: Rbac
    service: Service
    ingress: Ingress
    http_route: HttpRoute
    network_policy: NetworkPolicy
    service_monitor: ServiceMonitor
    prometheus_rule: PrometheusRule
    grafana_dashboard: Dashboard
    resources: Anything
    pod_security_context: Anything
    security_context: Anything
    pod_annotations: Texts
    pod_labels: Texts
    node_selector: Texts
    tolerations: tuple[Anything, ...]
    affinity: Anything
    topology_spread_constraints: tuple[Anything, ...]
    priority_class_name: str
    extra_env: tuple[Anything, ...]
    extra_volumes: tuple[Anything, ...]
    extra_volume_mounts: tuple[Anything, ...]
    extra_objects: tuple[Anything, ...]
    global_: Annotated[Anything, Field(alias="global", default_factory=dict)]
    """What a chart around this one hands down to all of its own."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema that Helm checks values by."""
    found = Values.model_json_schema(mode="serialization")
    definitions = found["$defs"]
    # Where the daemon answers and where its state is are the chart's to say.
    del definitions["ServerSettings"]["properties"]["listen"]
    for name in ("url", "directory"):
        del definitions["Configuration"]["properties"]["state"]["default"][name]
        del definitions["StateSettings"]["properties"][name]
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["allOf"] = list(_rules())
    return found


def _rules() -> Iterator[dict[str, Any]]:
    """Yield what must not be so together.

    A schema has no messages of its own: the name of a property that is wanted, and that nothing
    has, is shown as it stands.
    """
    several = _at("replicaCount", {"minimum": 2})
    leased = _at("config.leader.lease", {"enum": ["kubernetes", "postgres"]})
    yield _refused(
        {"allOf": [several, {"not": leased}]},
        "replicaCount: of several replicas one may write: that needs config.leader.lease: kubernetes, or postgres",
    )
    # Not as a pattern of the value itself: what does not match one is repeated.
    bare = {"not": {"pattern": r"^(postgres(ql)?://([^:@/]*@)?[^@]*)?$"}}
    yield _refused(
        _at("state.url", bare),
        "state.url: postgresql://user@host:port/database, without a password: that is config.state.password",
    )
    served = [_at("config.leader.lease", {"const": "postgres"}), _at("state.url", {"const": ""})]
    yield _refused(
        {"allOf": served},
        "state.url: config.leader.lease: postgres needs it, such as postgresql://stateward@postgres.db/stateward",
    )
    yield _refused(
        {"allOf": [several, _at("state.persistence.enabled", {"const": True})]},
        "replicaCount: a database file has one pod: several need state.persistence.enabled: false",
    )
    running = [_at("cronJob.enabled", {"const": True}), _at("cronJob.mode", {"const": "run"})]
    yield _refused(
        {"allOf": [*running, _at("daemon.enabled", {"const": True})]},
        "cronJob.mode: run: a target has one writer: take mode: plan, or daemon.enabled: false",
    )
    own = _at("existingConfigMap", {"const": ""})
    yield _refused(
        {"allOf": [own, _at("config.target.url", {"const": ""})]},
        "config.target.url: the Infrahub server, such as http://infrahub-server.infrahub:8000",
    )
    yield _refused(
        {"allOf": [own, _at("config.sources", {"maxItems": 0})]},
        "config.sources: at least one, such as [{git: {url: 'https://git.example/network.git'}}]",
    )
    api = _at("config.server.api", {"const": True})
    tokens = [_at(f"config.server.{name}", {"type": "object"}) for name in ("token", "readToken")]
    yield _refused(
        {"allOf": [api, {"not": {"anyOf": tokens}}]},
        "config.server.api: others can reach it: give config.server.token, such as {file: /run/secrets/api/token}",
    )
    yield _refused(
        {"allOf": [_at("ingress.enabled", {"const": True}), _at("ingress.host", {"const": ""})]},
        "ingress.host: the name that forges call",
    )
    gateways = _at("httpRoute.parentRefs", {"maxItems": 0})
    yield _refused(
        {"allOf": [_at("httpRoute.enabled", {"const": True}), gateways]},
        "httpRoute.parentRefs: the gateways, such as [{name: public, namespace: gateways}]",
    )


def _at(path: str, what: dict[str, Any]) -> dict[str, Any]:
    """Say something of what stands at a path, which has to be there."""
    for name in reversed(path.split(".")):
        what = {"type": "object", "required": [name], "properties": {name: what}}
    return what


def _refused(condition: dict[str, Any], sentence: str) -> dict[str, Any]:
    return {"if": condition, "then": {"required": [sentence]}}
