"""The list of send tasks as a table: a mailing's own subject, columns that sort, filters that stay, starts in zones."""

from __future__ import annotations

import re
from html import unescape

import pytest

from ses_ops.console.listing import page_numbers
from ses_ops.console.page import wall_clock
from ses_ops.domain.occurrence import RunKind
from tests.console.console_world import visible_text

COLUMNS = (
    *("name", "subject", "template", "sender", "group", "type", "status", "progress"),
    *("requested", "sent", "cached", "failed", "next", "created"),
)


def cells(html: str, part: str) -> list[str]:
    """What stands in a column, from top to bottom, without its label."""
    found = re.findall(rf'data-part="{part}">(.*?)\n?\s*</div>\s*(?=<div role="cell"|</div>)', html, re.DOTALL)
    return [visible_text(re.sub(r'<span class="label".*?</span>', "", one, flags=re.DOTALL)) for one in found]


def order(client, query: str) -> list[str]:
    return re.findall(r'role="row" data-key="([a-z]+)"', client.get(f"/tasks{query}").text)


def test_the_subject_is_the_one_that_the_first_recipient_sees(world, viewer):
    world.seed("templates", group="few", count=3)
    world.seed("own", group="few", subject="{{ name | upper }}: 20 % off", advertisement="before")
    assert cells(viewer.get("/tasks").text, "subject") == ["[AD] PERSON 1: 20 % off", "Hello Person 1"]
    assert order(viewer, "?q=person 1: 20") == ["own"]
    assert order(viewer, "?q=hello PERSON") == ["templates"]
    assert order(viewer, "?q=upper") == ["own"], "and by the words that were typed"


def test_the_subject_of_what_was_sent_stays_when_its_template_and_its_group_change(world, viewer):
    world.seed("old", group="few", count=2)
    world.freeze(world.run("old", RunKind.SCHEDULED))
    world.seed("young", group="few")
    (world.templates / "hello" / "subject.txt").write_text("Other words for {{ name }}")
    world.execute('UPDATE recipient SET values = \'{"name": "Zoe"}\'')
    assert cells(viewer.get("/tasks").text, "subject") == ["Other words for Zoe", "Hello Person 1"]


def test_the_subject_follows_an_edit_until_the_mailing_begins(world, viewer):
    world.seed("news", type="recurring", start_at="2099-01-01 09:00", every="7d")
    assert cells(viewer.get("/tasks").text, "subject") == ["Hello Person 1"]
    world.task(
        "news", group="customers", type="recurring", start_at="2099-01-01 09:00", every="7d", subject="New, {{ name }}"
    )
    assert cells(viewer.get("/tasks").text, "subject") == ["New, Person 1"]


@pytest.mark.parametrize("reason", ["an empty group", "no template", "a value that fails", "odd values"])
def test_a_subject_that_cannot_be_worked_out_is_shown_as_it_was_written(reason, world, viewer):
    world.seed("hello", subject="For {{ name | round }}" if reason == "a value that fails" else "For {{ name }}")
    world.execute(
        {
            "an empty group": "DELETE FROM recipient",
            "no template": "UPDATE send_task SET template = 'gone'",
            "a value that fails": 'UPDATE recipient SET values = \'{"name": "x"}\'',
            "odd values": "UPDATE recipient SET values = '7'",
        }[reason]
    )
    (shown,) = cells(viewer.get("/tasks").text, "subject")
    assert shown.startswith("For {{ name")


def test_an_audience_whose_first_subject_cannot_be_made_is_frozen_all_the_same(world):
    world.seed("hello", subject="For {{ name | truncate(2, leeway='x') }}")
    world.freeze(world.run("hello", RunKind.SCHEDULED))
    assert world.rows("SELECT first_subject FROM send_task") == [(None,)]
    assert world.overview("hello").request_count == 10


