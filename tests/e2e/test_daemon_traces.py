"""Traces of a daemon, as a collector gets them."""

import signal
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from repositories import Repository
from servers import Server
from tending import Process


class Collector(Server):
    """Takes what is sent to it."""

    def __init__(self) -> None:
        super().__init__(200)
        self.got: list[tuple[str, bytes]] = []

    class handler(BaseHTTPRequestHandler):  # noqa: N801
        server_: ClassVar[Any]

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server_.got.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()


def test_are_sent_where_the_environment_says_and_all_of_them(repo: Repository) -> None:
    with Collector() as collector:
        with Process(repo.path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as daemon:
            daemon.until("round", trigger="start")
            daemon.signal(signal.SIGTERM)
            assert daemon.end(within=10) == 0
        assert {path for path, _ in collector.got} == {"/v1/traces"}
        told = [ExportTraceServiceRequest.FromString(body) for _, body in collector.got]
    sent = [own for one in told for own in one.resource_spans]
    names = {span.name for own in sent for scope in own.scope_spans for span in scope.spans}
    assert names == {"stateward.look", "stateward.round"}
    resource = {own.key: own.value.string_value for own in sent[0].resource.attributes}
    assert resource["service.name"] == "stateward"


def test_nobody_who_takes_them_holds_nothing_up(repo: Repository) -> None:
    with Process(repo.path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as daemon:
        daemon.until("round", trigger="start")
        daemon.signal(signal.SIGTERM)
        assert daemon.end(within=10) == 0
