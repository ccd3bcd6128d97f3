"""A task that starts again and again: each start has a number, its own counts, chunks, messages and progress."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from ses_ops.cli.main import run as run_cli
from ses_ops.domain.occurrence import RunKind
from tests.integration.sending_world import quota
from tests.recording_smtp import RecordingServer


@pytest.fixture
def twice(world, monkeypatch):
    """A triggered task of six messages, started twice in a moment: the quota of eight lets two of the second out."""
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    with RecordingServer() as server:
        world.smtp_uri, world.quota_variable = server.uri, quota(8)
        world.seed("hello", count=6, type="triggered")
        for _ in range(2):
            world.whole_run(world.run("hello", RunKind.TRIGGERED))
        world.execute("UPDATE occurrence SET created_at = date_trunc('minute', now()) + number * interval '1 second'")
    return world


def ids(world) -> list[int]:
    return [row[0] for row in world.rows("SELECT id FROM occurrence ORDER BY number")]


def test_two_starts_of_one_minute_are_told_apart_by_number_and_second(twice, viewer):
    page = viewer.get("/tasks/hello").text
    assert len(re.findall(r"<time [^>]*data-seconds", page)) >= 2
    text = viewer.text("/tasks/hello")
    assert "start 1: 1 – 6" in text
    assert "start 2: 1 – 2" in text
    assert "start 2, no. 6" in text, "an address that stands there twice says of which start it is"


def test_progress_is_that_of_the_newest_start(twice, viewer):
    for path in ("/tasks", "/tasks/hello", "/"):
        assert "33% start 2: 2 of 6 sent" in viewer.text(path), path
    assert re.search(r"requested 12 sent 8 .* cached 4 ", viewer.text("/tasks/hello"))
    overview = twice.overview("hello")
    assert (overview.latest_start.number, overview.latest_start.sent_count, overview.sent_count) == (2, 2, 8)


def test_a_start_has_its_own_counts_chunks_and_messages(twice, viewer):
    first, second = ids(twice)
    one = viewer.text(f"/tasks/hello?occurrence={first}")
    assert "You see only start 1, of" in one
    assert "100% 6 of 6 sent" in one
    assert "start 2: 1 – 2" not in one
    assert one.count("customers-1@customers.example") == 1
    assert "33% 2 of 6 sent" in viewer.text(f"/tasks/hello?occurrence={second}")
    page = viewer.get("/tasks/hello").text
    assert f'<option value="{first}">start 1</option>' in page, "the filter of the messages"
    rows = list(csv.DictReader(io.StringIO(viewer.get("/tasks/hello/messages.csv").content.decode("utf-8-sig"))))
    assert [row["start"] for row in rows] == ["1"] * 6 + ["2"] * 6


def test_the_command_line_lists_starts_and_the_messages_of_one(twice, capsys):
    assert run_cli(["task", "starts", "hello", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["number"], one["request_count"], one["sent_count"], one["cached_count"]) for one in found] == [
        (2, 6, 2, 4),
        (1, 6, 6, 0),
    ]
    assert run_cli(["task", "messages", "hello", "--start", "2", "--status", "cached", "--json"]) == 0
    messages = json.loads(capsys.readouterr().out)
    assert [(one["start"], one["seq"]) for one in messages] == [(2, 3), (2, 4), (2, 5), (2, 6)]
    assert run_cli(["task", "show", "hello"]) == 0
    assert re.search(r"latest_start +no. 2: 2 of 6 sent", capsys.readouterr().out)
    assert run_cli(["task", "messages", "hello", "--start", "3"]) == 1


def test_a_task_of_one_start_is_not_told_of_numbers(world, viewer):
    world.seed("once", count=3)
    world.freeze(world.run("once"))
    text = viewer.text("/tasks/once")
    assert "start 1" not in text
    assert "0% 0 of 3 sent" in text
