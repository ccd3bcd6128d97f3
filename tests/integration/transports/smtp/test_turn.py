"""A turn that is recognised by its octets is one that the parser would have read as accepted and free to go on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.pipelined_reply import KnownReplies
from ses_ops.transports.smtp.replies import ReplyParser

TURN = b"250 2.0.0 Ok: queued as A1\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"


def known(*turns: bytes) -> KnownReplies:
    turn = KnownReplies()
    for data in turns:
        turn.learn(data)
    return turn


def test_the_first_turn_is_for_the_parser_and_the_next_is_known() -> None:
    assert known().accepted(TURN) is None
    outcome = known(TURN).accepted(TURN.replace(b"A1", b"B22"))
    assert outcome is not None
    assert (outcome.delivery, outcome.code, outcome.text) == (Delivery.SENT, 250, "2.0.0 Ok: queued as B22")


@pytest.mark.parametrize(
    "turn",
    [
        TURN.replace(b"354 go", b"550 no"),
        TURN.replace(b"250 2.1.5", b"550 5.1.1"),
        TURN.replace(b"250 2.1.0", b"250-2.1.0"),
        TURN + b"421 bye\r\n",
        TURN.replace(b"\r\n", b"\n"),
        TURN[:-1],
        b"x" * 700 + TURN,
    ],
)
def test_nothing_else_is_learned(turn: bytes) -> None:
    assert known(turn).accepted(turn) is None


LINES = st.sampled_from(
    [b"250 Ok\r\n", b"250 2.1.0 Ok\r\n", b"354 go\r\n", b"550 no\r\n", b"421 bye\r\n", b"250-more\r\n", b"\n", b"250 "]
)


@given(learned=st.lists(LINES, max_size=6).map(b"".join), data=st.lists(LINES, max_size=6).map(b"".join))
def test_what_is_known_is_what_the_parser_reads(learned: bytes, data: bytes) -> None:
    outcome = known(TURN, learned).accepted(data)
    if outcome is not None:
        parser = ReplyParser()
        replies = parser.feed(data)
        assert [reply.code for reply in replies] == [250, 250, 250, 354]
        assert not parser.unread
        assert replies[0].text == outcome.text
