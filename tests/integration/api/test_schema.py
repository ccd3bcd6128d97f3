"""Whatever the OpenAPI document lets a client send: no answer is 5xx, each is as documented (schemathesis)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ses_ops.api.app import make_routes
from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, bearer, new_key
from tests.integration.api.sending_api import message, sending_api
from tests.recording_smtp import RecordingServer
from tests.sizes import FULL, examples

CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance)


@pytest.fixture(scope="module")
def relay() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory, relay) -> Iterator[ApiProcess]:
    process = sending_api(api_dsn, tmp_path_factory.mktemp("api") / "home", relay.uri)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def authorization(api) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        made = new_key(api.dsn, "schemathesis", per_second=100_000)
    with api.client(made) as client:
        client.put("/v1/templates/receipt", json={"subject": "{{ number }}", "text": "{{ number }}"})
        assert client.post("/v1/messages", json=message()).status_code == 202
    return bearer(made)


class NoServices:
    held = None


schema = schemathesis.openapi.from_dict(make_routes(NoServices()).openapi())
# Hundreds of requests for each route, which hardly differ from those of other routes.
schema.config.phases.coverage.enabled = FULL


@schema.parametrize()
@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_anything(case, api, authorization):
    answer = case.call(base_url=api.url, headers={"Authorization": authorization})
    case.validate_response(answer, checks=CHECKS)
