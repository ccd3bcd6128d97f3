"""What is silence and what is a slow line, second by second."""

from __future__ import annotations

import pytest

from ses_ops.transports.smtp.stall import StallDetector
from ses_ops.transports.smtp.steps import Step

UPLOAD = (Step.FINAL, 7)


def given_up_after(rate: float, *, size: int = 1_000_000, seconds: int = 700) -> tuple[int, str] | None:
    """When a server that reads so many octets a second is given up, and why; None if it never is."""
    silence = StallDetector(timeout=30, data_timeout=600)
    for second in range(seconds):
        why = silence.stall_reason(UPLOAD, max(0, size - int(rate * second)), float(second))
        if why is not None:
            return second, str(why)
    return None


def test_a_reader_of_an_octet_a_second_is_given_up_after_the_timeout() -> None:
    assert given_up_after(1) == (30, "the server reads too slowly: 30 bytes within 30 s")
    assert given_up_after(900) == (30, "the server reads too slowly: 27000 bytes within 30 s")


@pytest.mark.parametrize("rate", [1100, 5000, 100_000])
def test_a_slow_line_is_waited_for_and_then_the_reply(rate: float) -> None:
    read_by = 1_000_000 / rate
    found = given_up_after(rate, seconds=2000)
    assert found is not None
    second, why = found
    assert why == "no reply to FINAL within 600 s"
    assert read_by + 600 <= second <= read_by + 602


def test_the_last_few_octets_of_an_upload_need_no_rate() -> None:
    assert given_up_after(5, size=100, seconds=600) is None


def test_a_server_that_reads_no_more_is_given_up_after_the_timeout_whatever_it_read_before() -> None:
    silence = StallDetector(timeout=30, data_timeout=600)
    for second in range(20):
        assert silence.stall_reason(UPLOAD, 5_000_000 - 100_000 * second, float(second)) is None
    assert silence.stall_reason(UPLOAD, 3_100_000, 48.9) is None
    assert str(silence.stall_reason(UPLOAD, 3_100_000, 49.0)) == "the server reads no more: nothing moved within 30 s"


def test_every_step_has_its_time_anew() -> None:
    silence = StallDetector(timeout=30, data_timeout=600)
    for number, step in enumerate((Step.MAIL, Step.RCPT, Step.DATA, Step.MAIL)):
        assert silence.stall_reason((step, number), 0, 29.0 * number) is None
    assert str(silence.stall_reason((Step.MAIL, 3), 0, 29.0 * 3 + 30)) == "no reply to MAIL within 30 s"
