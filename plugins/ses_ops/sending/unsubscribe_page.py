"""The own addresses to which the links of a task's mail lead: the unsubscribe page, and those of tracked mail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.domain.mail_content import MailContent
from ses_ops.errors import InvalidInput
from ses_ops.storage.quota import sender_domains

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection


def page_address() -> str:
    """The address of the page, up to the token of a message.

    Raises InvalidInput where the installation has no public address.
    """
    url = settings.public_url()
    if url is None:
        raise InvalidInput("public_url_missing", field="unsubscribe")
    return f"{url}/u/"


def with_page(conn: Connection, content: MailContent) -> MailContent:
    """The content with our own addresses that its mail leads to, and with what of it is tracked.

    They are asked for here and not where the message is made, because a template may be filled in by a process apart,
    which has nothing of the environment. Raises as `page_address` does, and InvalidInput for tracked mail where the
    installation has no public address.
    """
    if content.language is not None:
        content = replace(content, unsubscribe_page=page_address())
    tracking = content.tracking
    if None in tracking:
        tracking = tracking.or_else(sender_domains.tracking(conn, content.sender_domain))
    opens, clicks = bool(tracking.opens), bool(tracking.clicks)
    url = settings.public_url() if opens or clicks else None
    if (opens or clicks) and url is None:
        raise InvalidInput("tracking_without_public_url", field="track", domain=content.sender_domain)
    return replace(content, track_opens=opens, track_clicks=clicks, public_url=url)
