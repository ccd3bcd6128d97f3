"""The other lists of the console: their columns sort, their filters stay, and long ones have a last page."""

from __future__ import annotations

import json
import re

from ses_ops.domain.occurrence import RunKind
from tests.integration.sending_world import DOMAIN


def names(client, path: str) -> list[str]:
    return [name.strip() for name in re.findall(r'<a class="name" href="[^"]+">([^<]+)</a>', client.get(path).text)]


def test_templates_are_sorted_and_searched(world, viewer):
    for name, subject, size in (("alpha", "Zebra", 10), ("beta", "Apple", 3_000), ("gamma", "Milk", 100)):
        folder = world.templates / name
        folder.mkdir()
        (folder / "subject.txt").write_text(subject)
        (folder / "body.txt").write_text("x" * size)
    world.seed("first", template="gamma")
    assert names(viewer, "/templates") == ["alpha", "beta", "gamma", "hello"]
    assert names(viewer, "/templates?sort=subject") == ["beta", "hello", "gamma", "alpha"]
    assert names(viewer, "/templates?sort=size&order=desc")[0] == "beta"
    assert names(viewer, "/templates?sort=used&order=desc")[0] == "gamma"
    assert names(viewer, "/templates?q=appl") == ["beta"]
    assert "No template fits this search." in viewer.text("/templates?q=nobody")
    assert 'href="/ses/templates?q=a&amp;sort=size&amp;order=asc"' in viewer.get("/templates?q=a").text


def test_many_templates_have_pages(world, viewer):
    for number in range(30):
        folder = world.templates / f"template-{number:02}"
        folder.mkdir()
        (folder / "subject.txt").write_text("Hello")
        (folder / "body.txt").write_text("Hello")
    assert len(names(viewer, "/templates")) == 25
    assert names(viewer, "/templates?page=2")[-1] == "template-29"


def test_sender_domains_are_sorted_and_stay_so_while_they_move(world, viewer, monkeypatch):
    entries = {
        name: {"plan": [plan], "started_on": "2026-01-01"}
        for name, plan in (("a.example", 50), ("b.example", 5), (DOMAIN, 500))
    }
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(entries))
    world.seed("hello", sender="B <news@b.example>")
    world.outcome("hello", sent=1, cached=9)
    for path in ("/domains", "/live/domains"):
        assert names(viewer, path) == ["a.example", "b.example", DOMAIN]
        assert names(viewer, f"{path}?sort=quota&order=desc") == [DOMAIN, "a.example", "b.example"]
        assert names(viewer, f"{path}?sort=left") == ["b.example", "a.example", DOMAIN]
        assert names(viewer, f"{path}?sort=backlog&order=desc")[0] == "b.example"
        assert names(viewer, f"{path}?sort=gone")[0] == "b.example"
    assert 'data-live="/ses/live/domains?sort=quota&amp;order=asc"' in viewer.get("/domains?sort=quota").text


def test_the_messages_of_a_task_have_a_last_page(world, viewer):
    world.seed("hello", count=130)
    world.freeze(world.run("hello", RunKind.SCHEDULED))
    first = viewer.get("/tasks/hello").text
    assert 'through=last#messages">Last page' in first
    last = viewer.get("/tasks/hello?through=last")
    rows = re.findall(r"customers-(\d+)@customers\.example", last.text)
    assert rows[-1] == "130"
    assert "First page" in last.text
    assert "Last page" not in last.text
    assert 'rel="next"' not in last.text
    before = re.search(r'rel="prev" href="/ses(/tasks/hello\?[^"]+)#messages"', last.text)[1]
    assert "Last page" in viewer.get(before).text
    assert viewer.get("/tasks/hello?through=last&status=failed").status_code == 200


def test_a_tasks_page_has_the_subject_that_its_first_recipient_sees(world, viewer):
    world.seed("hello")
    assert "Hello Person 1" in viewer.text("/tasks/hello")
