"""Every figure of a mailing is the same wherever it is shown: each place counts by the one status of a message."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.cli.main import run as run_cli
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import SesError
from ses_ops.storage.ledger import activity, progress
from ses_ops.storage.ledger.messages import MessageSearch, all_messages
from ses_ops.storage.ledger.progress import LedgerScope
from ses_ops.storage.tasks.send_tasks import find_row
from tests.actors import ANYBODY
from tests.integration.sending_world import DOMAIN, quota
from tests.recording_smtp import RecordingServer

COUNT = {status: f"{status.value}_count" for status in MessageStatus} | {MessageStatus.SENDING: "in_progress_count"}
#: As the pages name them.
WORDS = {
    MessageStatus.UNKNOWN: "in doubt",
    MessageStatus.SENDING: "on its way",
    MessageStatus.QUEUED: "waiting for its turn",
}
WAITING = (MessageStatus.CACHED, MessageStatus.RETRYING, MessageStatus.QUEUED)


def never_started(world) -> None:
    pass


def without_a_quota(world) -> None:
    world.quota_variable = {}
    run = world.run("hello")
    world.freeze(run)
    with pytest.raises(SesError):
        world.reserve(run)


def over_the_quota(world) -> None:
    world.whole_run(world.run("hello"), chunk_size=3)


def cancelled_over_the_quota(world) -> None:
    over_the_quota(world)
    task_decisions.cancel(world.conn, ANYBODY, "hello")


def cancelled_without_a_quota(world) -> None:
    without_a_quota(world)
    task_decisions.cancel(world.conn, ANYBODY, "hello")


def paused_before_its_turn(world) -> None:
    world.freeze(world.run("hello"))
    task_decisions.pause(world.conn, ANYBODY, "hello")


def put_off(world) -> None:
    world.quota_variable = quota(100)
    world.server.refuse = lambda recipient: b"452 4.2.2 mailbox full" if recipient.startswith("customers-4") else None
    world.whole_run(world.run("hello"), chunk_size=3)


def sent_to_a_server_that_is_away(world) -> None:
    world.smtp_uri = "smtp://127.0.0.1:1/?unavailable_after=0.2"
    run = world.run("hello")
    world.freeze(run)
    (chunk,) = world.reserve(run).chunk_ids
    with pytest.raises(SesError):
        world.send(chunk, run)


def put_off_and_over_the_quota(world) -> None:
    world.server.refuse = lambda recipient: b"452 4.2.2 mailbox full" if recipient.startswith("customers-4") else None
    world.whole_run(world.run("hello"), chunk_size=3)


def held_by_a_living_sender(world) -> None:
    over_the_quota(world)
    world.held_by_a_sender("hello")


def cancelled_while_it_was_being_sent(world) -> None:
    held_by_a_living_sender(world)
    task_decisions.cancel(world.conn, ANYBODY, "hello")


def held_by_a_dead_sender(world) -> None:
    held_by_a_living_sender(world)
    world.execute("UPDATE attempt SET heartbeat_at = now() - interval '1 minute'")


def reserved_and_not_begun(world) -> None:
    run = world.run("hello")
    world.freeze(run)
    world.reserve(run, chunk_size=3)


def refused_and_in_doubt(world) -> None:
    world.quota_variable = quota(100)
    world.server.refuse = lambda recipient: b"552 5.2.2 mailbox full" if recipient.startswith("customers-2") else None
    run = world.run("hello")
    world.freeze(run)
    first, second, *_rest = world.reserve(run, chunk_size=4).chunk_ids
    world.send(first, run)
    world.die_in_mid_send(second, marked=3)
    world.settle(run)


def counted_as_sent_by_a_person(world) -> None:
    refused_and_in_doubt(world)
    task_decisions.resolve_unknown(world.conn, ANYBODY, "hello", task_decisions.UnknownDecision.ASSUME_SENT)


def failed_ones_asked_for_again(world) -> None:
    refused_and_in_doubt(world)
    task_decisions.retry_failed(world.conn, ANYBODY, "hello")


def failed_ones_sent_again(world) -> None:
    failed_ones_asked_for_again(world)
    world.server.refuse = None
    world.whole_run(world.run("hello", RunKind.TRIGGERED))


def started_twice(world) -> None:
    world.execute("UPDATE send_task SET type = 'triggered'")
    for _ in range(2):
        world.whole_run(world.run("hello", RunKind.TRIGGERED), chunk_size=3)


SCENES: tuple[Callable, ...] = (
    *(never_started, without_a_quota, over_the_quota, cancelled_over_the_quota, cancelled_without_a_quota),
    *(
        paused_before_its_turn,
        put_off,
        sent_to_a_server_that_is_away,
        put_off_and_over_the_quota,
        held_by_a_living_sender,
    ),
    *(cancelled_while_it_was_being_sent, held_by_a_dead_sender, reserved_and_not_begun, refused_and_in_doubt),
    *(counted_as_sent_by_a_person, failed_ones_asked_for_again, failed_ones_sent_again, started_twice),
)


@pytest.fixture
def mailing(world, monkeypatch):
    """A task of twelve messages over a quota of seven."""
    monkeypatch.setattr("ses_ops.sending.chunk.deferred.RETRY_DELAYS", ())
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(7)))
    with RecordingServer() as server:
        world.server, world.smtp_uri, world.quota_variable = server, server.uri, quota(7)
        world.seed("hello", count=12)
        yield world


def figures(one, fields: dict[MessageStatus, str] = COUNT) -> Counter:
    """Not the noughts."""
    return Counter({status: getattr(one, field) for status, field in fields.items() if getattr(one, field)})


def added(parts) -> Counter:
    return sum((figures(part) for part in parts), Counter())


def of_chunks(chunks) -> Counter:
    found: Counter = Counter()
    for one in chunks:
        for status in (MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.SUPPRESSED, MessageStatus.UNKNOWN):
            found[status] += getattr(one, status.value)
        if one.standing is not None:
            found[one.standing] += one.pending
    return +found


def on_the_page(text: str) -> Counter:
    """The figures at the top of a task's page."""
    place = text[text.index(" requested ") :]
    found = {
        status: re.search(rf" {WORDS.get(status, status.value)} ([\d,]+)(?= |$)", place[:400])
        for status in MessageStatus
    }
    return Counter({status: int(match[1]) for status, match in found.items() if match and int(match[1])})


