"""GetSendEmailStatus: what became of the mail of a day."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.values import day_begins, day_ends, read_date
from ses_ops.application.single_messages.find import message_id
from ses_ops.domain.address import parse_address
from ses_ops.domain.message_feedback import FinalOutcome
from ses_ops.domain.message_state import MessageState
from ses_ops.errors import InvalidInput
from ses_ops.storage.events.timeline import keys_of_person
from ses_ops.storage.reference import mail_status

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.mail_status import MailStatus

#: Days that can be asked for, today included.
MOST_DAYS = 90
#: SendStatus: accepted; timed out, so nobody knows; on the blacklist; unsubscribed.
OK, TIMED_OUT, IN_BLACKLIST, UNSUBSCRIBED = 0, 1004, 1007, 1013
#: DeliverStatus.
QUEUED, DELIVERED, DROPPED, REJECTED, DELAYED = 0, 1, 2, 3, 8
_OF_TASK = re.compile(r"([0-9]{1,18})-([0-9]{1,9})", re.ASCII)
_OF_OUTCOME = {
    FinalOutcome.DEFERRED: DELAYED,
    FinalOutcome.DROPPED: DROPPED,
    FinalOutcome.SOFT_BOUNCED: REJECTED,
    FinalOutcome.HARD_BOUNCED: REJECTED,
    FinalOutcome.REFUSED: REJECTED,
}
#: A date by whose clock is not said: with the name of a message its neighbours are looked at, too.
_OTHER_CLOCKS = timedelta(hours=14)


def get_send_email_status(call: Call) -> dict[str, Any]:
    """A line a message and recipient."""
    offset, limit = call.page()
    day = read_date(call.params["RequestDate"], name="RequestDate")
    since, until = day_begins(day, call.zone), day_ends(day, call.zone)
    if since > call.now + _OTHER_CLOCKS or until < call.now - timedelta(days=MOST_DAYS):
        why = f"The date must be one of the last {MOST_DAYS} days."
        raise ActionError("FailedOperation.NotSupportDate", why)
    asked: dict[str, Any] = {"domains": call.domains, "offset": offset, "limit": limit}
    if name := (call.get("MessageId") or "").strip():
        since, until = since - _OTHER_CLOCKS, until + _OTHER_CLOCKS
        asked |= _of_name(name)
    if text := (call.get("ToEmailAddress") or "").strip():
        try:
            key = parse_address(text, dotless=True).key
        except InvalidInput as cause:
            raise wrong_value("ToEmailAddress", "is not an email address") from cause
        asked["address_keys"] = keys_of_person(call.conn, key)
    return {"EmailStatusList": [line(one) for one in mail_status.page(call.conn, since=since, until=until, **asked)]}


def _of_name(name: str) -> dict[str, Any]:
    """A MessageId as it is asked for: of a single message, of the native API, of a send task."""
    if of_task := _OF_TASK.fullmatch(name):
        return {"of_task": (int(of_task[1]), int(of_task[2]))}
    if native := message_id(name):
        return {"id": native}
    return {"reference_id": name}


def line(one: MailStatus) -> dict[str, Any]:
    """A line as the reference shows it."""
    send, deliver, words = _statuses(one)
    at = one.told_at or one.changed_at if deliver in (DELIVERED, REJECTED) else None
    return {
        "MessageId": one.message_id,
        "ToEmailAddress": one.address,
        "FromEmailAddress": one.sender,
        "SendStatus": send,
        "DeliverStatus": deliver,
        "DeliverMessage": words,
        "RequestTime": int(one.requested_at.timestamp()),
        "DeliverTime": int(at.timestamp()) if at else 0,
        "UserOpened": one.opened,
        "UserClicked": one.clicked,
        "UserUnsubscribed": one.unsubscribed,
        # Both spellings: the first is the older one, and stands in every answer there.
        "UserComplainted": one.complained,
        "UserComplained": one.complained,
    }


def _statuses(one: MailStatus) -> tuple[int, int, str]:
    """SendStatus, DeliverStatus and DeliverMessage.

    Mail that the next server took is delivered until an event says something else: an installation whose relay sends
    no events would have none delivered.
    """
    words = one.smtp_text or ""
    match one.state:
        case MessageState.SENT:
            outcome = FinalOutcome(one.outcome) if one.outcome in set(FinalOutcome) else FinalOutcome.NONE
            deliver = _OF_OUTCOME.get(outcome, DELIVERED)
            return OK, deliver, one.told if deliver != DELIVERED else ""
        case MessageState.FAILED:
            return OK, REJECTED, words
        case MessageState.SUPPRESSED:
            return (UNSUBSCRIBED if one.has_left else IN_BLACKLIST), DROPPED, words
        case MessageState.UNKNOWN:
            return TIMED_OUT, QUEUED, words
        case _:
            return OK, (DELAYED if words else QUEUED), words
