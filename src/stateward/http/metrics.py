"""Numbers for Prometheus: what was measured, and what is to be seen of units and sources.

Whoever asks gets it from a thread: five thousand units are some megabytes of text.
"""

import asyncio
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stateward.http import series
from stateward.http.view import Seen, SeenTarget, View
from stateward.instruments import Known, Step

_ROUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_WAITS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_WAITED = "For how long that unit of a round had been due that had waited longest."
_LOOKED = "How often a source was asked for its newest commit: outcome is ok or failed."
_FETCHED = "How often a source had a new commit, which was fetched."
_REQUESTED = "How long requests to the target took: kind is read or write."
_ANSWERED = "Requests to the target: outcome is 2xx, 3xx, 4xx, 5xx, or none where no answer came."
_CALLED = "Calls of forges: taken, repeated, refused, limited, large or slow."
_NO_ANSWER = "none"


class Metrics:
    """All that is counted from the start of the process on. It is one of the instruments."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        told = "The version that runs: always 1."
        Gauge("stateward_info", told, ["version"], registry=own).labels(version).set(1)
        self._rounds = _seconds(own, "round_seconds", "How long rounds took.", _ROUNDS, "source")
        self._waits = _seconds(own, "queue_wait_seconds", _WAITED, _WAITS, "source")
        self._looks = _count(own, "source_looks", _LOOKED, "source", "outcome")
        self._fetches = _count(own, "source_fetches", _FETCHED, "source")
        self._requests = _seconds(
            own, "target_request_seconds", _REQUESTED, _REQUESTS, "target", "kind"
        )
        self._answers = _count(own, "target_requests", _ANSWERED, "target", "kind", "outcome")
        self._hooks = _count(own, "hooks", _CALLED, "forge", "outcome")

    def called(self, forge: str, outcome: str) -> None:
        """Count a call of a forge."""
        self._hooks.labels(forge, outcome).inc()

    @contextmanager
    def step(self, step: Step, known: Known) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self._take(step, known, time.monotonic() - begun)

    def _take(self, step: Step, known: Known, seconds: float) -> None:
        if step is Step.LOOK:
            self._looks.labels(known["source"], known.get("outcome", "failed")).inc()
            self._fetches.labels(known["source"]).inc(known.get("fetched") is not None)
        elif step is Step.ROUND:
            self._rounds.labels(known["source"]).observe(seconds)
            self._waits.labels(known["source"]).observe(float(known["waited"] or 0))
        else:
            target, kind, status = known["target"], known["kind"], known.get("status")
            outcome = f"{int(status) // 100}xx" if status else _NO_ANSWER
            self._requests.labels(target, kind).observe(seconds)
            self._answers.labels(target, kind, outcome).inc()

    def only(self, targets: Collection[str], sources: Collection[str]) -> None:
        """Forget what is of other targets and sources: they are not tended any more."""
        for own in (self._rounds, self._waits, self._looks, self._fetches):
            _keep(own, "source", sources)
        for one in (self._requests, self._answers):
            _keep(one, "target", targets)

    def written(
        self, targets: Sequence[SeenTarget], seen: Sequence[Seen], accept: str
    ) -> tuple[bytes, str]:
        """Return all there is to be told, and its content type."""
        encode, kind = choose_encoder(accept)
        return encode(_All(self._registry, targets, seen)), kind

    def routes(self, view: View) -> list[Route]:
        turn = asyncio.Lock()

        async def metrics(request: Request) -> Response:
            accept = request.headers.get("accept", "")
            async with turn:
                found = view.targets(), view.seen()
                text, kind = await asyncio.to_thread(self.written, *found, accept)
            return Response(text, media_type=kind)

        return [Route("/metrics", metrics)]


class _All:
    """What was measured and what is seen, as one."""

    def __init__(
        self,
        registry: CollectorRegistry,
        targets: Sequence[SeenTarget],
        seen: Sequence[Seen],
    ) -> None:
        self._registry = registry
        self._targets = targets
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.collect()
        yield from series.of_targets(self._targets)
        yield from series.of_sources(self._seen)
        yield from series.of_units(self._seen)


def _count(registry: CollectorRegistry, name: str, told: str, *labels: str) -> Counter:
    return Counter(f"stateward_{name}", told, labels, registry=registry)


def _seconds(
    registry: CollectorRegistry, name: str, told: str, buckets: Sequence[float], *labels: str
) -> Histogram:
    return Histogram(f"stateward_{name}", told, labels, registry=registry, buckets=buckets)


def _keep(metric: Counter | Histogram, label: str, values: Collection[str]) -> None:
    known = {
        sample.labels[label] for family in metric.collect() for sample in family.samples
    } - set(values)
    for own in known:
        metric.remove_by_labels({label: own})
