"""The notice on every page of a restored ledger, in both languages, until a person has said how it goes on."""

from __future__ import annotations

import re

import pytest

from ses_ops.application.restore import RestoreOrder, restore
from ses_ops.console.database import forget_snapshots
from tests.actors import ANYBODY
from tests.console.console_world import visible_text

PAGES = ("/", "/tasks", "/messages", "/suppression", "/new-task")


@pytest.fixture
def restored(world):
    """As if the database had been another one when mail was sent."""
    world.execute(
        "INSERT INTO ledger_home (system_identifier, database_oid, table_oid, seen_at)"
        " VALUES (1, 1, 1, '2026-11-29 10:00+00')"
    )
    forget_snapshots()
    return world


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_nothing_is_sent_and_what_to_do(restored, user, path):
    text = visible_text(user.get(path).text)
    assert "restored from a backup" in text
    assert "2026-11-29 10:00 UTC" in text
    assert "ses restore" in text
    japanese = visible_text(user.get(path, headers={"Accept-Language": "ja"}).text)
    assert "バックアップから復元" in japanese


@pytest.mark.parametrize(
    ("language", "begins", "ends"),
    [
        ("en", "This ledger was restored", "Run 'ses restore' on the server."),
        ("ja", "この台帳は", "実行してください。"),
    ],
)
def test_the_notice_is_whole_sentences(language, begins, ends, restored, user):
    html = user.get("/tasks", headers={"Accept-Language": language}).text
    (notice,) = re.findall(r'<p class="flash problem" role="alert">(.*?)</p>', html)
    text = visible_text(notice)
    assert text.startswith(begins), text
    assert text.endswith(ends), text


def test_it_goes_when_a_person_has_spoken(restored, user):
    assert "restored from a backup" in user.get("/tasks").text
    restore(restored.conn, ANYBODY, RestoreOrder(nothing_was_sent=True), plans=None)
    forget_snapshots()
    assert "restored from a backup" not in user.get("/tasks").text
