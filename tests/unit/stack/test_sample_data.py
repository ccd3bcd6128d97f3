"""The sample of the first `make run`."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg2.extensions
import pytest

from ses_ops.domain.reputation import Figures, blocked_by, enough, good_by
from ses_ops.domain.send_task import parse_send_task
from ses_ops.domain.warmup import parse_plan
from ses_ops.stack import sample_data, sample_reputation
from ses_ops.stack.mailbox.simulated import REFUSALS, Simulated, simulated
from ses_ops.stack.sample_reputation import BOUGHT, MEMBERS, ONE_IN, bought, members
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.tasks import overview

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


class Client:
    """Airflow's Variables."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}

    def variable_exists(self, key: str) -> bool:
        return key in self.variables

    def create_variable(self, key: str, value: str, description: str) -> None:
        self.variables[key] = value


def test_the_tasks_share_one_sender_domain_and_ask_for_more_than_its_first_days() -> None:
    tasks = [parse_send_task(entry, where="sample") for entry in sample_data.task_entries(NOW)]
    assert {task.sender_domain for task in tasks} == {sample_data.SENDER_DOMAIN}
    plan = parse_plan(sample_data.SENDER_DOMAIN, sample_data.warmup_quota(NOW)[sample_data.SENDER_DOMAIN])
    assert plan.is_rehearsal
    assert plan.steps[0] + plan.steps[1] < 2 * sample_data.CUSTOMERS + sample_data.ORDERS


def test_no_sample_address_can_be_a_real_mailbox() -> None:
    of_both = (sample_data.customers(), sample_data.orders(), members(str), bought(str))
    rows = [row for group in of_both for row in list(group)[1:]]
    assert {row[0].rsplit(".", 1)[1] for row in rows} == {"example"}
    assert len(rows) == sample_data.CUSTOMERS + sample_data.ORDERS + MEMBERS + BOUGHT


def test_the_second_domains_good_list_rises_and_its_bad_one_is_blocked_by_the_rules() -> None:
    plan = parse_plan(sample_reputation.SENDER_DOMAIN, sample_data.warmup_quota(NOW)[sample_reputation.SENDER_DOMAIN])
    assert plan.led_by_reputation
    assert plan.is_rehearsal
    assert not any(simulated(row[0]) for row in members(str))
    refused = sum(simulated(row[0]) is Simulated.UNKNOWN for row in bought(str))
    assert blocked_by(Figures(accepted=BOUGHT - refused, invalid_refused=refused)) is not None
    first_tried = Figures(accepted=301 - 301 // ONE_IN, invalid_refused=301 // ONE_IN)
    assert blocked_by(first_tried) is not None, "as soon as there are enough of them"
    good = Figures(accepted=MEMBERS)
    assert good_by(good) == 1
    assert [level for level in (1, 2, 3) if enough(good, level)] == [1, 2]


def test_the_first_days_quota_reaches_the_simulators_addresses_that_accept_mail() -> None:
    plan = parse_plan(sample_data.SENDER_DOMAIN, sample_data.warmup_quota(NOW)[sample_data.SENDER_DOMAIN])
    found = {simulated(row[0]): number for number, row in enumerate(list(sample_data.customers())[1:], 1)}
    del found[None]
    assert found == {what: number for number, what in sample_data.SIMULATED.items()}
    # The README shows that all messages of the first day are sent.
    assert all((number > plan.steps[0]) == (what in REFUSALS) for what, number in found.items())


def test_the_sample_comes_back(ses_conn: psycopg2.extensions.connection) -> None:
    sample_data.load_groups_and_tasks(ses_conn, NOW)
    assert sender_domains.bounce_domain(ses_conn, sample_data.SENDER_DOMAIN) == "bounces.mail.example.com"
    found = {task["name"]: task.get("unsubscribe") for task in sample_data.task_entries(NOW)}
    assert found == {"spring-sale": "en", "spring-reminder": None, "order-notices": None}
    second = sample_reputation.SENDER_DOMAIN
    assert sender_domains.bounce_domain(ses_conn, second) == "bounces.offers.example.com", "or nothing would rise"


def test_it_is_loaded_once_and_does_not_come_back(
    ses_dsn: str, ses_conn: psycopg2.extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", raising=False)
    monkeypatch.delenv("SES_SAMPLE", raising=False)
    client = Client()
    loaded = sample_data.load(ses_dsn, client)
    assert len(loaded.notes) == 2
    assert loaded.tasks == ["spring-sale", "spring-reminder", "order-notices", "member-offer", "bought-list-offer"]
    assert [task.name for task in overview.list_tasks(ses_conn)] == loaded.tasks
    with ses_conn, ses_conn.cursor() as cursor:
        cursor.execute("UPDATE send_task SET deleted_at = now()")
    assert sample_data.load(ses_dsn, client) == sample_data.Loaded()
    with ses_conn:
        assert overview.list_tasks(ses_conn) == []


def test_the_sample_can_be_left_out(ses_dsn: str, ses_conn: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_SAMPLE", "off")
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "{}")
    client = Client()
    assert sample_data.load(ses_dsn, client) == sample_data.Loaded()
    assert client.variables == {}
