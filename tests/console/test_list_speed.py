"""A group of 1 000 000 recipients and as many suppressed addresses: every look at them is answered in under 0.3 s."""

from __future__ import annotations

import pytest

from tests.console.stopwatch import Stopwatch

#: Seconds.
LIMIT = 0.3
MANY = 1_000_000
PATHS = (
    "/groups",
    "/groups/many",
    "/groups/many?line=900000",
    # What few have, what nobody has, what everybody has.
    "/groups/many?q=-999999@",
    "/groups/many?q=nobody",
    "/groups/many?q=x.example",
    "/groups/many?q=p-999999@x.example",
    "/suppression",
    "/suppression?q=-1000001@",
    "/suppression?q=nobody",
    "/suppression?q=x.example&page=200",
    "/suppression?reason=complaint",
    # The forecast counts its next audience.
    "/tasks/weekly",
)


@pytest.fixture
def millions(world):
    """Half of the recipients are on the suppression list."""
    world.seed("weekly", group="many", count=0, type="recurring", start_at="2099-01-01 09:00", every="7d")
    # Indexes that are made at the end take a third of the time.
    world.execute(
        "ALTER TABLE recipient SET UNLOGGED; DROP INDEX recipient_of_group;"
        " ALTER TABLE suppression SET UNLOGGED, DROP CONSTRAINT suppression_pkey"
    )
    world.execute(
        "INSERT INTO recipient (group_id, position, address, address_key, values)"
        ' SELECT g.id, n, a, a, \'{"name": "Person"}\' FROM recipient_group g,'
        " LATERAL (SELECT n, 'p-' || n || '@x.example' AS a FROM generate_series(1, %s) n) x",
        MANY,
    )
    world.execute(
        "INSERT INTO suppression (address_key, address, reason, created_at)"
        " SELECT a, a, 'unsubscribe', now() - n * interval '1 s'"
        " FROM (SELECT n, 'p-' || n || '@x.example' AS a FROM generate_series(%s, %s) n) x",
        *(MANY // 2 + 1, MANY // 2 + MANY),
    )
    world.execute(
        "ALTER TABLE suppression ADD PRIMARY KEY (address_key);"
        " CREATE INDEX recipient_of_group ON recipient (group_id, position)"
    )
    world.execute("UPDATE recipient_group SET recipient_count = %s", MANY)
    world.execute("ANALYZE recipient, suppression")
    return world


def test_every_look_at_a_million_recipients_and_suppressed_addresses_is_quick(millions, viewer, postgres):
    from ses_ops.console.database import forget_snapshots

    def look(path: str) -> None:
        forget_snapshots()
        assert viewer.get(path).status_code == 200, path

    viewer.get("/tasks")  # what the first request of all has to load
    watch = Stopwatch(postgres)
    took = {path: watch.best(lambda path=path: look(path), limit=LIMIT) for path in PATHS}
    assert not {path: seconds for path, seconds in took.items() if seconds >= LIMIT}
