"""The api-server's health check of docker-compose.yaml, run against what Airflow answers."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

WELL = {"status": "healthy"}
#: Airflow 3.3 answers so, with status 200, while its database cannot be reached.
NO_DATABASE = {"metadatabase": {"status": "unhealthy"}, "scheduler": {"status": "unhealthy"}}


@pytest.fixture
def answering() -> Iterator[Callable[[dict[str, object]], int]]:
    """Serve a JSON document at Airflow's path; the port."""
    servers = []

    def serve(answer: dict[str, object]) -> int:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/api/v2/monitor/health" else 404)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return int(server.server_address[1])

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join(10)
        server.server_close()


def passes(raw_compose, port: int) -> bool:
    kind, program, *arguments = raw_compose["services"]["api-server"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    there = [one.replace("localhost:8080", f"127.0.0.1:{port}") for one in arguments]
    assert there != arguments
    done = subprocess.run([sys.executable, *there], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def test_the_web_server_is_healthy_while_it_reaches_its_database_whatever_the_scheduler_does(raw_compose, answering):
    assert passes(raw_compose, answering({"metadatabase": WELL, "scheduler": {"status": "unhealthy"}}))


@pytest.mark.parametrize("answer", [NO_DATABASE, {}])
def test_the_web_server_is_not_healthy_without_its_database_though_airflow_answers_200(raw_compose, answering, answer):
    assert not passes(raw_compose, answering(answer))
