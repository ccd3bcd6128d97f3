"""Bulk mail leaves the share of single messages alone, and single messages take whatever is left."""

from __future__ import annotations

import pytest

from ses_ops.application.forecasts import forecast_with
from ses_ops.application.quota_status import domain_quota
from ses_ops.domain.forecast import PendingMail
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.single.places import reserve_places
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.quota import sender_domains
from tests.integration.sending_world import DOMAIN, World, quota

KEY = "INSERT INTO api_key (id, name, scopes, domains, secret_hash, secret_box) VALUES ('A', 'a', %s, %s, '', '')"


def plan(world: World):
    return QuotaPlans.parse(world.quota_variable)[DOMAIN]


def take_single(world: World, count: int) -> int:
    with transaction(world.conn):
        return reserve_places(world.conn, plan(world), count).count


def reserve(world: World, count: int):
    world.group("everybody", count)
    world.task("news", group="everybody")
    run = world.run("news")
    world.freeze(run)
    return world.reserve(run)


def with_share(limit: int, share: int) -> dict:
    return {DOMAIN: {**quota(limit)[DOMAIN], "trigger_share": share}}


def test_bulk_mail_stops_at_the_share_and_single_messages_do_not(world: World) -> None:
    world.quota_variable = with_share(100, 7)
    assert reserve(world, 120).reserved == 93
    assert take_single(world, 50) == 7
    assert take_single(world, 1) == 0


def test_what_single_messages_took_before_is_of_their_share(world: World) -> None:
    world.quota_variable = with_share(60, 10)  # under 64 messages left no blocks are reserved
    assert take_single(world, 4) == 4
    assert reserve(world, 120).reserved == 60 - 4 - 2


def test_single_messages_beyond_their_share_leave_bulk_mail_the_rest(world: World) -> None:
    world.quota_variable = with_share(60, 10)
    assert take_single(world, 30) == 30
    assert reserve(world, 120).reserved == 30


@pytest.mark.parametrize(
    ("scopes", "domains", "aside"),
    [
        (["send"], [DOMAIN], 5),
        (["manage"], ["other.example", DOMAIN], 5),
        (["read"], [DOMAIN], 0),
        (["send"], ["*"], 0),
        (["send"], ["other.example"], 0),
    ],
)
def test_without_a_word_in_the_entry_a_key_that_names_the_domain_sets_five_percent_aside(
    world: World, scopes: list[str], domains: list[str], aside: int
) -> None:
    world.quota_variable = quota(100)
    with transaction(world.conn), world.conn.cursor() as cursor:
        cursor.execute(KEY, (scopes, domains))
    with transaction(world.conn):
        today = sender_domains.today(world.conn, plan(world))
    assert (today.set_aside, today.left) == (aside, 100 - aside)
    assert reserve(world, 120).reserved == 100 - aside


def test_a_revoked_key_sets_nothing_aside_and_neither_does_an_entry_that_says_none(world: World) -> None:
    world.quota_variable = quota(100)
    with transaction(world.conn), world.conn.cursor() as cursor:
        cursor.execute(KEY, (["send"], [DOMAIN]))
        cursor.execute("UPDATE api_key SET revoked_at = now()")
    assert reserve(world, 40).reserved == 40
    with transaction(world.conn), world.conn.cursor() as cursor:
        cursor.execute("UPDATE api_key SET revoked_at = NULL")
    with transaction(world.conn):
        explicit = QuotaPlans.parse(with_share(100, 0))[DOMAIN]
        assert sender_domains.today(world.conn, explicit).left == 60
        assert sender_domains.today(world.conn, plan(world)).left == 55


def test_a_forecast_leaves_the_share_alone_also_before_the_warm_up_has_begun(world: World) -> None:
    world.quota_variable = {DOMAIN: {**quota(100)[DOMAIN], "started_on": "2190-01-01"}}
    with transaction(world.conn), world.conn.cursor() as cursor:
        cursor.execute(KEY, (["send"], [DOMAIN]))
    waiting = [PendingMail(task="news", count=100, due_at=None)]
    with transaction(world.conn):
        made = forecast_with(world.conn, plan(world), waiting, now=database_now(world.conn))
        of_domain = domain_quota(world.conn, QuotaPlans.parse(world.quota_variable), DOMAIN)
    assert [day.room for day in made.days] == [95, 95]
    assert of_domain.not_begun
    assert of_domain.shared is not None
    assert of_domain.shared.trigger_share == 5
