"""Signatures of the reference's clients: what is signed is what is proved, by any choice of headers."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.seen_signatures import EQUAL_WITHIN, SeenSignatures
from ses_ops.api.tencent.signature import SignedRequest, parameter_claim, tc3_claim

ID, SECRET = "AKIDexample", "secret-of-the-example"
NOW = 1_795_905_998


def sign(
    body: bytes = b"{}",
    *,
    headers: dict[str, str] | None = None,
    names: tuple[str, ...] = ("content-type", "host"),
    lower: tuple[str, ...] = (),
    method: str = "POST",
    query: str = "",
    service: str = "ses",
    timestamp: int = NOW,
    date: str | None = None,
    secret: str = SECRET,
) -> SignedRequest:
    """A signed request, as the reference's documents say; `lower`: headers whose values are signed in lower case."""
    sent = {
        "content-type": "application/json",
        "host": "127.0.0.1:8060",
        "x-tc-action": "SendEmail",
        "x-tc-version": "2020-10-02",
        "x-tc-timestamp": str(timestamp),
        **(headers or {}),
    }
    date = date or f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}"
    lines = "".join(f"{name}:{sent[name].lower() if name in lower else sent[name]}\n" for name in names)
    payload = b"" if method == "GET" else body
    if sent.get("x-tc-content-sha256"):
        payload = sent["x-tc-content-sha256"].encode()
    canonical = f"{method}\n/\n{query}\n{lines}\n{';'.join(names)}\n{hashlib.sha256(payload).hexdigest()}"
    scope = f"{date}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    made = hmac.digest(key, text.encode(), "sha256").hex()
    sent["authorization"] = (
        f"TC3-HMAC-SHA256 Credential={ID}/{scope}, SignedHeaders={';'.join(names)}, Signature={made}"
    )
    return SignedRequest(method=method, query=query, headers=sent, body=body)


def is_proved(request: SignedRequest, secret: str = SECRET) -> bool:
    return tc3_claim(request).proved_by(secret.encode())


def code(request: SignedRequest) -> str:
    with pytest.raises(ActionError) as refused:
        tc3_claim(request)
    return refused.value.code


@given(
    body=st.binary(max_size=200),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30),
    action=st.booleans(),
    lower=st.sampled_from([(), ("x-tc-action",), ("content-type", "host", "x-tc-action", "x-tc-region")]),
)
def test_any_headers_that_a_client_signs_prove_its_secret_and_nothing_else_does(body, value, action, lower):
    names = ("content-type", "host", *(("x-tc-action",) if action else ()), "x-tc-region")
    request = sign(body, headers={"x-tc-region": value}, names=names, lower=lower)
    assert is_proved(request)
    assert not is_proved(request, SECRET + "x")
    assert not is_proved(replace(request, body=body + b"x"))
    other = replace(request, headers={**request.headers, "x-tc-region": value + "x"})
    assert not is_proved(other), "a signed header was changed"
    if action:
        captured = replace(request, headers={**request.headers, "x-tc-action": "DeleteReceiver"})
        assert not is_proved(captured), "a signed action was exchanged"


def test_an_unknown_key_is_proved_by_nothing():
    claim = tc3_claim(sign())
    assert claim.secret_id == ID
    assert not claim.proved_by(None)
    assert not tc3_claim(sign(secret="0" * 40)).proved_by(None), "the stand-in secret is a secret"


def test_the_query_of_a_get_is_signed_as_sent_or_in_order():
    assert is_proved(sign(method="GET", query="Offset=0&Limit=10"))
    in_order = sign(method="GET", query="Limit=10&Offset=0")
    assert is_proved(replace(in_order, query="Offset=0&Limit=10"))
    assert not is_proved(replace(in_order, query="Limit=11&Offset=0"))


def test_the_service_may_be_the_first_part_of_the_host():
    """As the reference's client for Node.js takes it for."""
    for host in ("127.0.0.1:8060", "localhost:8060", "mail-api.example.com"):
        assert is_proved(sign(headers={"host": host}, service=host.partition(".")[0]))
    assert code(sign(headers={"host": "mail-api.example.com"}, service="sms")) == "AuthFailure.SignatureFailure"


