"""BatchSendEmail, ListSendTasks: send tasks to recipient groups."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, missing, wrong_value
from ses_ops.api.tencent.actions.batch_content import content_of
from ses_ops.api.tencent.actions.receivers import existing
from ses_ops.api.tencent.call import idempotency_key
from ses_ops.api.tencent.send_email import unsubscribe_language
from ses_ops.api.tencent.values import moment_text, read_moment
from ses_ops.application.reference import batches as use_cases
from ses_ops.domain.clock import to_wall_clock
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.send_task import Advertisement, parse_send_task
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import InvalidInput, NotFound, QuotaError, SesError, TemplateError
from ses_ops.storage.reference import batches as facts_there
from ses_ops.storage.reference import senders, unsubscribe_configs
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.batches import TaskFactsThere
    from ses_ops.storage.reference.receivers import Receiver
    from ses_ops.storage.tasks.overview import TaskOverview

#: Characters of the longest subject of a task there; hours of the longest cycle.
LONGEST_SUBJECT, LONGEST_CYCLE = 100, 24 * 366
#: TaskType there.
NOW, TIMED, CYCLE = 1, 2, 3
_TYPES = {NOW: TaskType.IMMEDIATE, TIMED: TaskType.SCHEDULED, CYCLE: TaskType.RECURRING}
_TYPES_THERE = {
    TaskType.IMMEDIATE: NOW,
    TaskType.TRIGGERED: NOW,
    TaskType.SCHEDULED: TIMED,
    TaskType.RECURRING: CYCLE,
}
_ADVERTISEMENTS = (Advertisement.NONE, Advertisement.BEFORE, Advertisement.AFTER)
#: TaskStatus there: to start, sending, paused for today, error, finished.
_STATUSES = {
    TaskStatus.WAITING: 1,
    TaskStatus.SENDING: 5,
    TaskStatus.RETRYING: 5,
    TaskStatus.PAUSED: 6,
    TaskStatus.ERROR: 7,
    TaskStatus.CANCELLED: 7,
    TaskStatus.FINISHED: 10,
}
_KNOWN_STATUSES = frozenset(_STATUSES.values())


def batch_send_email(call: Call) -> dict[str, Any]:
    """Make a send task: at once, at a time, or again and again. Its DAG appears by itself."""
    group = existing(call, call.params["ReceiverId"])
    if not group.recipient_count:
        raise ActionError("OperationDenied.ReceiverStatusError", "The recipient list is empty.")
    if not 1 <= len(call.params["Subject"].strip()) <= LONGEST_SUBJECT:
        code = "InvalidParameterValue.SubjectLengthError"
        raise wrong_value("Subject", f"must have 1 to {LONGEST_SUBJECT} characters", code)
    entry = _entry(call, group)
    entry |= _schedule(call, repeated=facts_there.task_id(call.conn, entry["name"]) is not None)
    _check_sender(call, entry["sender"])
    content = content_of(call, group, entry["name"])
    try:
        task = parse_send_task({**entry, "template": content.template, "subject": content.subject}, where="")
        done = use_cases.create(
            call.conn,
            call.actor,
            task,
            template_id=content.template_id,
            template_data=content.data,
            now=call.now,
            templates_root=call.templates_root,
        )
    except (SesError, ActionError) as cause:
        use_cases.forget_template(call.conn, call.actor, content.own_template)
        raise (_template_error(cause) if isinstance(cause, TemplateError | NotFound) else cause) from None
    for notice in done.scheduler:
        notice.tell(call.scheduler)
    return {"TaskId": done.id}


def _entry(call: Call, group: Receiver) -> dict[str, Any]:
    advertisement = call.get("ADLocation") or 0
    if advertisement not in range(len(_ADVERTISEMENTS)):
        raise wrong_value("ADLocation", "must be 0, 1 or 2")
    sender = call.params["FromEmailAddress"].strip()
    address = sender.rpartition("<")[2].rstrip(">").strip().lower()
    known = senders.find(call.conn, address)
    if known is not None and known.sender_name and "<" not in sender:
        sender = f"{known.sender_name} <{sender}>"
    config = unsubscribe_configs.find(call.conn, address)
    default = config.config if config is not None and config.status else "0"
    entry = {
        "name": _name(call),
        "sender": sender,
        "group": group.name,
        "reply_to": (call.get("ReplyToAddresses") or "").strip() or None,
        "unsubscribe": unsubscribe_language(call.get("Unsubscribe") or default),
        "advertisement": _ADVERTISEMENTS[advertisement].value,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _name(call: Call) -> str:
    """The name of the task here: the same for one Idempotency-Key, so that a repeated request makes one task."""
    given = idempotency_key(call.headers)
    if given:
        return f"batch-{hashlib.sha256(f'{call.key.id} {given}'.encode()).hexdigest()[:24]}"
    return f"batch-{to_wall_clock(call.now, call.zone):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _schedule(call: Call, *, repeated: bool) -> dict[str, Any]:
    """Type and times. The start of a task that an equal request has made before may have passed meanwhile."""
    kind = call.params["TaskType"]
    if kind not in _TYPES:
        raise wrong_value("TaskType", "must be 1, 2 or 3")
    found: dict[str, Any] = {"type": _TYPES[kind].value, "time_zone": call.zone.key}
    if kind == NOW:
        return found
    name, code = ("TimedParam", "TimedParamNecessary") if kind == TIMED else ("CycleParam", "CycleParamNecessary")
    given = call.get(name)
    if not given or not given["BeginTime"].strip():
        raise missing(name, f"MissingParameter.{code}")
    begin = read_moment(given["BeginTime"], call.zone)
    if begin is None:
        raise wrong_value(f"{name}.BeginTime", "is not a time such as 2021-09-10 11:10:11")
    if begin < call.now and not repeated:
        why = f"has passed by the clock of {call.zone.key}"
        raise wrong_value(f"{name}.BeginTime", why, "InvalidParameterValue.BeginTimeBeforeNow")
    found["start_at"] = begin.isoformat()
    if kind == CYCLE:
        if not 1 <= given["IntervalTime"] <= LONGEST_CYCLE:
            raise wrong_value("CycleParam.IntervalTime", f"must be 1 to {LONGEST_CYCLE} hours")
        found["every"] = f"{given['IntervalTime']}h"
    return found


def _check_sender(call: Call, sender: str) -> None:
    """Raise ActionError unless the key may use the domain, and it may send."""
    domain = sender.rpartition("@")[2].rstrip("> ").lower()
    call.check_domain(domain)
    try:
        call.plans()[domain]
    except (InvalidInput, QuotaError) as cause:
        code = "OperationDenied.SendAddressStatusError"
        raise ActionError(code, f"The domain of the sender address may not send: {cause}.") from cause


def _template_error(problem: TemplateError | NotFound) -> ActionError:
    if isinstance(problem, NotFound):
        return ActionError("OperationDenied.TemplateStatusError", f"{problem}.")
    return ActionError("InvalidParameterValue.TemplateNotMatchData", f"{problem}.")


def list_send_tasks(call: Call) -> dict[str, Any]:
    """The tasks of the key's sender domains, the newest first."""
    offset, limit = call.page()
    status, kind, receiver = call.get("Status"), call.get("TaskType"), call.get("ReceiverId")
    if status is not None and status not in _KNOWN_STATUSES:
        raise wrong_value("Status", "must be 1, 5, 6, 7 or 10")
    if kind is not None and kind not in _TYPES:
        raise wrong_value("TaskType", "must be 1, 2 or 3")
    found = [
        one
        for one in reversed(list_tasks(call.conn))
        if call.key.may_use(one.sender_domain)
        and (status is None or _STATUSES[one.status] == status)
        and (kind is None or _TYPES_THERE[one.type] == kind)
    ]
    there = facts_there.facts(call.conn, [one.id for one in found])
    if receiver is not None:
        found = [one for one in found if there[one.id].group_id == receiver]
    shown = [_line(call, one, there[one.id]) for one in found[offset : offset + limit]]
    return {"TotalCount": len(found), "Data": shown}


