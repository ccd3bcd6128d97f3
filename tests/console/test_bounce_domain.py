"""The bounce domain on the page of a sender domain."""

from __future__ import annotations

import pytest

from tests.console.console_world import client as make_client
from tests.console.console_world import visible_text
from tests.integration.sending_world import DOMAIN

PAGE, CHANGE = f"/domains/{DOMAIN}", f"/bounce-domain/{DOMAIN}"
BOUNCES = f"bounces.{DOMAIN}"
JAPANESE = {"Accept-Language": "ja"}


@pytest.fixture
def op(world):
    """May write Variables, and is no administrator."""
    world.seed("hello")
    yield from make_client(world.app, "op")


def stored(world) -> str | None:
    found = world.rows("SELECT bounce_domain FROM sender_domain WHERE domain = %s", DOMAIN)
    return found[0][0] if found else None


def test_a_page_without_one_says_where_bounces_go_and_proposes_a_name(op):
    page = op.get(PAGE).text
    assert "There is no bounce domain: reports about mail that could not be delivered" in page
    assert f"Such as {BOUNCES}" in page
    assert f"{BOUNCES}. IN MX 10 HOST." in page


def test_it_is_set_changed_and_cleared_also_where_the_environment_sets_the_plan(world, op):
    done = op.post(CHANGE, bounce_domain=f" {BOUNCES.upper()}. ")
    assert (done.status_code, done.headers["location"]) == (303, f"/ses{PAGE}")
    assert stored(world) == BOUNCES
    page = op.get(PAGE).text
    assert f"has an envelope sender of its own in {BOUNCES}" in visible_text(page)
    assert f'name="bounce_domain" type="text" value="{BOUNCES}"' in page
    assert op.post(CHANGE, bounce_domain="").status_code == 303
    assert stored(world) is None
    facts = [row["extra"] for row in world.audit_log()]
    assert [(one["bounce_domain"], one["before"]) for one in facts] == [(BOUNCES, None), (None, BOUNCES)]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("localhost", "it has no dot in it"),
        ("<script>alert(1)</script>", "is not a domain name"),
        (DOMAIN, "is a sender domain, and the bounce listener would refuse the answers to its senders"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_kept_in_it(world, op, typed, why):
    answer = op.post(CHANGE, bounce_domain=typed)
    assert answer.status_code == 422
    assert why in visible_text(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert "<script>alert" not in answer.text
    assert stored(world) is None
    assert "refused" in world.audit_log()[0]["extra"]


def test_a_sender_domain_is_taken_when_that_is_ticked(world, op):
    assert 'name="even_sender_domain"' not in op.get(PAGE).text
    assert 'name="even_sender_domain"' in op.post(CHANGE, bounce_domain=DOMAIN).text
    assert op.post(CHANGE, bounce_domain=DOMAIN, even_sender_domain="yes").status_code == 303
    assert stored(world) == DOMAIN


def test_who_may_not_write_the_plan_sees_it_and_cannot_change_it(world, op, viewer):
    op.post(CHANGE, bounce_domain=BOUNCES)
    page = viewer.get(PAGE).text
    assert BOUNCES in page
    assert 'name="bounce_domain"' not in page
    assert viewer.post(CHANGE, bounce_domain="").status_code == 403
    assert stored(world) == BOUNCES


def test_a_domain_that_nobody_knows_is_not_found(world, op):
    assert op.post("/bounce-domain/other.example", bounce_domain=BOUNCES).status_code == 404
    assert world.rows("SELECT FROM sender_domain WHERE domain = 'other.example'") == []


def test_japanese(op):
    assert "バウンス用ドメインがありません" in op.get(PAGE, headers=JAPANESE).text
    refused = op.post(CHANGE, bounce_domain=DOMAIN, headers=JAPANESE).text
    assert f"「{DOMAIN}」は送信ドメインで" in visible_text(refused)
