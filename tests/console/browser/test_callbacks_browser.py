"""The pages of callbacks in a real browser: they shut nobody out, and a secret is shown once."""

from __future__ import annotations

import pytest

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.domain.callback_target import parse_networks
from ses_ops.domain.message_event import EventKind
from tests.integration.callbacks.delivering import SOMEBODY
from tests.integration.events.mailing import sent

LONG = "a-name-of-an-endpoint-that-is-as-long-as-a-name-of-one-may-be-0"


@pytest.fixture
def full(world):
    """Endpoints in every state, and posts with every outcome."""
    allowed = parse_networks("127.0.0.0/8", where="the test")
    for name, more in (
        ("crm", {}),
        ("old", {"made_as": decisions.CallbackFormat.TENCENT}),
        (LONG, {"kinds": ["bounced"]}),
    ):
        new = decisions.NewEndpoint(name=name, url="http://127.0.0.1:8081/hook?token=hidden", **more)
        decisions.add(world.conn, SOMEBODY, new, allowed=allowed)
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(9)])
    mailing.record(*(mailing.event(seq, EventKind.BOUNCED, hard=True) for seq in range(1, 9)))
    world.execute(
        "WITH gone AS (DELETE FROM callback_waiting WHERE seq < 7 RETURNING *)"
        " INSERT INTO callback_delivery (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at,"
        "   outcome, tries, status, answer)"
        " SELECT endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at,"
        "   (ARRAY['delivered', 'failed', 'expired', 'gone'])[1 + seq %% 4], 8,"
        "   CASE WHEN seq %% 2 = 0 THEN 500 END, CASE WHEN seq %% 2 = 0 THEN %s ELSE 'timed_out' END FROM gone",
        "<b>" + "x" * 290,
    )
    world.execute("UPDATE callback_waiting SET tries = 3, last_status = NULL, last_answer = 'target_refused'")
    world.execute("UPDATE callback_endpoint SET stopped_at = now(), stopped_why = 'it answered 410' WHERE name = 'old'")
    world.execute("UPDATE callback_endpoint SET failing_since = now() - interval '2 hours' WHERE name = %s", LONG)
    return world


@pytest.mark.parametrize(
    "path", ["/callbacks", "/callbacks/crm", "/callbacks/old", f"/callbacks/{LONG}", "/new-callback"]
)
def test_the_page_shuts_nobody_out(full, nothing_shuts_people_out, path):
    nothing_shuts_people_out(path, "admin")


def test_an_endpoint_is_added_by_the_keyboard_alone(full, open_page, monkeypatch):
    monkeypatch.setenv("SES_CALLBACK_ALLOW", "127.0.0.0/8")
    page = open_page("/new-callback", "admin")
    page.get_by_label("Name").fill("hook")
    field = page.get_by_label("Address")
    field.fill("http://169.254.169.254/latest")
    field.press("Enter")
    page.locator("#url-error").wait_for()
    assert "private network" in page.locator("#url-error").inner_text()
    page.get_by_label("Address").fill("http://127.0.0.1:9/hook")
    page.get_by_label("Address").press("Enter")
    page.get_by_role("heading", name="The secret of hook").wait_for()
    secret = page.locator("code").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("link", name="I have it").press("Enter")
    page.get_by_role("heading", name="hook").wait_for()
    assert secret not in page.content()
