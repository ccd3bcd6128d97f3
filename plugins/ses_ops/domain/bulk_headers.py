"""The headers by which automatic responders recognise a mailing, and do not answer."""

from __future__ import annotations

from ses_ops.domain.schedule import TaskType

#: Answers that Exchange must not send to a bulk mail: reports that it was delivered or read, and automatic replies.
#: Never NDR (nor All, which includes NDR): a mail that cannot be delivered must come back.
SUPPRESSED = "DR, RN, NRN, OOF, AutoReply"
#: Tasks whose mail a person has started. The mail of other tasks starts at a time, or when another program asks for it.
_BY_A_PERSON = frozenset({TaskType.IMMEDIATE, TaskType.SCHEDULED})


def bulk_headers(task: TaskType) -> dict[str, str]:
    """The headers of every message of a task of this type, with or without an unsubscribe link; none for a test send.

    `Auto-Submitted` marks mail of "automatic (often periodic) processes" (RFC 3834 5), and so not a mailing that a
    person wrote and started. docs/decisions/0008 says why each header is needed.
    """
    if task is TaskType.TEST:
        return {}
    if task is TaskType.API:  # one person's own mail, and no mailing
        return {"X-Auto-Response-Suppress": SUPPRESSED, "Auto-Submitted": "auto-generated"}
    headers = {"Precedence": "bulk", "X-Auto-Response-Suppress": SUPPRESSED}
    return headers if task in _BY_A_PERSON else {**headers, "Auto-Submitted": "auto-generated"}


def feedback_id(task: TaskType, occurrence_id: int, sender_domain: str, installation_id: str) -> dict[str, str]:
    """The header by which Gmail groups complaints in Postmaster Tools: start, domain, kind, and who sends.

    Gmail wants 5 to 15 characters for the last, the same in all mail, and no address in any. None for a test send.
    """
    if task is TaskType.TEST:
        return {}
    return {"Feedback-ID": f"{occurrence_id}:{sender_domain}:{task}:{_who_sends(installation_id)}"}


def single_headers(sender_domain: str, installation_id: str, *, is_marketing: bool) -> dict[str, str]:
    """The headers of a single message. Only marketing is bulk mail.

    Its Feedback-ID has no start, because it belongs to none.
    """
    return {
        **({"Precedence": "bulk"} if is_marketing else {}),
        **bulk_headers(TaskType.API),
        "Feedback-ID": f"single:{sender_domain}:api:{_who_sends(installation_id)}",
    }


def _who_sends(installation_id: str) -> str:
    return installation_id.replace("-", "")[:12]
