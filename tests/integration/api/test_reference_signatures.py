"""The reference's own client, unchanged, against a copy of the API: how it signs, and how it is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from ses_ops.application.api_keys import revoke_key
from ses_ops.storage.connection import connected
from tests.actors import ANYBODY
from tests.integration.api.reference_client import SIGN_METHODS, ReferenceClient, reference_key

LIST = {"Offset": 0, "Limit": 10}


@pytest.fixture(scope="module")
def made(api_dsn):
    return reference_key(api_dsn, "reference")


@pytest.mark.parametrize("sign", SIGN_METHODS)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_client_signs_in_each_of_its_ways(api, made, method, sign):
    client = ReferenceClient(api.url, made, method=method, sign=sign)
    name = f"收件人 & Co = {method} {sign}"
    receiver = client.call("CreateReceiver", ReceiversName=name, Desc="a+b c")
    found = client.call("ListReceivers", **LIST, KeyWord=name).Data[0]
    assert (found.ReceiverId, found.ReceiversName, found.Desc) == (receiver.ReceiverId, name, "a+b c")
    emails = [f"{number}@example.com" for number in range(12)]
    added = client.call("CreateReceiverDetail", ReceiverId=receiver.ReceiverId, Emails=emails)
    assert (added.TotalCount, added.ValidCount) == (12, 12)


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "localhost:{}"])
def test_the_address_may_be_written_otherwise(api, made, form):
    """With a scheme in it the client sends a Host that is none, and signs that."""
    client = ReferenceClient(api.url, made)
    client.sdk.profile.httpProfile.endpoint = form.format(api.port)
    assert client.call("ListEmailTemplates", **LIST).RequestId


def test_the_client_may_leave_the_body_out_of_its_signature(api, made):
    client = ReferenceClient(api.url, made, unsigned=True)
    assert client.call("ListEmailTemplates", **LIST).RequestId


def is_heard(client: ReferenceClient) -> bool:
    try:
        client.call("ListEmailTemplates", **LIST)
    except TencentCloudSDKException:
        return False
    return True


def test_a_wrong_secret_an_unknown_id_and_a_revoked_key_are_refused(api, api_dsn, made):
    last = "y" if made.secret.endswith("x") else "x"
    wrong = ReferenceClient(api.url, id=made.key.id, secret=made.secret[:-1] + last)
    assert wrong.refused("ListEmailTemplates", **LIST) == "AuthFailure.SignatureFailure"
    unknown = ReferenceClient(api.url, id="AKID" + "x" * 32, secret=made.secret)
    assert unknown.refused("ListEmailTemplates", **LIST) == "AuthFailure.SecretIdNotFound"
    gone = reference_key(api_dsn, "gone")
    client = ReferenceClient(api.url, gone)
    client.call("ListEmailTemplates", **LIST)
    with connected(api_dsn) as conn:
        revoke_key(conn, ANYBODY, gone.key.id)
    end = time.monotonic() + 60
    while is_heard(client) and time.monotonic() < end:  # a copy keeps a key for a second
        time.sleep(0.2)
    assert client.refused("ListEmailTemplates", **LIST) == "AuthFailure.SecretIdNotFound"


def test_a_signature_of_yesterday_and_a_temporary_token_are_refused(api, made, monkeypatch):
    client = ReferenceClient(api.url, made)
    client.sdk.credential.token = "of-somebody"
    assert client.refused("ListEmailAddress") == "AuthFailure.TokenFailure"
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began - 301)
    for sign in SIGN_METHODS:
        assert ReferenceClient(api.url, made, sign=sign).refused("ListEmailAddress") == "AuthFailure.SignatureExpire"


def test_a_key_does_what_its_scopes_say(api, api_dsn):
    reads = ReferenceClient(api.url, reference_key(api_dsn, "reads", scopes=["read"]))
    assert reads.call("ListEmailTemplates", **LIST).TotalCount == 0
    assert reads.refused("CreateReceiver", ReceiversName="x") == "AuthFailure.UnauthorizedOperation"
    sends = ReferenceClient(api.url, reference_key(api_dsn, "sends", scopes=["send"], domains=["mail.example.com"]))
    assert sends.refused("ListEmailTemplates", **LIST) == "AuthFailure.UnauthorizedOperation"
    mail = {"Subject": "x", "Destination": ["a@example.com"], "Simple": {"Text": "eA=="}}
    assert sends.refused("SendEmail", FromEmailAddress="a@example.org", **mail) == "AuthFailure.UnauthorizedOperation"


def test_other_actions_and_versions_are_refused_with_their_codes(api, made):
    client = ReferenceClient(api.url, made)
    with pytest.raises(TencentCloudSDKException) as refused:
        client.json("SendSms", {})
    assert (refused.value.code, bool(refused.value.requestId)) == ("InvalidAction", True)
    client.sdk._apiVersion = "2019-01-01"
    assert client.refused("ListEmailAddress") == "NoSuchVersion"


def test_a_hand_written_client_that_signs_the_action_in_lower_case_is_heard(api, made):
    """As many do: content type with a charset, the action signed, values in lower case."""
    host, timestamp = api.url.removeprefix("http://"), int(time.time())
    date, body = f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}", json.dumps(LIST)
    kind, names = "application/json; charset=utf-8", "content-type;host;x-tc-action"
    lines = f"content-type:{kind}\nhost:{host}\nx-tc-action:listreceivers\n"
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body.encode()).hexdigest()}"
    scope = f"{date}/ses/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{made.secret}".encode()
    for part in (date, "ses", "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    signed = f"Credential={made.key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    headers = {
        "Authorization": f"TC3-HMAC-SHA256 {signed}",
        "Content-Type": kind,
        "Host": host,
        "X-TC-Action": "ListReceivers",
        "X-TC-Version": "2020-10-02",
        "X-TC-Timestamp": str(timestamp),
    }
    with api.client() as client:
        answer = client.post("/", content=body, headers=headers)
        assert "Data" in answer.json()["Response"]
        captured = client.post("/", content=body, headers={**headers, "X-TC-Action": "ListSendTasks"})
        assert captured.json()["Response"]["Error"]["Code"] == "AuthFailure.SignatureFailure"


def test_every_answer_has_status_200_and_exactly_the_content_type_that_clients_look_for(api):
    with api.client() as client:
        for request in (
            client.build_request("GET", "/"),
            client.build_request("POST", "/", content=b"{"),
            client.build_request("PUT", "/", content=b"x"),
            client.build_request("GET", "/?Action=SendEmail&x"),
            client.build_request("GET", "/?" + "a" * 40_000),
        ):
            answer = client.send(request)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
            inner = answer.json()["Response"]
            assert inner["RequestId"]
            assert inner["Error"]["Code"]
            assert inner["Error"]["Message"]


def test_a_body_of_more_than_eight_megabytes_is_refused_also_in_pieces_without_end(api):
    def pieces():
        for _ in range(200):
            yield b"x" * 100_000

    with api.client() as client:
        for content in (b"x" * (8 * 2**20 + 1), pieces()):
            answer = client.post("/", content=content)
            assert answer.json()["Response"]["Error"]["Code"] == "RequestSizeLimitExceeded"
        packed = client.post("/", content=b"{}", headers={"Content-Encoding": "gzip"})
        assert packed.json()["Response"]["Error"]["Code"] == "InvalidRequest"


def test_twenty_requests_a_second_of_a_key_and_an_action(api, api_dsn):
    client = ReferenceClient(api.url, reference_key(api_dsn, "hurried"))

    def code_of(number: int) -> str:
        try:
            client.call("ListReceivers", Offset=number, Limit=1)
        except TencentCloudSDKException as problem:
            return str(problem.code)
        return ""

    assert [code_of(number) for number in range(20)] == [""] * 20
    # Many at once: one client alone may be slower than the limit on a busy machine.
    with ThreadPoolExecutor(16) as threads:
        assert any("RequestLimitExceeded" in list(threads.map(code_of, range(300))) for _ in range(3))
    assert client.call("ListEmailTemplates", **LIST).TotalCount == 0, "another action has a limit of its own"


def test_the_log_has_the_key_and_the_action_and_no_secret(api, made):
    ReferenceClient(api.url, made, sign="HmacSHA1", method="GET").call("ListEmailAddress")
    line, end = f"{made.key.id} GET / ListEmailAddress 200", time.monotonic() + 60
    while line not in api.log and time.monotonic() < end:  # it is written when the answer was sent
        time.sleep(0.02)
    assert line in api.log
    assert made.secret not in api.log
    assert "Signature" not in api.log


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(api, made):
    host, _, port = api.url.removeprefix("http://").partition(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as half:
            half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    assert ReferenceClient(api.url, made).call("ListEmailAddress").RequestId
    assert httpx.get(f"{api.url}/health", trust_env=False, timeout=30).status_code in (200, 503)
