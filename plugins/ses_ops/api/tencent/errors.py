"""Our errors in the reference's codes, misspelt where it misspells them."""

from __future__ import annotations

import re

from ses_ops.api.problems import Refusal
from ses_ops.api.tencent.action_error import ActionError
from ses_ops.errors import (
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    LookUpFailed,
    NotFound,
    NotSetUp,
    QuotaError,
    QuotaExhausted,
    SesError,
    StartNotAllowed,
    TemplateError,
)

#: By our code.
_OF_CODE = {
    "address_limit_reached": "FailedOperation.FrequencyLimit",
    "api_key_revoked": "AuthFailure.SecretIdNotFound",
    "attachments_too_large": "FailedOperation.AttachContentToolarge",
    "body_missing": "FailedOperation.MissingEmailContent",
    "body_too_large": "RequestSizeLimitExceeded",
    "group_exists": "InvalidParameterValue.RepeatReceiverName",
    "idempotency_in_progress": "RequestLimitExceeded",
    "idempotency_key_reused": "InvalidParameterValue",
    "kind_of_file_not_allowed": "FailedOperation.InvalidAttachName",
    "message_too_large": "FailedOperation.EmailContentToolarge",
    "no_recipient": "InvalidParameterValue.EmailAddressIsNULL",
    "no_such_group": "OperationDenied.ReceiverNotExist",
    "no_such_template": "FailedOperation.InvalidTemplateID",
    "not_base64": "InvalidParameterValue.AttachContentIsWrong",
    "recipient_suppressed": "FailedOperation.EmailAddrInBlacklist",
    "single_message_not_storable": "InvalidParameterValue.EmailContentIsWrong",
    "template_unknown": "FailedOperation.InvalidTemplateID",
    "time_has_passed": "InvalidParameterValue.BeginTimeBeforeNow",
    "too_many_addresses": "FailedOperation.TooManyRecipients",
    "too_many_attachments": "FailedOperation.TooManyAttachments",
    "too_many_requests": "RequestLimitExceeded",
    "too_many_requests_at_once": "RequestLimitExceeded",
}
#: By the field of our request that is wrong, up to its first dot or bracket.
_OF_FIELD = {
    "from": "FailedOperation.IncorrectSender",
    "sender": "FailedOperation.IncorrectSender",
    "header_from": "FailedOperation.IncorrectSender",
    "to": "InvalidParameterValue.ReceiverEmailInvalid",
    "cc": "InvalidParameterValue.ReceiverEmailInvalid",
    "bcc": "InvalidParameterValue.ReceiverEmailInvalid",
    "reply_to": "FailedOperation.IncorrectEmail",
    "attachments": "FailedOperation.InvalidAttachName",
    "text": "InvalidParameterValue.EmailContentIsWrong",
    "html": "InvalidParameterValue.EmailContentIsWrong",
    "template": "FailedOperation.InvalidTemplateID",
    "values": "FailedOperation.WrongContentJson",
    "headers": "FailedOperation.ProtocolCheckErr",
    "message_id": "FailedOperation.ProtocolCheckErr",
    "group": "OperationDenied.ReceiverNotExist",
    "start_at": "InvalidParameterValue.BeginTimeBeforeNow",
}
#: By class, the first that fits.
_OF_CLASS: tuple[tuple[type[SesError], str], ...] = (
    (QuotaExhausted, "FailedOperation.ExceedSendLimit"),
    (QuotaError, "FailedOperation.NotAuthenticatedSender"),
    (TemplateError, "FailedOperation.WrongContentJson"),
    (StartNotAllowed, "AuthFailure.UnauthorizedOperation"),
    (NotFound, "ResourceNotFound"),
    (Conflict, "OperationDenied"),
    (InvalidInput, "InvalidParameterValue"),
)
#: Nothing that a client did: it learns no more than that.
_OURS = (DatabaseUnavailable, LookUpFailed, NotSetUp)
_OF_STATUS = {
    400: "InvalidParameter",
    408: "InvalidRequest",
    411: "InvalidRequest",
    413: "RequestSizeLimitExceeded",
    415: "InvalidRequest",
    429: "RequestLimitExceeded",
}
_FIRST = re.compile(r"[^.\[]+")


def internal() -> ActionError:
    """Something failed here."""
    return ActionError("InternalError", "An internal error occurred: nothing of it is your fault.")


def action_error(problem: SesError) -> ActionError:
    """An error of ours as a refusal there, with our sentence."""
    code = _code(problem)
    if code == "InternalError":
        return ActionError(code, "This cannot be done now: try again later.")
    return ActionError(code, f"{problem}.".replace("..", "."))


def _code(problem: SesError) -> str:
    if (known := _OF_CODE.get(problem.code)) is not None:
        if problem.code == "recipient_suppressed" and set(problem.facts.get("reasons") or ()) == {"unsubscribe"}:
            return "FailedOperation.ReceiverHasUnsubscribed"
        return known
    if isinstance(problem, _OURS):
        return "InternalError"
    if isinstance(problem, Refusal):
        return _OF_STATUS.get(problem.status, "InternalError")
    field = _FIRST.match(str(problem.facts.get("field") or ""))
    if field is not None and isinstance(problem, InvalidInput) and field[0] in _OF_FIELD:
        return _OF_FIELD[field[0]]
    return next((code for kind, code in _OF_CLASS if isinstance(problem, kind)), "FailedOperation")
