"""What pages call the statuses and the origins of single messages."""

from __future__ import annotations

from ses_ops.console import feedback_labels, labels
from ses_ops.console.language import N_
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.single_message import RecipientKind
from ses_ops.domain.single_message_status import SingleMessageStatus

STATUS: dict[str, str] = {
    **{
        status.value: labels.MESSAGE[MessageStatus(status)]
        for status in SingleMessageStatus
        if status in set(MessageStatus)
    },
    SingleMessageStatus.SCHEDULED.value: N_("scheduled"),
    SingleMessageStatus.REFUSED.value: N_("refused at its time"),
}
#: What a list may be narrowed to: a status, or what others told.
CHOICES: dict[str, str] = {
    **STATUS,
    **{one.value: feedback_labels.OF_MESSAGE[one] for one in Feedback},
}
#: The look of a badge.
BADGES: dict[str, str] = {
    SingleMessageStatus.SENT.value: "finished",
    SingleMessageStatus.FAILED.value: "error",
    SingleMessageStatus.REFUSED.value: "error",
    SingleMessageStatus.UNKNOWN.value: "in-doubt",
    SingleMessageStatus.RETRYING.value: "retrying",
    SingleMessageStatus.CACHED.value: "paused",
    SingleMessageStatus.SENDING.value: "sending",
}
#: The colour of the dot before a status, where it is not the status itself.
DOTS: dict[str, str] = {
    SingleMessageStatus.SCHEDULED.value: MessageStatus.QUEUED.value,
    SingleMessageStatus.REFUSED.value: MessageStatus.FAILED.value,
}
KIND: dict[str, str] = {
    RecipientKind.TO.value: N_("recipient"),
    RecipientKind.CC.value: N_("copy (Cc)"),
    RecipientKind.BCC.value: N_("blind copy (Bcc)"),
}
SOURCE: dict[str, str] = {
    "rest": N_("REST API"),
    "tencent": N_("Tencent-compatible API"),
    "console": N_("sent again by a person"),
}
