"""Outcomes of messages that no server reported, and how messages are looked up."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "not_a_cursor": "this is no cursor of an answer of ours: give `next` of the page before as it stands",
    "message_content_gone": "what the message said is no longer kept, so it cannot be sent again",
    "message_is_being_resent": "the message is being sent again already",
    "message_still_waits": "the message may still leave by itself; it can be sent again once its outcome is known",
    "reply_text_lost": "the reply's text was lost with the sending process",
    "run_ended_before_it_was_begun": "the run was ended before it was begun",
    "sender_died": "the sending process died before the outcome was known",
    "stopped_before_it_was_begun": "stopped before it was begun",
}
