"""The renderer of a send task's messages.

It is made once a chunk, and once before an audience is frozen, as a check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ses_ops.domain.address import parse_sender
from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.template_variables import compare_variables
from ses_ops.errors import InvalidInput, TemplateError
from ses_ops.events.link_tokens import LinkMaker
from ses_ops.events.tokens import SECRET_SIZE
from ses_ops.rendering.message import Advertisement, MessageRenderer, ProviderHeader
from ses_ops.rendering.own_link import OwnLink
from ses_ops.rendering.template import MailTemplate, load_template
from ses_ops.rendering.template_place import Place
from ses_ops.rendering.tracked_links import Links
from ses_ops.rendering.tracking import TrackedParts, TrackedTemplate, tracked_template


@dataclass(frozen=True, kw_only=True, slots=True)
class RendererExtras:
    """What only mail that leaves has, and no check and no preview needs."""

    #: The domain of the mailbox where a mail unsubscribes.
    bounce_domain: str | None = None
    provider_header: ProviderHeader | None = None
    #: What signs the targets of tracked links; a check and a preview have a secret that signs nothing.
    token_secret: bytes = field(default=bytes(SECRET_SIZE), repr=False)
    #: Further headers, the same in every message.
    headers: Mapping[str, str] = field(default_factory=dict)


def task_renderer(
    content: MailContent,
    place: Place,
    *,
    installation_id: str,
    template: MailTemplate | None = None,
    extras: RendererExtras | None = None,
) -> MessageRenderer:
    """The renderer of a task's mail, with its template if that is loaded already.

    Its content is one of `with_page`, and `extras` are those of mail that leaves. Raises TemplateError or InvalidInput
    when template, subject or link cannot be used, or when all mail would show an empty link. A test send may show one,
    because its purpose is to show the template.
    """
    template = template or load_template(place, content.template)
    if content.subject is None and not template.has_subject:
        raise TemplateError("subject_missing", template=template.name)
    if not content.unsubscribe_url and content.language is None and not content.is_test:
        _refuse_empty_link(template, content.subject)
    return content_renderer(content, template, installation_id=installation_id, extras=extras)


def content_renderer(
    content: MailContent, template: MailTemplate, *, installation_id: str, extras: RendererExtras | None = None
) -> MessageRenderer:
    """As `task_renderer` for a loaded template, without the check of the link."""
    extras = extras or RendererExtras()
    if content.language is not None and content.unsubscribe_page is None:
        raise InvalidInput("public_url_missing", field="unsubscribe")
    page = content.unsubscribe_page if content.language is not None else None
    return MessageRenderer(
        template,
        sender=parse_sender(content.sender),
        reply_to=content.reply_to,
        subject=content.subject,
        unsubscribe_url=content.unsubscribe_url,
        advertisement=cast("Advertisement", content.advertisement),
        message_id_domain=content.sender_domain,
        installation_id=installation_id,
        headers={**content.headers, **extras.headers},
        own_link=OwnLink(page, mailbox_domain=extras.bounce_domain) if page else None,
        footer=content.language,
        provider_header=extras.provider_header,
        tracked=_tracked(content, template, extras.token_secret),
    )


def _tracked(content: MailContent, template: MailTemplate, secret: bytes) -> TrackedTemplate | None:
    """The template with pixel and tracked links; None for mail that has neither."""
    if not content.track_opens and not content.track_clicks:
        return None
    url = content.public_url
    if url is None:
        raise InvalidInput("tracking_without_public_url", field="track", domain=content.sender_domain)
    links = None
    if content.track_clicks:
        links = Links(LinkMaker(secret), public_url=url, unsubscribe_url=content.unsubscribe_url)
    return tracked_template(template, TrackedParts(public_url=url, opens=bool(content.track_opens), links=links))


def check_template(
    content: MailContent, place: Place, *, group: str | None, variables: Sequence[str] | None
) -> MessageRenderer:
    """Refuse mail that cannot be rendered, or whose template needs variables that the group lacks.

    Returns the renderer for a preview of a message, which has no message id of this installation.
    """
    template = load_template(place, content.template)
    renderer = task_renderer(content, place, installation_id="check", template=template)
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
