"""The address of the own unsubscribe page, to which the links of a task's mail lead."""

from __future__ import annotations

from dataclasses import replace

from ses_ops import settings
from ses_ops.domain.mail_content import MailContent
from ses_ops.errors import InvalidInput


def page_address() -> str:
    """The address of the page, up to the token of a message.

    Raises InvalidInput where the installation has no public address.
    """
    url = settings.public_url()
    if url is None:
        raise InvalidInput("public_url_missing", field="unsubscribe")
    return f"{url}/u/"


def with_page(content: MailContent) -> MailContent:
    """The content with the page that its mail leads to, if it does; raises as `page_address` does.

    It is asked for here and not where the message is made, because a template may be filled in by a process apart,
    which has nothing of the environment.
    """
    return content if content.language is None else replace(content, unsubscribe_page=page_address())
