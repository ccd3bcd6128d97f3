"""Bulk mail says that it is, so that no out-of-office answers it; a test send is no bulk mail."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.schedule import TaskType
from ses_ops.sending.task_renderer import task_renderer

#: Precedence, X-Auto-Response-Suppress, Auto-Submitted.
_BULK = ("bulk", "DR, RN, NRN, OOF, AutoReply", None)
_BY_ITSELF = (*_BULK[:2], "auto-generated")


@pytest.mark.parametrize("link", [None, "https://shop.example.com/u?id={{ id }}", "mailto:u@shop.example.com"])
@pytest.mark.parametrize("reply_to", [None, "Help <help@example.com>"])
@pytest.mark.parametrize("part", ["body.txt", "body.html"])
@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        (TaskType.IMMEDIATE, _BULK),
        (TaskType.SCHEDULED, _BULK),
        (TaskType.RECURRING, _BY_ITSELF),
        (TaskType.TRIGGERED, _BY_ITSELF),
        (TaskType.TEST, (None, None, None)),
    ],
)
def test_what_a_mail_says_of_itself(
    tmp_path: Path, kind: TaskType, headers: tuple[str | None, ...], part: str, reply_to: str | None, link: str | None
) -> None:
    (tmp_path / "letter").mkdir()
    (tmp_path / "letter" / "subject.txt").write_text("Hello")
    (tmp_path / "letter" / part).write_text("Hello {{ id }}")
    content = MailContent(
        type=kind,
        template="letter",
        sender="Example Shop <news@mail.example.com>",
        sender_domain="mail.example.com",
        unsubscribe_url=link,
        reply_to=reply_to,
    )
    renderer = task_renderer(content, tmp_path, installation_id="a1b2")
    raw = renderer.render(occurrence_id=1, seq=1, address="ann@example.org", values={"id": "7"})
    message = message_from_bytes(raw, policy=default)
    names = ("Precedence", "X-Auto-Response-Suppress", "Auto-Submitted")
    assert tuple(message[name] for name in names) == headers
    assert all(len(message.get_all(name, [])) <= 1 for name in message)
    assert message["List-Unsubscribe"] == (link and f"<{link.replace('{{ id }}', '7')}>")
    assert message["Reply-To"] == reply_to
    body = message.get_body()
    assert body is not None
    assert body.get_content().strip() == "Hello 7"
