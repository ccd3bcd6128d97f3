"""What attempts did by mailbox provider; the reputation of sender domains and its decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import op

from ses_ops.domain.mailbox_provider import counted_provider
from ses_ops.domain.refusal_class import class_of_reply
from ses_ops.storage.named_sql import Statements

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

revision = "0021"
down_revision = "0020"

_BEFORE = Statements(Path(__file__).with_name("0021_what_was_sent.sql"))


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    _count_what_was_sent(bind)


def _count_what_was_sent(bind: Connection) -> None:
    """Write `send_count` for attempts of earlier versions: providers and classes of refusals are rules of Python."""
    bind.exec_driver_sql(_BEFORE["group_messages"])
    domains = bind.exec_driver_sql(_BEFORE["domains"]).fetchall()
    providers = [{"domain": one, "name": counted_provider(one, known)} for one, known in domains]
    bind.exec_driver_sql(_BEFORE["note_providers"], (json.dumps(providers),))
    replies = bind.exec_driver_sql(_BEFORE["replies"]).fetchall()
    classes = [{"code": code, "text": text, "class": class_of_reply(code, text or "").value} for code, text in replies]
    bind.exec_driver_sql(_BEFORE["note_classes"], (json.dumps(classes),))
    bind.exec_driver_sql(_BEFORE["count"])


def downgrade() -> None:
    raise NotImplementedError("the ledger is a record: restore a backup instead of going back")
