"""Traces for OpenTelemetry: a span a step, those of requests within those of their rounds.

Whether there are any, and where they go, is said by the variables that all of OpenTelemetry goes by. The
library is an extra; without it, or where nobody asks, nothing is done. The only home of opentelemetry.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stateward.instruments import Known, Step

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_log = logging.getLogger(__name__)

_WHERE = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_SERVICE = "stateward"
_PARTING = 2.0
"""Seconds that what is not sent yet has when it ends."""


class Traces:
    """Whoever traces. It is one of the instruments."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace import StatusCode

        self._provider = provider
        self._tracer = provider.get_tracer(_SERVICE)
        self._failed = StatusCode.ERROR

    @contextmanager
    def step(self, step: Step, known: Known) -> Iterator[None]:
        # What an error says may hold anything: its type is enough.
        with self._tracer.start_as_current_span(
            f"{_SERVICE}.{step}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(self._failed, type(error).__name__)
                raise
            finally:
                told = {name: value for name, value in known.items() if value is not None}
                span.set_attributes({f"{_SERVICE}.{name}": value for name, value in told.items()})

    def close(self) -> None:
        """Send what is left, and do not wait for long."""
        parting = threading.Thread(target=self._provider.shutdown, daemon=True)
        parting.start()
        parting.join(_PARTING)


def asked(version: str, environment: Mapping[str, str]) -> Traces | None:
    """Return who traces, where the environment asks for it and the extra is there."""
    where = next((own for own in _WHERE if environment.get(own)), None)
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if where is None or off or environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("%s asks for traces: install stateward[otel]", where)
        return None
    name = environment.get("OTEL_SERVICE_NAME", _SERVICE)
    resource = Resource.create({"service.name": name, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)
