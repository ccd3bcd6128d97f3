"""The reply parser: any cutting of the stream gives the same replies; nonsense is named, not believed."""

from __future__ import annotations

from itertools import pairwise

import hypothesis
import pytest
from hypothesis import strategies as st

from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.replies import MAX_REPLY_LINES, Reply, ReplyParser

STREAM = (
    b"220 mx.example.com ESMTP\r\n250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n"
    b"250 2.1.0 Ok\r\n250\r\n354 go\r\n451-4.7.1 later\r\n451\r\n550 \r\n250 2.0.0 Ok\n"
    b"421 4.3.2 bye\r\n250 2.1.0 Ok\r\n"
)
REPLIES = [
    Reply(220, b"mx.example.com ESMTP"),
    Reply(250, b"mx\nPIPELINING\nSIZE 1000\nAUTH PLAIN LOGIN"),
    Reply(250, b"2.1.0 Ok"),
    Reply(250, b""),
    Reply(354, b"go"),
    Reply(451, b"4.7.1 later\n"),
    Reply(550, b""),
    Reply(250, b"2.0.0 Ok"),
    Reply(421, b"4.3.2 bye"),
    Reply(250, b"2.1.0 Ok"),
]


@hypothesis.given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_the_replies_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    parser = ReplyParser()
    bounds = [0, *sorted(cuts), len(STREAM)]
    found = [reply for start, end in pairwise(bounds) for reply in parser.feed(STREAM[start:end])]
    assert found == REPLIES
    assert parser.broken is None
    assert not parser.unread


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n",
        b"\r\n",
        b"25\r\n",
        b"2500 Ok\r\n",
        b"150 Ok\r\n",
        b"650 Ok\r\n",
        b"2x0 Ok\r\n",
        b"250_Ok\r\n",
        b"250-a\r\n251 b\r\n",
        b"250 " + b"x" * 5000 + b"\r\n",
        b"250 " + b"x" * 5000,
        b"250-x\r\n" * (MAX_REPLY_LINES + 1),
        "２５０ Ok\r\n".encode(),
    ],
)
def test_nonsense_is_named_and_what_came_before_it_is_kept(nonsense: bytes) -> None:
    parser = ReplyParser()
    assert parser.feed(b"250 2.0.0 Ok\r\n" + nonsense) == [Reply(250, b"2.0.0 Ok")]
    assert parser.broken
    assert str(parser.broken).isprintable()
    assert len(str(parser.broken)) < 500
    assert parser.feed(b"250 2.0.0 Ok\r\n") == []


@hypothesis.given(st.binary(max_size=300))
def test_whatever_a_server_sends_its_text_is_printable_and_short(raw: bytes) -> None:
    text = Reply(550, raw * 5).text
    assert text.isprintable()
    assert len(text) <= 500


def test_capabilities_are_read_in_any_case_and_in_the_old_form_of_auth() -> None:
    reply = Reply(250, b"Hi PIPELINING\nsize 0\nAuth=LOGIN\nAUTH plain\n8bitmime\nStartTLS\nSMTPUTF8")
    assert Capabilities.of_ehlo(reply) == Capabilities(
        pipelining=False,
        starttls=True,
        eight_bit_mime=True,
        smtp_utf8=True,
        size=True,
        size_limit=None,
        auth=frozenset({"LOGIN", "PLAIN"}),
        hello="Hi PIPELINING",
    )
