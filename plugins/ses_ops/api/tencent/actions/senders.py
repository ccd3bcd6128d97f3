"""CreateEmailAddress, ListEmailAddress, DeleteEmailAddress, UpdateEmailSmtpPassWord: sender addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.actions.identities import is_verified
from ses_ops.application.reference import identities as use_cases
from ses_ops.domain.address import parse_address
from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.reference import senders

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call

#: Characters of the longest name, and of the longest address there.
LONGEST_NAME, LONGEST_ADDRESS = 200, 128
_ILLEGAL = "InvalidParameterValue.IllegalEmailAddress"


def create_email_address(call: Call) -> dict[str, Any]:
    """Note a sender address of a domain that may send, and the name that its mail has in From."""
    address = sender_address(call, call.params["EmailAddress"])
    name = (call.get("EmailSenderName") or "").strip()
    if len(name) > LONGEST_NAME or not name.isprintable() or set(name) & set(":<>"):
        why = f"must be a text of at most {LONGEST_NAME} characters, without a colon"
        raise wrong_value("EmailSenderName", why, "InvalidParameterValue.IllegalSenderName")
    if not is_verified(call, address.rpartition("@")[2]):
        raise ActionError("OperationDenied.DomainNotVerified", "The domain of the address is not verified.")
    try:
        use_cases.create_sender(call.conn, call.actor, address, sender_name=name)
    except Conflict as cause:
        if cause.code == "too_many_senders":
            raise ActionError("OperationDenied.ExceedSenderLimit", f"{cause}.") from cause
        code = "InvalidParameterValue.RepeatEmailAddress"
        raise wrong_value("EmailAddress", "is a sender address already", code) from cause
    return {}


def list_email_address(call: Call) -> dict[str, Any]:
    """The sender addresses of the key's domains."""
    found = [one for one in senders.senders(call.conn) if call.key.may_use(one.domain)]
    return {
        "EmailSenders": [
            {
                "EmailAddress": one.address,
                "EmailSenderName": one.sender_name,
                "CreatedTimestamp": int(one.created_at.timestamp()),
                "SmtpPwdType": int(one.smtp_password_set),
            }
            for one in found
        ]
    }


def delete_email_address(call: Call) -> dict[str, Any]:
    """Forget a sender address."""
    address = sender_address(call, call.params["EmailAddress"])
    try:
        use_cases.delete_sender(call.conn, call.actor, address)
    except NotFound as cause:
        raise _no_such_sender() from cause
    return {}


def update_email_smtp_password(call: Call) -> dict[str, Any]:
    """There is no SMTP service here that a password would be for: refused, once the request itself is right."""
    address = sender_address(call, call.params["EmailAddress"])
    if senders.find(call.conn, address) is None:
        raise _no_such_sender()
    password = call.params["Password"]
    kinds = ("[0-9]", "[a-z]", "[A-Z]")
    if not 10 <= len(password) <= 20 or any(len(set(re.findall(kind, password))) < 2 for kind in kinds):
        code = "InvalidParameterValue.InvalidSmtpPassWord"
        why = "must have 10 to 20 characters, and two different digits, lower-case and upper-case letters each"
        raise wrong_value("Password", why, code)
    raise ActionError("UnsupportedOperation", "There is no SMTP service that a password would be for: use SendEmail.")


def sender_address(call: Call, text: str, name: str = "EmailAddress") -> str:
    """A sender address of a domain of the key. Raises ActionError."""
    try:
        address = parse_address(text, dotless=True)
    except InvalidInput as cause:
        raise wrong_value(name, "is not an email address", _ILLEGAL) from cause
    if len(address.address) > LONGEST_ADDRESS:
        raise wrong_value(name, f"has more than {LONGEST_ADDRESS} characters", _ILLEGAL)
    call.check_domain(address.address.rpartition("@")[2])
    # One that differs in the letters of its local part alone is the same.
    return address.key


def _no_such_sender() -> ActionError:
    return wrong_value("EmailAddress", "is not a sender address", "InvalidParameterValue.NoSuchSender")