def _line(call: Call, one: TaskOverview, there: TaskFactsThere) -> dict[str, Any]:
    begin = _begin(call, one.schedule.start_at)
    every = one.schedule.every
    hours = 0 if every is None else int(every.step.total_seconds()) // 3600
    return {
        "TaskId": one.id,
        "FromEmailAddress": one.sender,
        "ReceiverId": there.group_id or 0,
        "TaskStatus": _STATUSES[one.status],
        "TaskType": _TYPES_THERE[one.type],
        "RequestCount": one.request_count,
        "SendCount": one.sent_count,
        "CacheCount": one.cached_count + one.retrying_count,
        "CreateTime": moment_text(one.created_at, call.zone),
        "UpdateTime": moment_text(one.updated_at, call.zone),
        "Subject": one.subject or "",
        "Template": {"TemplateID": there.template_id or 0, "TemplateData": there.template_data},
        "CycleParam": {"BeginTime": begin, "IntervalTime": hours, "TermCycle": 0}
        if one.type is TaskType.RECURRING
        else None,
        "TimedParam": {"BeginTime": begin} if one.type is TaskType.SCHEDULED else None,
        "ErrMsg": one.error or (one.reason or "cancelled" if one.status is TaskStatus.CANCELLED else ""),
        "ReceiversName": there.title,
    }


def _begin(call: Call, start_at: datetime | None) -> str:
    return moment_text(start_at, call.zone) if start_at is not None else ""
