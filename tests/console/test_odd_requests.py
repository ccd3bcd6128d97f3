"""Addresses and forms that no page of ours makes: an answer that says no, and never an error of the server."""

from __future__ import annotations

import pytest

LONG = "x" * 5_000


@pytest.mark.parametrize("odd", ["%00", "%FF%FE", "%ED%A0%80", "%E2%80%AE", "..%2f..%2fetc", "{{7*7}}", LONG])
def test_odd_addresses(world, user, odd):
    world.seed("hello")
    statuses = {}
    for path in (
        *(f"/tasks?q={odd}&status={odd}&domain={odd}&page={odd}", f"/tasks/{odd}", f"/tasks/{odd}/edit"),
        *(f"/tasks/hello?occurrence={odd}&before={odd}&chunks={odd}&status={odd}&address={odd}&after={odd}.{odd}",),
        *(f"/tasks/hello/messages.csv?run={odd}&occurrence={odd}&address={odd}", f"/run/send_task__hello/{odd}"),
        *(f"/groups?q={odd}&sort={odd}", f"/groups/{odd}", f"/groups/customers?q={odd}&line={odd}"),
        *(f"/groups/{odd}/upload", f"/group-sample?template={odd}", f"/imports/{odd}", f"/domains/{odd}"),
        *(f"/suppression?q={odd}&reason={odd}", f"/suppression/export?q={odd}", f"/suppression/remove?address={odd}"),
        *(f"/templates/{odd}", f"/templates/hello?group={odd}&line={odd}&v_name={odd}", f"/test-sends/{odd}"),
        *(f"/new-task?clone={odd}&group={odd}", f"/new-task/mail?template={odd}&group={odd}&unsubscribe_url={odd}"),
    ):
        statuses[path[:100]] = user.get(path).status_code
    assert not {path: status for path, status in statuses.items() if status >= 500}


@pytest.mark.parametrize("odd", ["\0", "a\0b", "\u202e", LONG])
def test_odd_forms(world, user, odd):
    world.seed("hello")
    fields = (
        "name",
        "type",
        "template",
        "subject",
        "sender",
        "group",
        "start_at",
        "every",
        "cron",
        "until",
        "reply_to",
    )
    form = dict.fromkeys((*fields, "unsubscribe_url", "addresses", "reason", "note", "expires", "description"), odd)
    good = {"type": "immediate", "template": "hello", "group": "customers", "sender": "news@example.com"}
    statuses = {}
    for path in (
        *("/new-task", "/new-task/review", "/tasks/hello/edit", "/tasks/hello/pause", "/suppression/add", "/new-group"),
        *("/suppression/remove", "/groups/customers/describe", "/groups/customers/upload", "/templates/hello/test"),
    ):
        for kind, given in {"odd": form, "nearly good": {**form, **good}}.items():
            statuses[path, kind] = user.post(path, **given).status_code
    assert not {path: status for path, status in statuses.items() if status >= 500}
