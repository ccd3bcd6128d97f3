"""What a person should know about a mail before it leaves; it refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from ses_ops.domain.mail_tracking import Tracking

#: Octets of HTML that Gmail shows; what stands behind is cut off, the unsubscribe link among it.
SHOWN_BY_GMAIL = 102 * 1024


class MailWarning(StrEnum):
    """A kind of warning."""

    #: Gmail does not show the whole mail.
    CUT_OFF = "cut_off"
    #: Tracked links lead over an address without encryption.
    NOT_HTTPS = "not_https"
    #: Opens are to be noticed, and the mail has no HTML.
    NO_OPENS = "no_opens"
    #: Clicks are to be noticed, and the mail has no link that could be tracked.
    NO_CLICKS = "no_clicks"


def mail_warnings(*, html_size: int, wanted: Tracking, tracked: Tracking, public_url: str | None) -> list[MailWarning]:
    """The warnings about a message with so many octets of HTML, of which `tracked` is noticed of what is `wanted`."""

    def found() -> Iterator[MailWarning]:
        if html_size > SHOWN_BY_GMAIL:
            yield MailWarning.CUT_OFF
        if public_url is not None and any(tracked) and not public_url.lower().startswith("https://"):
            yield MailWarning.NOT_HTTPS
        if wanted.opens and not tracked.opens:
            yield MailWarning.NO_OPENS
        if wanted.clicks and not tracked.clicks:
            yield MailWarning.NO_CLICKS

    return list(found())
