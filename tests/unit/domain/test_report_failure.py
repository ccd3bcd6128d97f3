"""What a report says of a failure is classified: by examples of real servers, and by what must not happen."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.delivery_failure import Stage
from ses_ops.domain.report_failure import classify_report

EXAMPLES = tomllib.loads(Path(__file__).with_name("report_failures.toml").read_text(encoding="utf-8"))
CASES = [(text.partition("|"), reason) for reason, texts in EXAMPLES.items() for text in texts]


@pytest.mark.parametrize(("said", "reason"), CASES)
def test_what_a_report_says_is_understood(said: tuple[str, str, str], reason: str) -> None:
    failure = classify_report(status=said[0].strip(), diagnostic=said[2].strip())
    assert failure is not None
    assert failure.reason == reason


@pytest.mark.parametrize("said", [said for said, _ in CASES])
def test_only_a_permanent_failure_is_hard(said: tuple[str, str, str]) -> None:
    failure = classify_report(status=said[0].strip(), diagnostic=said[2].strip(), permanent=False)
    assert failure is None or not failure.hard


@pytest.mark.parametrize("words", ["smtp; 250 2.0.0 Ok: queued as 4711", "", "354 go ahead"])
def test_nothing_and_acceptance_are_no_failure(words: str) -> None:
    assert classify_report(diagnostic=words) is None


def test_without_a_status_none_is_invented() -> None:
    failure = classify_report(diagnostic="delivery failed")
    assert failure is not None
    assert failure.status == ""


@pytest.mark.parametrize("stage", [Stage.CONTENT, Stage.SENDER])
def test_a_user_unknown_after_the_content_is_not_believed(stage: Stage) -> None:
    failure = classify_report(status="5.0.0", diagnostic="smtp; 550 no such user here", stage=stage)
    assert failure is not None
    assert not failure.hard


@given(
    status=st.sampled_from(["5.7.1", "5.2.2", "5.3.4", "5.6.0", "5.1.8", "5.7.26", "5.7.509"]),
    words=st.sampled_from(
        ["not accepted", "rejected", "blocked by policy", "message too big", "SPF check failed", "DMARC refused it"]
    ),
    code=st.sampled_from([550, 552, 554]),
)
def test_a_status_that_is_not_about_the_address_is_never_hard(status: str, words: str, code: int) -> None:
    failure = classify_report(status=status, diagnostic=f"smtp; {code} {status} {words}")
    assert failure is not None
    assert not failure.hard


@given(st.text(max_size=300), st.text(max_size=20), st.booleans())
def test_no_words_raise(words: str, status: str, permanent: bool) -> None:
    classify_report(status=status, diagnostic=words, permanent=permanent)
