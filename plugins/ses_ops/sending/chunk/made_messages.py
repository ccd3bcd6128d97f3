"""The maker of a chunk's messages: content and envelope sender, with the tokens of each message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from zlib import crc32

from ses_ops.domain.address import parse_address, parse_sender
from ses_ops.domain.unsubscribe_language import LANGUAGES
from ses_ops.events.tokens import Purpose, TokenMaker, address_check

if TYPE_CHECKING:
    from ses_ops.rendering.message import MessageRenderer
    from ses_ops.storage.ledger.batches import Marked
    from ses_ops.storage.tasks.stored_task import TaskOfChunk

#: The envelope sender and the content of a message.
Made = tuple[str, bytes]


def message_maker(renderer: MessageRenderer, task: TaskOfChunk) -> Callable[[Marked], Made]:
    """The function that makes the messages of a chunk; it raises as `MessageRenderer.render` does.

    The envelope sender is `b-TOKEN@` the bounce domain of the sender domain, which leads a bounce back to its message
    (VERP); without one it is the sender. A message has the same tokens at every attempt. Mail without tokens pays
    nothing for them.
    """
    sender, occurrence_id, render = parse_sender(task.sender).address, task.occurrence_id, renderer.render
    language, domain = task.content.language, task.bounce_domain
    place = 0 if language is None else LANGUAGES.index(language)
    unsubscribe = _tokens(task, Purpose.UNSUBSCRIBE, place)
    bounce = _tokens(task, Purpose.BOUNCE)
    event = _tokens(task, Purpose.EVENT)
    opened, clicked = _tokens(task, Purpose.OPEN), _tokens(task, Purpose.CLICK)
    opens, clicks = renderer.tracked
    has_link, has_event, after = language is not None, renderer.has_provider_header, f"@{domain}"

    def plain(message: Marked) -> Made:
        return sender, render(
            occurrence_id=occurrence_id, seq=message.seq, address=message.address, values=message.values
        )

    def with_tokens(message: Marked) -> Made:
        seq, address, values = message.seq, message.address, message.values
        check = check_of(address)
        content = render(
            occurrence_id=occurrence_id,
            seq=seq,
            address=address,
            values=values,
            unsubscribe_token=unsubscribe(seq, check) if has_link else "",
            event_token=event(seq, check) if has_event else "",
            open_token=opened(seq, check) if opens else "",
            click_token=clicked(seq, check) if clicks else "",
        )
        return f"b-{bounce(seq, check)}{after}" if domain else sender, content

    return with_tokens if has_link or has_event or domain or opens or clicks else plain


def check_of(address: str) -> int:
    """The check of a ledger's address in its tokens: `address_check` of its key, which is quickly made for most."""
    if address.isascii():
        return crc32(address.lower().encode())
    return address_check(parse_address(address, dotless=True).key)


def _tokens(task: TaskOfChunk, purpose: Purpose, extra: int = 0) -> Callable[[int, int], str]:
    return TokenMaker(task.token_secret, purpose).maker_of(task.occurrence_id, extra)
