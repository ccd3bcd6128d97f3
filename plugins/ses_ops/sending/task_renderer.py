"""The renderer of a send task's messages.

It is made once a chunk, and once before an audience is frozen, as a check.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from ses_ops.domain.address import parse_sender
from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.template_variables import compare_variables
from ses_ops.errors import InvalidInput, TemplateError
from ses_ops.rendering.message import Advertisement, MessageRenderer
from ses_ops.rendering.template import MailTemplate, load_template


def task_renderer(
    content: MailContent, templates_root: Path, *, installation_id: str, template: MailTemplate | None = None
) -> MessageRenderer:
    """The renderer of a task's mail, with its template if that is loaded already.

    Raises TemplateError or InvalidInput when template, subject or link cannot be used, or when all mail would show an
    empty link. A test send may show one, because its purpose is to show the template.
    """
    template = template or load_template(templates_root, content.template)
    if not content.unsubscribe_url and not content.is_test:
        _refuse_empty_link(template, content.subject)
    return content_renderer(content, template, installation_id=installation_id)


def content_renderer(content: MailContent, template: MailTemplate, *, installation_id: str) -> MessageRenderer:
    """As `task_renderer` for a loaded template, without the check of the link."""
    return MessageRenderer(
        template,
        sender=parse_sender(content.sender),
        reply_to=content.reply_to,
        subject=content.subject,
        unsubscribe_url=content.unsubscribe_url,
        advertisement=cast("Advertisement", content.advertisement),
        message_id_domain=content.sender_domain,
        installation_id=installation_id,
        headers=content.headers,
    )


def check_template(
    content: MailContent, templates_root: Path, *, group: str | None, variables: Sequence[str] | None
) -> MessageRenderer:
    """Refuse mail that cannot be rendered, or whose template needs variables that the group lacks.

    Returns the renderer for a preview of a message, which has no message id of this installation.
    """
    template = load_template(templates_root, content.template)
    renderer = task_renderer(content, templates_root, installation_id="check", template=template)
    used = template.variables_for(subject=content.subject, unsubscribe_url=content.unsubscribe_url)
    try:
        compare_variables(used, variables or ())
    except InvalidInput as problem:
        raise TemplateError(
            "template_does_not_fit_group", problem=problem, group=group, template=content.template
        ) from problem
    return renderer


def _refuse_empty_link(template: MailTemplate, subject: str | None) -> None:
    use = template.bare_link(subject)
    if use is not None:
        raise TemplateError(
            "unsubscribe_url_empty",
            line=use.line,
            file=use.file,
            template=template.name,
            part="unsubscribe_url",
        )
