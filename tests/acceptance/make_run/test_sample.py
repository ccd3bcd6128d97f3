"""What the first `make run` shows a newcomer: the sample is sent, without anybody's help."""

from __future__ import annotations

from ses_ops.storage.connection import connected
from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess

#: Tasks of the other tests of this folder.
OTHERS = {"summer-sale", "stopped", "member-letter", "bought-letter"}
MAIL = "/api/messages?to=@shoppers.example&limit=1"


def test_the_sample_sends_until_the_days_quota_is_used_up(stack: StackProcess) -> None:
    wait_for(lambda: stack.mailbox(MAIL)["count"] >= 500, "a day's quota in the mailbox", 240)
    (message,) = stack.mailbox(MAIL)["messages"]
    assert message["to"][0].endswith("@shoppers.example")
    _, found = stack.call("GET", "/api/v2/dags?dag_id_pattern=send_task__", token=stack.token())
    names = {dag["dag_id"].removeprefix("send_task__") for dag in found["dags"]}
    # Those of test_reference_api.py have a name of their own each time.
    names = {name for name in names if not name.startswith("batch-")}
    assert names - OTHERS == {"spring-sale", "spring-reminder", "order-notices", "member-offer", "bought-list-offer"}
    (log,) = stack.home.glob("logs/first-dags.log")
    assert "Traceback" not in log.read_text()


def test_what_the_simulators_addresses_send_back_is_recorded(stack: StackProcess) -> None:
    """Real reports by SMTP to the bounce listener, and a real click on the link of a delivered mail."""

    def told() -> set[tuple[str, str, bool]]:
        with connected(stack.description["db_dsn"]) as conn, conn.cursor() as cursor:
            cursor.execute(
                "SELECT split_part(m.address, '@', 1), e.kind::text, e.hard"
                " FROM message_event e JOIN message m USING (occurrence_id, seq)"
            )
            return set(cursor.fetchall())

    def suppressed() -> set[tuple[str, str, str]]:
        with connected(stack.description["db_dsn"]) as conn, conn.cursor() as cursor:
            cursor.execute("SELECT split_part(address, '@', 1), scope, reason FROM suppression WHERE source <> ''")
            return set(cursor.fetchall())

    expected = {
        ("bounce", "bounced", True),
        ("softbounce", "bounced", False),
        ("complaint", "complained", False),
        ("unsubscribe", "unsubscribed", False),
    }
    wait_for(lambda: told() >= expected, "what comes back of the sample", 240)
    assert told() == expected
    assert suppressed() == {
        ("bounce", "", "hard_bounce"),
        ("complaint", "", "complaint"),
        ("unsubscribe", "mail.example.com", "unsubscribe"),
    }
