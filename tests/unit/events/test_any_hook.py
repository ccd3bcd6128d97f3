"""What holds for the hooks of all providers, whatever comes."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.message_event import MAX_DIAGNOSTIC, MAX_RAW, EventKind
from ses_ops.events.hook import MOST_DEPTH, Hook, HookRefused
from ses_ops.events.hook_values import moment, verdict
from ses_ops.events.mailgun import Mailgun
from ses_ops.events.postmark import Postmark
from ses_ops.events.provider_hooks import HOOKS, hooks_set_up
from ses_ops.events.sendgrid import SendGrid
from ses_ops.events.tencent_ses import TencentSes
from tests.unit.events import test_amazon_ses, test_sendgrid
from tests.unit.events.hook_world import TOKEN, heard, nothing_heard, refusal, request

SETTINGS = {
    "SES_HOOK_AMAZON_SES_TOPICS": test_amazon_ses.TOPIC,
    "SES_HOOK_TENCENT_SES_SECRET": "a" * 24,
    "SES_HOOK_SENDGRID_KEY": test_sendgrid.shown(test_sendgrid.KEY),
    "SES_HOOK_MAILGUN_KEY": "key",
    "SES_HOOK_POSTMARK_LOGIN": "ses:" + "a" * 24,
    "SES_HOOK_CUSTOM_SECRET": "whsec_" + base64.b64encode(bytes(24)).decode(),
}
ALL = list(hooks_set_up(SETTINGS).values())
#: Words that the parsers look for, so that random JSON comes near to events.
_NAMES = """event eventType notificationType mail bounce complaint delivery deliveryDelay timestamp bounceType
bounceSubType bouncedRecipients
complainedRecipients emailAddress feedbackId diagnosticCode status tags headers name value
ses_ops destination Type Message MessageId RecordType Details Email Metadata ID BouncedAt event-data signature
severity reason recipient delivery-status code message user-variables token kind time address reply email
bulkId x-tencentcloudses-cb-sesops sg_event_id smtp-id type events recipients"""
NAMES = st.sampled_from(_NAMES.split())
_KINDS = "Bounce bounce failed permanent Permanent General NoEmail HardBounce hard_bounce bounced Complaint spamreport"
WORDS = st.sampled_from(
    [*_KINDS.split(), "Notification", TOKEN, "2026-11-29T12:00:00Z", "550 5.1.1 user unknown", "\ud800", "\0"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
JSON = st.recursive(
    VALUES, lambda one: st.lists(one, max_size=3) | st.dictionaries(NAMES, one, max_size=6), max_leaves=30
)


def names(hook: Hook) -> str:
    return hook.source


@pytest.mark.parametrize("hook", ALL, ids=names)
@given(content=JSON)
def test_no_json_is_an_exception_or_a_word_about_an_unnamed_message(hook: Hook, content: object) -> None:
    if hook.source == "amazon_ses":
        content = {"Type": "Notification", "MessageId": "m", "Message": json.dumps(content)}
    body = json.dumps(content).encode("utf-8", "surrogatepass")
    found = nothing_heard(hook)
    with suppress(HookRefused):
        hook.parse(request(body), found)
    for one in found.events:
        assert one.message is None or TOKEN.encode() in body
        assert one.source_id
        assert one.occurred_at.tzinfo is not None
        assert len(one.diagnostic) <= MAX_DIAGNOSTIC
        assert len(one.raw) <= MAX_RAW
        assert not one.hard or one.kind is EventKind.BOUNCED
        for text in (one.source_id, one.raw, one.diagnostic, one.address, one.message_id, one.provider_kind):
            assert "\0" not in text
            text.encode()  # no half of a surrogate pair
    for aside in found.set_aside:
        assert str(aside.why) != aside.why.code


@pytest.mark.parametrize("hook", ALL, ids=names)
@given(
    body=st.binary(max_size=200),
    headers=st.dictionaries(st.sampled_from(["authorization", "content-type", "webhook-id"]), st.text()),
)
def test_no_request_is_an_exception_and_none_is_taken_for_the_providers(hook: Hook, body: bytes, headers: dict) -> None:
    assert refusal(hook, request(body, headers)).startswith("hook_")


@pytest.mark.parametrize("hook", ALL, ids=names)
@pytest.mark.parametrize(
    "deep", [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 80 + b"]" * 80, b'{"a":' * 80 + b"1" + b"}" * 80]
)
def test_deep_nesting_is_refused(hook: Hook, deep: bytes) -> None:
    with pytest.raises(HookRefused) as refused:
        hook.parse(request(deep), nothing_heard(hook))
    assert refused.value.code in ("hook_json_too_deep", "hook_not_json")
    assert refused.value.status == 400


def test_deep_nesting_inside_amazons_message_is_set_aside() -> None:
    hook = hooks_set_up(SETTINGS)["amazon_ses"]
    deep = "[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1)
    found = heard(hook, request({"Type": "Notification", "MessageId": "m", "Message": deep}))
    assert [one.why.code for one in found.set_aside] == ["hook_event_not_understood"]


@pytest.mark.parametrize("body", [b"NaN", b"[1e999]", b"\xff", b"", b"1" * 5_000, b'{"a":Infinity}', b"{} {}"])
def test_json_that_is_none_is_refused_or_no_event(body: bytes) -> None:
    for hook in (TencentSes(("a",)), Postmark(("a",)), Mailgun(("a",)), SendGrid(())):
        found = nothing_heard(hook)
        with suppress(HookRefused):
            hook.parse(request(body), found)
        assert not found.events


def test_a_token_of_another_installation_or_purpose_names_no_message() -> None:
    from ses_ops.events.tokens import Purpose, TokenMaker

    hook = hooks_set_up(SETTINGS)["tencent_ses"]
    for token in (
        TokenMaker(bytes(32), Purpose.EVENT).make(7, 3, 99),
        TokenMaker(bytes(range(32)), Purpose.BOUNCE).make(7, 3, 99),
        TOKEN[:-1] + ("0" if TOKEN[-1] != "0" else "1"),
        TOKEN * 2,
        f"'; DROP TABLE {TOKEN}",
    ):
        content = {"event": "spamreport", "timestamp": 1_764_000_000, "X-Tencentcloudses-Cb-Sesops": token}
        (event,) = heard(hook, request(content)).events
        assert event.message is None


def test_a_provider_without_a_setting_has_no_hook() -> None:
    assert hooks_set_up({}) == {}
    assert list(hooks_set_up({"SES_HOOK_MAILGUN_KEY": " key ", "SES_HOOK_CUSTOM_SECRET": " "})) == ["mailgun"]
    assert len(ALL) == len(HOOKS) == len({hook.source for hook in HOOKS}) == len({hook.setting for hook in HOOKS})


def test_no_description_has_a_secret() -> None:
    for hook in ALL:
        if hook.source != "amazon_ses":
            assert SETTINGS[hook.setting] not in hook.describe() + repr(hook)


@given(st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans(), st.lists(st.integers())))
def test_any_value_is_a_time_of_this_century_or_none(value: object) -> None:
    read = moment(value)
    assert read is None or 2000 <= read.year < 2100


@given(st.text(), st.booleans(), st.text(max_size=8), st.booleans())
def test_a_verdict_is_hard_only_if_it_is_final_and_about_the_address(words, permanent, status, missing) -> None:
    found = verdict(words, permanent=permanent, status=status, missing=missing)
    assert not found.hard or permanent
    assert not found.hard or (found.failure is not None and found.failure.hard)
