"""The page on which a person mends what a send task stands still for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ses_ops.console.mending import mending_of
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import QuotaError, TemplateError


def task(*, error: str | None = None, reason: str | None = None, status: TaskStatus = TaskStatus.ERROR):
    facts = {"name": "sale", "template": "hello", "group": "customers", "sender_domain": "mail.example.com"}
    return SimpleNamespace(**facts, error=error, reason=reason, status=status)


@pytest.mark.parametrize(
    ("sentence", "path"),
    [
        (str(QuotaError("there is no entry", domain="mail.example.com")), "/domains/mail.example.com"),
        (str(QuotaError("must be a date", domain="mail.example.com", field="plan")), "/domains/mail.example.com"),
        ("the Airflow Variable ses_warmup_quota is not set; set it to", "/domains/mail.example.com"),
        ("today's quota of 50 for mail.example.com is used up", "/domains/mail.example.com"),
        ("the warm-up of mail.example.com begins at 2026-12-01 UTC", "/domains/mail.example.com"),
        (str(TemplateError("unexpected end", template="hello", part="body.html")), "/templates/hello"),
        ("its schedule cannot be worked out: no cron", "/tasks/sale/edit"),
        ("127.0.0.1:25: cannot connect (Connection refused); check host and port", "/connections"),
        ("452 4.2.2 mailbox full", None),
        ("paused by ann", None),
    ],
)
def test_a_reason_leads_to_where_it_is_mended(sentence, path):
    for found in (task(error=sentence), task(reason=sentence, status=TaskStatus.PAUSED)):
        mending = mending_of(found)
        assert (mending.path if mending else None) == path


@pytest.mark.parametrize("status", [TaskStatus.CANCELLED, TaskStatus.FINISHED])
def test_what_is_over_leads_nowhere(status):
    assert mending_of(task(reason="today's quota of 50 for mail.example.com is used up", status=status)) is None
