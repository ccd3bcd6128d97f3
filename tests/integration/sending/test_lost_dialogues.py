"""The connection to the mail server is lost when only the server knows the outcome."""

from __future__ import annotations

import pytest

from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer

DOUBTFUL = "customers-3@customers.example"


@pytest.mark.parametrize(
    ("on_unknown", "lost", "copies", "becomes"),
    [("hold", 1, 1, "unknown"), ("resend", 1, 2, "sent"), ("resend", 100, 3, "unknown")],
)
def test_a_connection_lost_after_the_final_dot_is_what_the_task_says(
    ses_dsn, tmp_path, on_unknown, lost, copies, becomes
):
    """As after a crash; but a server that takes a message and never answers is not sent it for ever."""
    with RecordingServer(hang_up=lambda address: address == DOUBTFUL and mail.accepted[address] <= lost) as mail:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail.uri)
        world.group("customers", 5)
        world.task("hello", group="customers", on_unknown=on_unknown)
        run = world.run("hello")
        world.freeze(run)
        (chunk_id,) = world.reserve(run).chunk_ids
        assert world.send(chunk_id, run).left == 0
        world.settle(run)
        assert world.rows("SELECT state::text, tries::int FROM message WHERE seq = 3") == [(becomes, copies)]
        assert mail.accepted.pop(DOUBTFUL) == copies
        assert set(mail.accepted.values()) == {1}
        world.check_ledger()
        world.close()