def listed(world, **search) -> Counter:
    rows = [row for batch in all_messages(world.conn, MessageSearch(**search), size=5) for row in batch]
    world.conn.rollback()
    return Counter(MessageStatus(row.status) for row in rows)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_every_place_shows_the_same_figures_and_only_what_a_living_sender_holds_is_on_its_way(
    mailing, user, scene, capsys, monkeypatch
):
    scene(mailing)
    overview = mailing.overview("hello")
    task_id = find_row(mailing.conn, "hello").id
    scope = LedgerScope(task_id=task_id)
    expected = figures(overview)
    assert expected.total() == overview.request_count
    held = scene in (held_by_a_living_sender, cancelled_while_it_was_being_sent)
    assert bool(overview.in_progress_count) == held, "on its way is only what a living sender holds"
    assert figures(progress.counts(mailing.conn, scope)) == expected, "the task's page"
    assert added(progress.occurrences(mailing.conn, scope, limit=10)) == expected, "its starts"
    assert of_chunks(progress.chunks(mailing.conn, scope, limit=100)) == expected, "its chunks"
    assert listed(mailing, task_id=task_id) == expected, "its messages"
    filtered = {status: listed(mailing, task_id=task_id, status=status.value) for status in MessageStatus}
    assert sum(filtered.values(), Counter()) == expected, "the filter"
    assert all(set(found) <= {status} for status, found in filtered.items())
    (line,) = _json(capsys, monkeypatch, mailing, "task", "list")
    assert Counter({status: line[field] for status, field in COUNT.items() if line[field]}) == expected, "ses task list"
    assert sum(value for key, value in line.items() if key.endswith("_count")) == 2 * line["request_count"]
    if expected:
        assert on_the_page(user.text("/tasks/hello")) == expected, "the head of the page"
        rows = csv.DictReader(io.StringIO(user.get("/tasks/hello/messages.csv").content.decode("utf-8-sig")))
        assert Counter(MessageStatus(row["status"]) for row in rows) == expected, "the file"
    waiting = sum(expected[status] for status in WAITING)
    (domain,) = _json(capsys, monkeypatch, mailing, "quota", "show")
    assert domain["backlog"] == waiting, "ses quota show"
    shown = re.search(r"Backlog ([\d,]+) ", user.text(f"/domains/{DOMAIN}"))
    assert int(shown[1] if shown else 0) == waiting, "the domain's page"
    days = user.text("/live/overview-days")
    total = re.search(r"(\d+) messages? w(?:as|ere) sent in the last 30 days", days)
    assert int(total[1] if total else 0) == expected[MessageStatus.SENT], "the overview"
    since = datetime.now(UTC) - timedelta(days=1)
    lately = activity.sent_lately(mailing.conn, since=since, hidden=[], tests=False)
    assert sum(one.failed for one in lately) == expected[MessageStatus.FAILED], "what failed on each day"
    mailing.conn.rollback()
    mailing.check_ledger()