def test_every_fact_has_a_column_of_its_own_that_sorts(world, viewer):
    world.seed("alpha", sender="A <a@mail.example.com>", subject="Zebra")
    world.seed("beta", sender="B <b@mail.example.com>", subject="Apple", group="others", type="triggered")
    world.outcome("alpha", sent=7, failed=3, cached=5)
    html = viewer.get("/tasks").text
    heads = re.findall(r'role="columnheader" class="cell at-(\w+)', html)
    assert heads == [*COLUMNS, "actions"], "who may do nothing has nothing to select"
    for column in COLUMNS:
        assert f"sort={column}&amp;order=" in html, column
    assert cells(html, "template") == ["hello", "hello"]
    assert cells(html, "sender") == ["B <b@mail.example.com>", "A <a@mail.example.com>"]
    assert cells(html, "group") == ["others", "customers"]
    assert cells(html, "type") == ["triggered", "immediate"]
    assert [cells(html, one)[1] for one in ("requested", "sent", "cached", "failed")] == ["15", "7", "5", "3"]
    for column in ("subject", "requested", "sent", "cached", "failed"):
        assert order(viewer, f"?sort={column}&order=asc") == ["beta", "alpha"], column
    for column in ("name", "sender", "group", "type"):
        assert order(viewer, f"?sort={column}&order=asc") == ["alpha", "beta"], column
        assert order(viewer, f"?sort={column}&order=desc") == ["beta", "alpha"], column


def test_filters_stay_in_the_address_of_every_link_of_the_list(world, user):
    world.group("few", 1)
    for number in range(60):
        world.task(f"task-{number:02}", group="few")
    html = user.get("/tasks?template=hello&group=few&status=waiting&sort=name&order=asc").text
    kept = "template=hello&group=few"
    links = [unescape(one) for one in re.findall(r'href="/ses/tasks\?([^"]+)"', html)]
    assert len(links) > len(COLUMNS)
    assert all("status=waiting" in one and kept in one for one in links), links
    back = [unescape(one) for one in re.findall(r'name="(?:back|list)" value="([^"]*)"', html)]
    assert back
    assert all("status=waiting" in one and kept in one for one in back)
    assert unescape(re.search(r'data-live="([^"]+)"', html)[1]).count(kept) == 1
    assert order(user, "?template=none") == order(user, "?group=none") == []


@pytest.mark.parametrize(
    ("page", "pages", "shown"),
    [
        (1, 1, [1]),
        (1, 3, [1, 2, 3]),
        (1, 40, [1, 2, 3, None, 40]),
        (4, 40, [1, 2, 3, 4, 5, 6, None, 40]),
        (5, 40, [1, 2, 3, 4, 5, 6, 7, None, 40]),
        (20, 40, [1, None, 18, 19, 20, 21, 22, None, 40]),
        (40, 40, [1, None, 38, 39, 40]),
    ],
    ids=str,
)
def test_pages_are_linked_by_their_number_and_the_last_is_among_them(page, pages, shown):
    assert page_numbers(page, pages) == shown


def test_a_long_list_links_its_last_page(world, viewer):
    world.group("few", 1)
    for number in range(60):
        world.task(f"task-{number:02}", group="few")
    html = viewer.get("/tasks?size=25&page=2").text
    nav = html[html.index('<nav class="pages"') :]
    assert re.findall(r'aria-label="Page (\d) of 3"', nav) == ["1", "2", "3"]
    assert 'href="/ses/tasks?page=3"' in nav
    assert re.search(r'page=2"[^>]*aria-current="page"', nav)


def test_a_start_is_told_in_the_tasks_own_zone_with_the_viewers_beside_it(world, viewer):
    world.seed("weekly", type="recurring", start_at="2099-07-01 09:30", every="7d", time_zone="America/New_York")
    (cell,) = cells(viewer.get("/tasks").text, "next")
    assert cell.startswith("2099-07-01 09:30 America/New_York")
    html = viewer.get("/tasks").text
    assert '<time datetime="2099-07-01T13:30:00+00:00"' in html, "which the viewer's browser writes in its zone"
    assert "2099-07-01 09:30 America/New_York" in viewer.text("/")
    assert "2099-07-01 09:30 America/New_York" in viewer.text("/live/task/weekly")


def test_a_zone_that_is_none_is_told_in_utc(world):
    from datetime import UTC, datetime

    assert wall_clock(datetime(2026, 7, 1, 9, 30, tzinfo=UTC), "Mars/Olympus") == "2026-07-01 09:30"
    assert wall_clock(datetime(2026, 7, 1, 9, 30, tzinfo=UTC), "Asia/Tokyo") == "2026-07-01 18:30"


def test_long_text_is_clamped_and_the_whole_is_at_hand(world, viewer):
    long = "A subject that goes on & on, <without> ever coming to its point" * 3
    world.seed("hello", subject=long)
    html = viewer.get("/tasks").text
    (whole,) = re.findall(r'class="clamped" tabindex="0" data-whole="([^"]*subject[^"]*)"', html)
    assert unescape(whole) == long
    assert visible_text(html).count(long) == 1
