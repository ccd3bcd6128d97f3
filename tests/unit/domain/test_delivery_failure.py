"""Every refusal is about the recipient, us, the content, the server or its policy: by examples from real servers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.delivery_failure import DeliveryFailure, Fault, Reason, Stage, classify

EXAMPLES = tomllib.loads(Path(__file__).with_name("delivery_failures.toml").read_text(encoding="utf-8"))
CASES = [
    (stage, reply, reason) for stage, of in EXAMPLES.items() for reason, replies in of.items() for reply in replies
]


@pytest.mark.parametrize(("stage", "reply", "reason"), CASES)
def test_what_a_server_says_is_understood(stage: str, reply: str, reason: str) -> None:
    failure = classify(int(reply[:3]), reply[4:], Stage(stage))
    assert failure.reason == reason


replies = st.tuples(
    st.integers(400, 599),
    st.one_of(st.text(max_size=300), st.sampled_from([reply[4:] for _, reply, _ in CASES])),
)


@given(reply=replies)
def test_a_refusal_of_mail_is_never_about_a_recipient(reply: tuple[int, str]) -> None:
    assert classify(*reply, Stage.SENDER).fault is not Fault.RECIPIENT


@given(reply=replies, stage=st.sampled_from(Stage))
def test_only_a_permanent_refusal_says_that_there_is_no_such_address(reply: tuple[int, str], stage: Stage) -> None:
    if reply[0] < 500:
        assert not classify(*reply, stage).no_such_address


@given(address=st.from_regex(r"[a-z.]{1,20}@[a-z]{1,20}\.example", fullmatch=True))
def test_the_words_of_an_address_are_not_the_servers(address: str) -> None:
    assert classify(550, f"<{address}>: no", Stage.RECIPIENT).reason is Reason.RECIPIENT_REFUSED


def test_a_status_of_another_class_than_the_code_does_not_count() -> None:
    assert classify(550, "4.2.2 whatever", Stage.RECIPIENT) == DeliveryFailure(Reason.RECIPIENT_REFUSED, "")


def test_a_long_text_takes_no_time() -> None:
    for text in ("sender " * 5_000, "exceeded " * 5_000, "a" * 50_000, "<" * 50_000):
        classify(550, text, Stage.CONTENT)


#: What a server may say of us in the same breath: then it is not to be believed about the recipient.
ABOUT_US = (
    "Relay access denied",
    "authentication required",
    "Sender address rejected",
    "Sender verify failed",
    "Client host rejected",
    "Helo command rejected",
    "your IP address is blocked",
    "blocked using zen.spamhaus.org",
    "SPF check failed",
    "rejected for policy reasons",
    "Daily sending limit exceeded",
    "Too many connections",
    "mailbox full",
    "return path address",
)


@given(
    about_us=st.sampled_from(ABOUT_US),
    unknown=st.sampled_from(["user unknown", "no such user", "account not found", "recipient does not exist", "no"]),
    status=st.sampled_from(["", "5.1.1 ", "5.1.0 ", "5.1.2 ", "5.0.0 ", "5.5.0 ", "5.7.1 "]),
    code=st.sampled_from([550, 551, 553, 554]),
    stage=st.sampled_from(Stage),
    first=st.booleans(),
)
def test_nobody_is_said_not_to_exist_where_a_server_speaks_of_us_too(
    about_us: str, unknown: str, status: str, code: int, stage: Stage, first: bool
) -> None:
    text = status + (f"{about_us}: {unknown}" if first else f"{unknown}: {about_us}")
    assert not classify(code, text, stage).no_such_address, text
