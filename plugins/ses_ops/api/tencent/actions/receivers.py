"""CreateReceiver, ListReceivers, DeleteReceiver: recipient groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.values import moment_text
from ses_ops.application import groups
from ses_ops.application.reference import receivers
from ses_ops.errors import Conflict, GroupBusy, GroupInUse, NotFound
from ses_ops.storage.reference import receivers as lists

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.receivers import Receiver

#: Characters of the longest name and description.
LONGEST_NAME, LONGEST_DESCRIPTION = 100, 300
#: ReceiversStatus: to upload, uploading, uploaded.
TO_UPLOAD, UPLOADING, UPLOADED = 1, 2, 3


def create_receiver(call: Call) -> dict[str, Any]:
    """Make an empty group; its name may be any text of one line."""
    title, description = call.params["ReceiversName"].strip(), (call.get("Desc") or "").strip()
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        code = "InvalidParameterValue.ReceiverNameIllegal"
        raise wrong_value("ReceiversName", f"must be a text of 1 to {LONGEST_NAME} characters", code)
    if len(description) > LONGEST_DESCRIPTION or not description.isprintable():
        code = "InvalidParameterValue.ReceiverDescIllegal"
        raise wrong_value("Desc", f"must be a text of at most {LONGEST_DESCRIPTION} characters", code)
    try:
        return {"ReceiverId": receivers.create(call.conn, call.actor, title, description=description).id}
    except Conflict as cause:
        raise wrong_value("ReceiversName", "is in use", "InvalidParameterValue.RepeatReceiverName") from cause


def list_receivers(call: Call) -> dict[str, Any]:
    """Groups, the newest first."""
    offset, limit = call.page()
    status = call.get("Status")
    if status not in (None, TO_UPLOAD, UPLOADING, UPLOADED):
        raise wrong_value("Status", "must be 1, 2 or 3")
    is_empty = None if status is None else status != UPLOADED
    found, total = lists.page(call.conn, keyword=call.get("KeyWord"), is_empty=is_empty, offset=offset, limit=limit)
    return {"TotalCount": total, "Data": [_line(call, one) for one in found]}


def _line(call: Call, one: Receiver) -> dict[str, Any]:
    return {
        "ReceiverId": one.id,
        "ReceiversName": one.title,
        "Count": one.recipient_count,
        "Desc": one.description,
        "ReceiversStatus": UPLOADING if one.uploading else UPLOADED if one.recipient_count else TO_UPLOAD,
        "CreateTime": moment_text(one.created_at, call.zone),
        # An address that is none is not taken into a group.
        "InvalidCount": 0,
    }


def delete_receiver(call: Call) -> dict[str, Any]:
    """Delete a group with its recipients; not while a task may send to it."""
    group = existing(call, call.params["ReceiverId"])
    try:
        groups.delete(call.conn, call.actor, group.name)
    except NotFound as cause:
        raise not_there() from cause
    except GroupBusy as cause:
        raise operating() from cause
    except (GroupInUse, Conflict) as cause:
        raise ActionError("OperationDenied", f"The recipient list cannot be deleted: {cause}") from cause
    return {}


def existing(call: Call, receiver_id: int) -> Receiver:
    """The group of a number. Raises ActionError."""
    found = lists.find(call.conn, receiver_id) if receiver_id > 0 else None
    if found is None:
        raise not_there()
    return found


def not_there() -> ActionError:
    """There is no such group."""
    return ActionError("OperationDenied.ReceiverNotExist", "The recipient list does not exist.")


def operating() -> ActionError:
    """A file is imported into the group at this moment."""
    return ActionError("OperationDenied.ReceiverIsOperating", "The recipient list is being changed: try again later.")
