"""The headers by which programs that answer mail by themselves know a mailing, and keep silent."""

from __future__ import annotations

from ses_ops.domain.schedule import TaskType

#: What Exchange does not send back to a bulk mail: reports that it came or was read, and automatic replies.
#: Never NDR (nor All, which has it in it): a mail that cannot be delivered must come back.
SUPPRESSED = "DR, RN, NRN, OOF, AutoReply"
#: Tasks whose mail a person has started. The others begin by themselves, at a time or when another program says so.
_BY_A_PERSON = frozenset({TaskType.IMMEDIATE, TaskType.SCHEDULED})


def bulk_headers(task: TaskType) -> dict[str, str]:
    """The same in every message of such a task, with or without an unsubscribe link; none in a test send.

    `Auto-Submitted` stands on mail that nobody has submitted (RFC 3834 5: "automatic (often periodic) processes"), and
    not on a mailing that a person wrote and started. docs/decisions/0008 says why each of them is needed.
    """
    if task is TaskType.TEST:
        return {}
    headers = {"Precedence": "bulk", "X-Auto-Response-Suppress": SUPPRESSED}
    return headers if task in _BY_A_PERSON else {**headers, "Auto-Submitted": "auto-generated"}
