"""What servers' refusals say of a list, of a mail, or of our own side; and the names that counts have for providers."""

from __future__ import annotations

import pytest

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.mailbox_provider import counted_provider, mailbox_provider, provider_by_mx
from ses_ops.domain.message_event import EventKind, MessageEvent
from ses_ops.domain.message_feedback import BounceAbout, about
from ses_ops.domain.refusal_class import RefusalClass, class_of_reply, refusal_class

INVALID, SPAM = RefusalClass.INVALID, RefusalClass.SPAM
OTHER, INFRASTRUCTURE = RefusalClass.OTHER, RefusalClass.INFRASTRUCTURE


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        # Gmail, Outlook, Yahoo: no such mailbox.
        (550, "5.1.1 The email account that you tried to reach does not exist. gsmtp", INVALID),
        (550, "5.5.0 Requested action not taken: mailbox unavailable (user unknown)", INVALID),
        (554, "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", INVALID),
        (551, "5.1.6 user has moved", INVALID),
        # Filters, policies and block lists.
        (550, "5.7.1 Our system has detected that this message is likely unsolicited mail. gsmtp", SPAM),
        (554, "5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", SPAM),
        (550, "5.7.350 Remote server returned message detected as spam", SPAM),
        (554, "5.7.1 [HVU:B1] see postmaster page: message refused by policy", SPAM),
        # Our own side: what the mail is signed with, where it comes from, how it logs in.
        (
            550,
            "5.7.26 This mail has been blocked because the sender is unauthenticated. SPF [x] did not pass",
            INFRASTRUCTURE,
        ),
        (
            550,
            "5.7.1 Unauthenticated email from example.com is not accepted due to domain's DMARC policy",
            INFRASTRUCTURE,
        ),
        (550, "5.7.20 no passing DKIM signature found", INFRASTRUCTURE),
        (550, "5.7.25 The IP address sending this message does not have a PTR record setup", INFRASTRUCTURE),
        (550, "5.7.1 reverse DNS lookup failed", INFRASTRUCTURE),
        (554, "5.7.1 <x@y>: Relay access denied", INFRASTRUCTURE),
        (530, "5.7.0 Authentication required", INFRASTRUCTURE),
        (552, "5.3.4 Message size exceeds fixed limit", INFRASTRUCTURE),
        (550, "5.4.5 Daily user sending limit exceeded", INFRASTRUCTURE),
        # Something else about the recipient.
        (552, "5.2.2 The email account that you tried to reach is over quota", OTHER),
        (550, "5.2.1 The email account that you tried to reach is disabled", OTHER),
        # A 4xx that expired is neither invalid nor spam, whatever it says.
        (450, "4.2.0 Greylisted, try again later (given up: first put off more than 2 days ago)", OTHER),
        (451, "4.7.1 message looks like spam, try later (given up: first put off more than 2 days ago)", OTHER),
        (421, "4.7.0 rate limited, too many messages (given up: first put off more than 2 days ago)", INFRASTRUCTURE),
        (None, "no route to the server (given up: first put off more than 2 days ago)", OTHER),
        (None, "the message cannot be made", INFRASTRUCTURE),
        (250, "odd", INFRASTRUCTURE),
        (None, "", INFRASTRUCTURE),
    ],
)
def test_what_a_reply_counts_as(code, text, expected):
    assert class_of_reply(code, text) is expected


def test_every_reason_has_a_class():
    assert {refusal_class(DeliveryFailure(reason, ""), "") for reason in Reason} == set(RefusalClass)


def event(kind: EventKind, failure: DeliveryFailure | None, words: str = "") -> MessageEvent:
    return MessageEvent(
        kind=kind, source="s", source_id="1", occurred_at=None, message=None, failure=failure, diagnostic=words
    )


@pytest.mark.parametrize(
    ("kind", "failure", "words", "expected"),
    [
        (EventKind.BOUNCED, DeliveryFailure(Reason.BLOCKED, "5.7.1"), "listed", BounceAbout.SPAM),
        (EventKind.BOUNCED, DeliveryFailure(Reason.BLOCKED, "5.7.1"), "DKIM failed", BounceAbout.INFRASTRUCTURE),
        (EventKind.BOUNCED, DeliveryFailure(Reason.POLICY, "5.7.26"), "", BounceAbout.INFRASTRUCTURE),
        (EventKind.BOUNCED, DeliveryFailure(Reason.SERVER_TROUBLE, ""), "", BounceAbout.INFRASTRUCTURE),
        (EventKind.BOUNCED, DeliveryFailure(Reason.MAILBOX_FULL, ""), "", BounceAbout.RECIPIENT),
        (EventKind.BOUNCED, DeliveryFailure(Reason.NO_SUCH_ADDRESS, ""), "", BounceAbout.RECIPIENT),
        (EventKind.BOUNCED, None, "spam", BounceAbout.RECIPIENT),
        (EventKind.DEFERRED, DeliveryFailure(Reason.BLOCKED, ""), "", BounceAbout.RECIPIENT),
    ],
)
def test_what_an_event_says_of_the_reputation(kind, failure, words, expected):
    assert about(event(kind, failure, words)) is expected


@pytest.mark.parametrize(
    ("domain", "known", "name"),
    [
        ("gmail.com", None, "google"),
        ("GMAIL.com", None, "google"),
        ("shop.example", "google", "google"),
        ("shop.example", "shop.example", "other"),
        ("shop.example", None, "other"),
        ("", None, "other"),
        ("simulator.amazonses.com", None, "simulator"),
        ("amazonses.com", None, "other"),
        ("notsimulator.amazonses.com", None, "other"),
    ],
)
def test_the_name_by_which_mail_to_a_domain_is_counted(domain, known, name):
    assert counted_provider(domain, known) == name


def test_simulators_stay_simulators_whatever_runs_their_mail():
    assert mailbox_provider("simulator.amazonses.com") == "simulator"
    assert provider_by_mx("simulator.amazonses.com", ["aspmx.l.google.com"]) == "simulator"
