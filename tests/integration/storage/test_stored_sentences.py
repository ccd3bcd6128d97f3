"""Errors and reasons in the database keep their code and facts beside their English sentence."""

from __future__ import annotations

import pytest

from ses_ops.console.errors import worded
from ses_ops.console.language import language
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import Explanation, QuotaError, Sentence
from ses_ops.sending.reserve import reserve_chunks
from ses_ops.storage.connection import transaction
from ses_ops.storage.tasks import send_tasks
from tests.integration.sending_world import quota

JA = language("ja")


def test_an_error_of_a_task_is_read_with_its_code_and_facts(world):
    world.group("customers", 2)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    with pytest.raises(QuotaError) as problem:
        reserve_chunks(world.conn, run, plans=QuotaPlans.parse("{}"), chunk_size=10)
    error = world.overview("hello").error
    assert isinstance(error, Sentence)
    assert error == str(problem.value)
    assert error.explanation == problem.value.explanation
    assert worded(JA, error).endswith("この送信ドメインの項目がありません")
    with transaction(world.conn):
        send_tasks.set_error(world.conn, "hello", None)
    assert world.overview("hello").error is None


def test_a_reason_of_waiting_mail_is_read_with_its_code_and_facts(world):
    world.quota_variable = quota(5)
    world.group("customers", 9)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    world.reserve(run)
    reason = world.overview("hello").reason
    assert isinstance(reason, Sentence)
    assert (reason.explanation.code, reason.explanation.facts["quota"]) == ("quota_used_up", 5)
    assert worded(JA, reason) != reason


def test_a_sentence_of_an_earlier_version_is_shown_as_it_is(world):
    world.group("customers", 2)
    world.task("hello", group="customers")
    with transaction(world.conn):
        send_tasks.set_error(world.conn, "hello", "what an earlier version said")
    error = world.overview("hello").error
    assert (error, type(error)) == ("what an earlier version said", str)
    assert worded(JA, error) == error


def test_facts_with_what_the_database_cannot_hold_are_stored(world):
    world.group("customers", 2)
    world.task("hello", group="customers")
    why = Explanation("not_a_domain", domain="a\x00\ud800", why=Explanation("domain_empty"))
    with transaction(world.conn):
        send_tasks.pause(world.conn, "hello", reason=why.sentence)
    reason = world.overview("hello").reason
    assert isinstance(reason, Sentence)
    assert reason.explanation.facts["why"] == Explanation("domain_empty")
