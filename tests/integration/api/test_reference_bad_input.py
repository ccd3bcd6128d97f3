"""What no client of the reference sends, and outages: answered in its form, and nothing of it is half done."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.retry import StandardRetryer

from ses_ops.api.tencent.actions import ACTIONS
from ses_ops.api.tencent.fields import declarations
from ses_ops.storage.migrate import upgrade
from tests.integration.api.api_process import rows
from tests.integration.api.reference_client import ReferenceClient, reference_key
from tests.integration.api.reference_world import SENDER, reference_api
from tests.postgres_server import PostgresServer
from tests.recording_smtp import RecordingServer
from tests.sizes import FULL

MAIL = {"FromEmailAddress": SENDER, "Subject": "x", "Simple": {"Text": "eA=="}}


@pytest.fixture(scope="module")
def made(api_dsn):
    return reference_key(api_dsn, "bad input")


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory):
    with RecordingServer() as smtp:
        more = {"SES_REFERENCE_PER_SECOND": "100000", "AIRFLOW_CONN_SES_SMTP": smtp.uri}
        with reference_api(api_dsn, tmp_path_factory.mktemp("reference"), **more) as process:
            yield process


@pytest.fixture(scope="module")
def post(api, made):
    """Posts any octets as the body of an action, rightly signed; returns `Response`."""
    host = api.url.removeprefix("http://")
    with api.client() as client:

        def send(body: bytes, action: str = "SendEmail", kind: str = "application/json") -> dict:
            timestamp = int(time.time())
            date, names = f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}", "content-type;host;x-tc-action"
            lines = f"content-type:{kind}\nhost:{host}\nx-tc-action:{action}\n"
            canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
            scope = f"{date}/ses/tc3_request"
            text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
            key = f"TC3{made.secret}".encode()
            for part in (date, "ses", "tc3_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            signed = f"Credential={made.key.id}/{scope}, SignedHeaders={names}"
            signature = hmac.digest(key, text.encode(), "sha256").hex()
            headers = {
                "Authorization": f"TC3-HMAC-SHA256 {signed}, Signature={signature}",
                "Content-Type": kind,
                "X-TC-Action": action,
                "X-TC-Version": "2020-10-02",
                "X-TC-Timestamp": str(timestamp),
            }
            answer = client.post("/", content=body, headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
            inner = answer.json()["Response"]
            assert inner["RequestId"]
            return inner

        yield send


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b'{"Subject": "a", "Subject": "b"}',
        b'{"Subject": NaN}',
        b'{"TriggerType": 1e999}',
        b'{"Subject": "\\ud800"}',
        b'{"a": ' * 1000 + b"1" + b"}" * 1000,
        b"[" * 100_000,
        b'{"TriggerType": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_plain_json_is_an_invalid_parameter(post, body):
    assert post(body)["Error"]["Code"] == "InvalidParameter"


def test_another_content_type_is_refused(post):
    assert post(b"{}", kind="multipart/form-data; boundary=x")["Error"]["Code"] == "InvalidRequest"
    assert post(b"{}", kind="application/octet-stream")["Error"]["Code"] == "InvalidRequest"


TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        *(
            "",
            " ",
            "0",
            "1",
            "a@example.com",
            "A <a@mail.example.com>",
            "2026-11-30",
            "2026-11-30 10:00:00",
            "2099-12-31",
        ),
        *("{}", '{"a":"b"}', '{"a":["b"]}', "eA==", "e3sgYSB9fQ==", "mail.example.com", "example.com", "<a@b.cc>"),
    ]
)
NUMBERS = st.integers(-2, 3) | st.sampled_from([100, 101, 20_001, 2**31, 2**63 - 1, -(2**63)])


def requests(owner: str) -> st.SearchStrategy[dict]:
    """Requests of an action, with values of the right types."""
    required, optional = {}, {}
    for one in declarations()[owner]:
        kinds = {"text": TEXTS, "int": NUMBERS, "bool": st.booleans()}
        value = kinds[one.kind] if one.kind in kinds else requests(one.kind)
        (required if one.required else optional)[one.name] = st.lists(value, max_size=3) if one.many else value
    return st.fixed_dictionaries(required, optional=optional)


@given(st.sampled_from(sorted(ACTIONS)).flatmap(lambda action: st.tuples(st.just(action), requests(action))))
@settings(max_examples=1000 if FULL else 100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_makes_an_internal_error(post, request_of_action):
    action, fields = request_of_action
    answer = post(json.dumps(fields).encode(), action)
    assert answer.get("Error", {}).get("Code") != "InternalError", answer


@pytest.mark.parametrize("text", ["' OR 1=1 --", "%", "_", "\\", "{{ 7*7 }}", "<script>", "\r\nX: y", "a" * 10_000])
def test_texts_are_data_and_nothing_else(api, made, text):
    client = ReferenceClient(api.url, made)
    for action, fields in (
        ("ListReceivers", {"KeyWord": text, "Offset": 0, "Limit": 10}),
        ("ListCustomBlacklist", {"Email": text, "Status": 2, "Offset": 0, "Limit": 10}),
        ("GetAbuseReport", {"StartTime": "2026-01-01", "EndTime": "2026-01-02", "FromAddress": text, "Mta": text}),
        (
            "GetSendEmailStatus",
            {"RequestDate": f"{datetime.now(UTC):%Y-%m-%d}", "MessageId": text, "Offset": 0, "Limit": 1},
        ),
        ("GetStatisticsReport", {"StartDate": "2026-01-01", "EndDate": "2026-01-01", "ReceivingMailboxType": text}),
    ):
        answer = client.json(action, fields)
        assert not answer.get("Data") or answer["Data"] == []


def test_without_its_database_every_action_fails_in_the_form_of_the_reference_and_none_is_repeated(tmp_path):
    server = PostgresServer.create()
    server.start()
    try:
        server.execute("CREATE DATABASE ses")
        dsn = server.dsn("ses")
        upgrade(dsn)
        made = reference_key(dsn, "outage")
        with RecordingServer() as smtp, reference_api(dsn, tmp_path, AIRFLOW_CONN_SES_SMTP=smtp.uri) as process:
            client = ReferenceClient(process.url, made)
            client.sdk.profile.retryer = StandardRetryer(max_attempts=3)
            named = {**MAIL, "Destination": ["outage@example.com"], "SmtpMessageId": "<outage@mail.example.com>"}
            first = client.json("SendEmail", named)["MessageId"]
            server.stop("immediate")
            for action, fields in (
                ("SendEmail", named),
                ("ListEmailAddress", {}),
                ("CreateReceiver", {"ReceiversName": "x"}),
            ):
                with pytest.raises(TencentCloudSDKException) as failed:
                    client.json(action, fields)
                assert (failed.value.code, bool(failed.value.requestId)) == ("InternalError", True)
            server.start()
            end = time.monotonic() + 60
            while (code := code_of(client, named)) != "":
                assert code == "InternalError"
                assert time.monotonic() < end, process.log
                time.sleep(0.2)
            assert client.json("SendEmail", named)["MessageId"] == first, "the same request is the same mail"
            assert rows(dsn, "SELECT count(*) FROM single_message") == [(1,)]
            assert smtp.accepted["outage@example.com"] <= 1
    finally:
        server.stop("immediate")
        server.remove()


def code_of(client: ReferenceClient, fields: dict) -> str:
    """The code of a refusal of SendEmail; empty: it is not refused."""
    try:
        client.json("SendEmail", fields)
    except TencentCloudSDKException as problem:
        return str(problem.code)
    return ""
