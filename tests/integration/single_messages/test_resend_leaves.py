"""What a person sends again leaves by a copy of the API that runs, and the page tells of it; without one it waits."""

from __future__ import annotations

import json

from ses_ops.application.secret_box import VARIABLE
from ses_ops.application.single_messages.find import find
from ses_ops.application.single_messages.resend import resend
from ses_ops.domain.single_message_status import SingleMessageStatus as Status
from ses_ops.domain.warmup import VARIABLE as QUOTA
from tests.actors import ANYBODY
from tests.integration.api.api_process import FERNET_KEY, ApiProcess
from tests.integration.callbacks.delivering import until
from tests.single_mail import FAILED, SingleMail, said

ANN = "ann@shop.example"


def status(world, one):
    view = find(world.conn, one)
    world.conn.rollback()
    return view.status


def test_a_message_is_sent_again_by_the_api_once_it_runs(world, mail_server, tmp_path):
    mail = SingleMail(world.conn)
    first = mail.message((ANN, FAILED), content=said(ANN).stored)
    made = resend(world.conn, ANYBODY, first)
    assert made.copies == 0
    settings = {
        VARIABLE: FERNET_KEY,
        "AIRFLOW_CONN_SES_SMTP": mail_server.uri,
        f"AIRFLOW_VAR_{QUOTA.upper()}": json.dumps(world.quota_variable),
    }
    api = ApiProcess(dsn=world.dsn, spool=tmp_path / "home", settings=settings)
    api.start()
    try:
        until(lambda: mail_server.accepted[ANN] == 1)
        until(lambda: status(world, made.id) == Status.SENT)
        again = resend(world.conn, ANYBODY, first)
        assert again.copies == 1
        until(lambda: status(world, again.id) == Status.SENT)
    finally:
        api.kill()
    assert mail_server.accepted[ANN] == 2
    assert b"It is 123456." in mail_server.contents[ANN]
    assert [(one.kind, one.address) for one in find(world.conn, made.id).timeline] == [
        ("accepted", None),
        ("sent", ANN),
    ]