def test_the_host_is_signed_with_its_port_or_without():
    """As the reference's client for Node.js does, which sends the port all the same."""
    signed = sign(headers={"host": "mail.example.com"})
    assert is_proved(replace(signed, headers={**signed.headers, "host": "mail.example.com:8060"}))
    assert not is_proved(replace(signed, headers={**signed.headers, "host": "other.example.com:8060"}))
    left = {name: one for name, one in signed.headers.items() if name != "host"}
    assert code(replace(signed, headers=left)) == "AuthFailure.InvalidAuthorization"


def test_a_body_that_is_not_signed_is_said_to_be_so():
    unsigned = sign(headers={"x-tc-content-sha256": "UNSIGNED-PAYLOAD"})
    assert is_proved(unsigned)
    headers = {name: one for name, one in unsigned.headers.items() if name != "x-tc-content-sha256"}
    assert not is_proved(replace(unsigned, headers=headers))


def test_signatures_of_other_services_and_days_and_broken_ones_are_refused():
    assert code(sign(service="sms")) == "AuthFailure.SignatureFailure"
    assert code(sign(date="2026-11-01")) == "AuthFailure.SignatureFailure"
    good = sign()
    for wrong in ("", "SKIP", "Bearer x:y", "TC3-HMAC-SHA256", good.headers["authorization"].replace("host", "accept")):
        assert (
            code(replace(good, headers={**good.headers, "authorization": wrong})) == "AuthFailure.InvalidAuthorization"
        )
    assert not is_proved(replace(good, headers={**good.headers, "authorization": good.headers["authorization"] + "zz"}))
    for name in ("x-tc-action", "x-tc-version", "x-tc-timestamp"):
        left = {key: one for key, one in good.headers.items() if key != name}
        assert code(replace(good, headers=left)) == "MissingParameter"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_is_valid_for_five_minutes_before_and_after(seconds):
    claim = tc3_claim(sign())
    claim.check_time(NOW + seconds * 300 / 301)
    with pytest.raises(ActionError) as refused:
        claim.check_time(NOW + seconds)
    assert refused.value.code == "AuthFailure.SignatureExpire"


def test_a_signature_that_comes_again_later_is_refused_and_an_equal_one_of_the_same_moment_is_not():
    seen, claim, began = SeenSignatures(), tc3_claim(sign()), time.monotonic()
    seen.use(claim, now=began)
    seen.use(claim, now=began + EQUAL_WITHIN)
    seen.use(tc3_claim(sign(b'{"other":1}')), now=began + EQUAL_WITHIN + 1)
    for later in (EQUAL_WITHIN + 0.1, 299):
        with pytest.raises(ActionError) as refused:
            seen.use(claim, now=began + later)
        assert refused.value.code == "AuthFailure.SignatureExpire"


def test_the_memory_of_signatures_is_bounded():
    seen = SeenSignatures(most=3)
    for number in range(10):
        seen.use(tc3_claim(sign(b"%d" % number)), now=float(number))
    assert len(seen._seen) == 3
    seen.use(tc3_claim(sign(b"x")), now=10_000.0)
    assert len(seen._seen) == 1


def test_the_older_signatures_need_all_their_parameters():
    given = {"Action": "SendEmail", "Version": "2020-10-02", "Timestamp": str(NOW), "SecretId": ID, "Nonce": "1"}
    request = SignedRequest(method="GET", query="", headers={"host": "x"}, body=b"")
    with pytest.raises(ActionError) as refused:
        parameter_claim(request, given)
    assert refused.value.code == "MissingParameter"
    with pytest.raises(ActionError) as refused:
        parameter_claim(request, {**given, "Signature": "x", "SignatureMethod": "HmacMD5"})
    assert refused.value.code == "AuthFailure.InvalidAuthorization"
    assert not parameter_claim(request, {**given, "Signature": "not base64!"}).proved_by(SECRET.encode())


@pytest.mark.parametrize("timestamp", ["999999999999", "253402300800", "99999999999", "-1", "1e9", "١٢٣"])
def test_a_time_that_no_date_can_be_made_of_is_refused_and_is_no_error_of_ours(timestamp):
    request = sign(date="2026-11-30")
    assert code(replace(request, headers={**request.headers, "x-tc-timestamp": timestamp})).startswith("AuthFailure.")
