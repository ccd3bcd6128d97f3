"""Postmark: one event a request, with a login."""

from __future__ import annotations

import base64

import pytest

from ses_ops.errors import InvalidInput
from ses_ops.events.postmark import Postmark
from tests.unit.events.hook_world import TOKEN, heard, refusal, request, said

LOGIN = "ses:a-password-of-26-characters"
HOOK = Postmark.from_setting(LOGIN)
WORDS = "smtp;550 5.1.1 The email account that you tried to reach does not exist"


def basic(login: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}


def event(told: str, **fields: object) -> dict[str, object]:
    return {
        "RecordType": told,
        "ID": 4323372036854775807,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Email": "ana@example.org",
        "BouncedAt": "2026-11-05T16:33:54.9070259Z",
        "Metadata": {"ses-ops": TOKEN},
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        **fields,
    }


def told(*args: str, **fields: object):
    return said(heard(HOOK, request(event(*args, **fields))))


def test_the_login_is_compared() -> None:
    assert refusal(HOOK, request({}, basic(LOGIN))) == ""
    bearer = {"authorization": basic(LOGIN)["authorization"].replace("Basic", "Bearer")}
    for wrong in (basic(LOGIN + "x"), basic(""), {}, {"authorization": "Basic ?"}, bearer):
        assert refusal(HOOK, request({}, wrong)) == "hook_login_wrong"


@pytest.mark.parametrize(
    ("form", "words", "expected"),
    [
        ("HardBounce", WORDS, ("bounced", True, "no-such-address")),
        ("HardBounce", None, ("bounced", True, "no-such-address")),
        ("HardBounce", "smtp;550 5.7.1 blocked using Spamhaus", ("bounced", False, "blocked")),
        ("BadEmailAddress", None, ("bounced", True, "no-such-address")),
        ("SoftBounce", WORDS, ("bounced", False, "recipient-refused")),
        ("Transient", "smtp;452 4.2.2 over quota", ("bounced", False, "mailbox-full")),
        ("Blocked", WORDS, ("bounced", False, "recipient-refused")),
        ("SpamNotification", None, ("bounced", False, "")),
        ("DMARCPolicy", None, ("bounced", False, "")),
        ("NewType", None, ("bounced", False, "")),
        ("ManuallyDeactivated", None, ("dropped", False, "")),
        ("SpamComplaint", None, ("complained", False, "")),
        ("Unsubscribe", None, ("unsubscribed", False, "")),
    ],
)
def test_only_no_such_address_is_hard(form: str, words: str | None, expected: tuple) -> None:
    assert told("Bounce", Type=form, Details=words) == [expected]


@pytest.mark.parametrize("form", ["AutoResponder", "ChallengeVerification"])
def test_an_automatic_reply_is_no_bounce(form: str) -> None:
    found = heard(HOOK, request(event("Bounce", Type=form)))
    assert not found.events
    assert [one.why.code for one in found.set_aside] == ["hook_automatic_reply"]


def test_the_other_kinds_are_heard() -> None:
    assert told("Delivery", DeliveredAt="2026-11-05T11:33:54-05:00", Recipient="ana@example.org") == [
        ("delivered", False, "")
    ]
    assert told("SpamComplaint", Type="SpamComplaint") == [("complained", False, "")]
    assert told("Open") == told("Click") == []


def change(**fields: object):
    given = {"SuppressSending": True, "ChangedAt": "2026-11-05T16:33:54Z", "Recipient": "ana@example.org", **fields}
    return heard(HOOK, request(event("SubscriptionChange", **given)))


def test_a_person_who_leaves_at_postmark_is_unsubscribed_and_nobody_comes_back_by_postmark() -> None:
    assert said(change(SuppressionReason="ManualSuppression", Origin="Recipient")) == [("unsubscribed", False, "")]
    for fields in (
        {"SuppressionReason": "ManualSuppression", "Origin": "Admin"},
        {"SuppressSending": False, "SuppressionReason": None, "Origin": "Recipient"},
    ):
        assert not change(**fields).events
        assert [one.why.code for one in change(**fields).set_aside] == ["hook_kind_unknown"]
    assert (change(SuppressionReason="HardBounce").events, change(SuppressionReason="HardBounce").set_aside) == ([], [])


def test_an_event_has_token_time_and_an_id_of_its_own() -> None:
    (one,) = heard(HOOK, request(event("Bounce", Type="HardBounce"))).events
    (other,) = heard(HOOK, request(event("SpamComplaint", Type="SpamComplaint"))).events
    assert one.message is not None
    assert one.message.occurrence_id == 7
    assert one.occurred_at.isoformat() == "2026-11-05T16:33:54.907025+00:00"
    assert one.source_id != other.source_id


def test_the_setting_is_a_login() -> None:
    for wrong in ("nobody", ":a-password-of-26-characters", "ses:short"):
        with pytest.raises(InvalidInput, match="user:password"):
            Postmark.from_setting(wrong)
