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
