"""Statistics in a real browser: both themes, a phone, the keyboard, Japanese."""

from __future__ import annotations

import pytest

from tests.console.counted_mail import two_mailings

LONG = "https://shop.example/" + "a-very-long-path-without-a-break-" * 20


@pytest.fixture
def counted(world):
    two_mailings(world)
    world.execute("UPDATE tracked_link SET target = %s", LONG)
    return world


@pytest.mark.parametrize("query", ["", "?by=mailbox_provider&days=365"])
def test_the_sums_shut_nobody_out(query, counted, nothing_shuts_people_out):
    nothing_shuts_people_out(f"/statistics{query}")


def test_the_statistics_of_a_task_shut_nobody_out(counted, nothing_shuts_people_out):
    nothing_shuts_people_out("/tasks/spring/statistics?with=autumn")
