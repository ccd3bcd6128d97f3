"""Checks of a task's content against its group or its pending mail.

A task can be sent when its template fits its group and the message to the first recipient can be made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.domain.mail_content import content_of_task
from ses_ops.domain.mail_warning import MailWarning, mail_warnings
from ses_ops.domain.template_variables import recipient_values
from ses_ops.errors import SesError, TemplateError
from ses_ops.rendering import worker
from ses_ops.rendering.template import load_template
from ses_ops.rendering.template_place import Place
from ses_ops.sending.task_renderer import check_template, task_renderer
from ses_ops.sending.template_place import template_place
from ses_ops.sending.unsubscribe_page import with_page
from ses_ops.storage.audience import recipients
from ses_ops.storage.tasks import editions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_content import MailContent
    from ses_ops.domain.mail_tracking import Tracking
    from ses_ops.domain.send_task import SendTask
    from ses_ops.rendering.template import Preview


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstMessage:
    """The message that the first recipient of a task would see."""

    #: The first recipient; None when the group is empty: the values are the template's samples then.
    address: str | None
    preview: Preview
    #: Octets of the HTML that leaves, with pixel and tracked links.
    html_size: int
    #: What can be noticed of the mail.
    tracked: Tracking
    warnings: tuple[MailWarning, ...]


def check_content(conn: Connection, task: SendTask, templates_root: Path) -> None:
    """Check the properties that only a real message has (size, link, subject).

    Raises NotFound, TemplateError or InvalidInput.
    """
    group = recipients.find_group(conn, task.group)
    sample = recipients.sample(conn, group.id)
    content = with_page(conn, content_of_task(task))
    place = template_place(conn, templates_root, task.template)
    worker.call(task.template, _check, content, place, group.name, group.variables, sample)


def check_left(conn: Connection, task_id: int, task: SendTask, templates_root: Path) -> None:
    """Check a definition against mail of the task that has not left, whose values are frozen.

    Raises TemplateError when the definition needs other values, else as `check_content` does.
    """
    if left := editions.first_left(conn, task_id):
        place = template_place(conn, templates_root, task.template)
        worker.call(task.template, _check_left, with_page(conn, content_of_task(task)), place, left)


def first_message_left(conn: Connection, task_id: int, task: SendTask, templates_root: Path) -> FirstMessage | None:
    """The first message of the task that has not left, made by a definition; None when all have left."""
    for one in editions.first_left(conn, task_id):
        found = [(one.address, dict(recipient_values(one.values)))]
        place = template_place(conn, templates_root, task.template)
        return worker.call(task.template, _first, with_page(conn, content_of_task(task)), place, found)
    return None


def first_message(conn: Connection, task: SendTask, templates_root: Path) -> FirstMessage:
    """The message to the first recipient of a definition, stored or not. Raises as `check_content` does."""
    group = recipients.find_group(conn, task.group)
    found = recipients.sample(conn, group.id)
    place = template_place(conn, templates_root, task.template)
    return worker.call(task.template, _first, with_page(conn, content_of_task(task)), place, found)


def _check(
    content: MailContent,
    place: Place,
    group: str,
    variables: Sequence[str],
    found: Sequence[tuple[str, dict[str, str]]],
) -> None:
    renderer = check_template(content, place, group=group, variables=variables)
    for address, values in found:
        renderer.render(occurrence_id=1, seq=1, address=address, values=values)


def _check_left(content: MailContent, place: Place, left: Sequence[editions.MessageLeft]) -> None:
    template = load_template(place, content.template)
    renderer = task_renderer(content, place, installation_id="check", template=template)
    used = template.variables_for(subject=content.subject, unsubscribe_url=content.unsubscribe_url)
    problems: list[SesError] = []
    for one in left:
        values = dict(recipient_values(one.values))
        if missing := sorted(used - values.keys()):
            raise TemplateError(
                "values_missing_for_the_rest",
                names=missing,
                template=content.template,
            )
        try:
            renderer.render(occurrence_id=one.occurrence_id, seq=one.seq, address=one.address, values=values)
        except SesError as problem:
            problems.append(problem)
    if len(problems) == len(left):  # otherwise the values of single recipients are wrong, and only their messages fail
        raise problems[0]


def _first(content: MailContent, place: Place, found: Sequence[tuple[str, dict[str, str]]]) -> FirstMessage:
    template = load_template(place, content.template)
    leaves = task_renderer(content, place, installation_id="check", template=template)
    # Whoever looks at it may follow its links: they lead where those of the mail lead in the end.
    untracked = replace(content, track_opens=False, track_clicks=False)
    shown = task_renderer(untracked, place, installation_id="check", template=template)
    address, values = next(iter(found), (None, template.sample_values))
    size = len((leaves.preview(values).html or "").encode())
    warnings = mail_warnings(
        html_size=size, wanted=content.tracking, tracked=leaves.tracked, public_url=content.public_url
    )
    return FirstMessage(
        address=address,
        preview=shown.preview(values),
        html_size=size,
        tracked=leaves.tracked,
        warnings=tuple(warnings),
    )
