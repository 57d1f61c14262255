"""Traces: what a span says, what lies within what, and when there are any."""

import logging
import sys
from collections.abc import Mapping

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from stateward.errors import TargetUnavailable
from stateward.instruments import Instruments, Known, Step, Together
from stateward.reporting import traces
from stateward.reporting.traces import Traces
from stateward.targets.infrahub.connection import Connection
from stateward.targets.infrahub.exchange import Call, Exchange

CANARY = "c4nary-in-the-mine"
ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def instruments(kept: InMemorySpanExporter) -> Traces:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return Traces(provider)


async def ask(instruments: Instruments, answer: httpx.Response | Exception) -> None:
    """Send a request to a server that answers so."""

    def handler(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    connection = Connection(
        address="http://infrahub.example",
        branch="main",
        token=CANARY,
        timeout=5,
        write_timeout=5,
        in_flight=1,
    )
    call = Call(method="GET", url="http://infrahub.example/x", deadline=5)
    transport = httpx.MockTransport(handler)
    async with Exchange(connection, transport, instruments) as exchange:
        await exchange.send(call, {"X-INFRAHUB-KEY": CANARY}, ())


async def test_requests_lie_within_their_round(
    instruments: Traces, kept: InMemorySpanExporter
) -> None:
    known: Known = {"source": "net", "waited": 0.5, "before": None}
    with instruments.step(Step.ROUND, known):
        await ask(instruments, httpx.Response(200, stream=httpx.ByteStream(b"{}")))
        known["writes"] = 3
    request, round_ = kept.get_finished_spans()
    assert (request.name, round_.name) == ("stateward.request", "stateward.round")
    assert request.parent is not None
    assert request.parent.span_id == round_.context.span_id
    assert dict(round_.attributes or {}) == {
        "stateward.source": "net",
        "stateward.waited": 0.5,
        "stateward.writes": 3,
    }
    assert dict(request.attributes or {}) == {
        "stateward.target": "http://infrahub.example?branch=main",
        "stateward.kind": "read",
        "stateward.status": 200,
    }
    assert CANARY not in "".join(own.to_json() for own in (request, round_))


async def test_what_fails_is_told_by_its_kind_alone(
    instruments: Traces, kept: InMemorySpanExporter
) -> None:
    with pytest.raises(TargetUnavailable):
        await ask(Together([instruments]), httpx.ReadError(f"reset by {CANARY}"))
    (span,) = kept.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ReadError")
    assert span.events == ()
    assert CANARY not in span.to_json()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ASKED, "OTEL_SDK_DISABLED": "true"},
        {**ASKED, "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=str,
)
def test_where_nobody_asks_there_are_none(environment: Mapping[str, str]) -> None:
    assert traces.asked("1", environment) is None


def test_without_the_extra_it_is_said_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in [own for own in sys.modules if own.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with caplog.at_level(logging.WARNING):
        assert traces.asked("1", ASKED) is None
    assert "install stateward[otel]" in caplog.text