def _json(capsys, monkeypatch, world, *command: str):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    capsys.readouterr()
    assert run_cli([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "scene", [cancelled_over_the_quota, cancelled_without_a_quota], ids=["over the quota", "without a quota"]
)
def test_what_a_cancel_kept_back_says_who_and_when_and_promises_no_next_try(mailing, user, scene, capsys, monkeypatch):
    scene(mailing)
    unsent = 12 - mailing.overview("hello").sent_count
    overview = mailing.overview("hello")
    assert (overview.status, overview.cancelled_count, overview.next_run_at) == ("cancelled", unsent, None)
    assert re.fullmatch(r"cancelled by ann at \d{4}-\d\d-\d\d \d\d:\d\d UTC", overview.reason)
    for path in ("/tasks", "/tasks/hello", "/live/task/hello", "/tasks/hello?status=cancelled"):
        text = user.text(path)
        assert "cancelled by ann at" in text, path
        for promise in ("is used up", "next try", "goes on", "Goes on", "cached until"):
            assert promise not in text, (path, promise)
    messages = _json(capsys, monkeypatch, mailing, "task", "messages", "hello", "--status", "cancelled")
    assert len(messages) == unsent
    assert {(row["next_try_at"], row["chunk_reason"]) for row in messages} == {(None, overview.reason)}


def test_a_task_without_a_quota_says_so_in_words_and_links_to_where_it_is_mended(mailing, user):
    without_a_quota(mailing)
    overview = mailing.overview("hello")
    assert (overview.status, overview.next_run_at, overview.queued_count) == ("error", None, 12)
    for path in ("/tasks", "/tasks/hello", "/"):
        page = user.get(path).text
        assert f'href="/mail/ses/domains/{DOMAIN}"' in page or f"/domains/{DOMAIN}" in page, path
        assert "ses_warmup_quota[" not in page, path
        assert f"nothing can be sent from '{DOMAIN}'" in user.text(path) or path == "/"


def test_progress_never_falls_and_is_that_of_the_words_beside_it(mailing, user):
    """Also when failed messages are asked for again, when a doubt is settled, and when the task is cancelled."""
    seen = []

    def look() -> None:
        page = user.text("/tasks/hello")
        share, sent, requested = re.search(r"(\d+)% ([\d,]+) of ([\d,]+) sent", page).groups()
        assert int(share) == int(100 * int(sent) / int(requested))
        seen.append(int(share))

    refused_and_in_doubt(mailing)
    look()
    task_decisions.retry_failed(mailing.conn, ANYBODY, "hello")
    look()
    task_decisions.resolve_unknown(mailing.conn, ANYBODY, "hello", task_decisions.UnknownDecision.ASSUME_SENT)
    look()
    mailing.server.refuse = None
    mailing.whole_run(mailing.run("hello", RunKind.TRIGGERED))
    look()
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_put_off_mail_is_retrying_with_when_and_why(mailing, user, capsys, monkeypatch):
    put_off(mailing)
    overview = mailing.overview("hello")
    assert (overview.status, overview.retrying_count) == ("retrying", 1)
    assert "mailbox full" in overview.reason
    assert overview.next_run_at is not None
    for path in ("/tasks", "/tasks/hello", "/"):
        page = user.get(path).text
        assert 'class="badge retrying"' in page, path
        assert "mailbox full" in page, path
    assert "next try" in user.text("/tasks")
    assert "Put off by the mail server hello" in user.text("/")
    assert [task["name"] for task in _json(capsys, monkeypatch, mailing, "task", "list", "--status", "retrying")] == [
        "hello"
    ]
    assert "paused" not in user.text("/tasks/hello").partition("Messages over time")[0].partition("Progress")[2]


def test_a_time_that_has_come_is_due_and_not_a_next_mail_in_the_past(mailing, user, capsys, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", mailing.dsn)
    failed_ones_asked_for_again(mailing)
    assert mailing.overview("hello").is_due
    for path in ("/tasks", "/tasks/hello?status=cached"):
        text = user.text(path)
        assert "due now" in text, path
        assert "next try" not in text, path
        assert "cached until" not in text, path
    for command in (["task", "list"], ["task", "show", "hello"], ["task", "messages", "hello", "--status", "cached"]):
        assert run_cli(command) == 0
        assert "due now" in capsys.readouterr().out, command
