"""The four actions of AddressUnsubscribeConfig: the unsubscribe link that mail of a sender address has by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, missing, wrong_type, wrong_value
from ses_ops.api.tencent.actions.senders import sender_address
from ses_ops.api.tencent.call import MOST_LISTED, checked_page
from ses_ops.application.reference import identities as use_cases
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.reference import unsubscribe_configs

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call

#: The languages of these, as numbers that are texts: two fewer than SendEmail has.
_CONFIGS = frozenset(map(str, range(11)))


def create_address_unsubscribe_config(call: Call) -> dict[str, Any]:
    """Set the link of an address that has none."""
    address, config, status = _given(call)
    try:
        use_cases.create_unsubscribe_config(call.conn, call.actor, address, config=config, status=status)
    except Conflict as cause:
        raise ActionError("OperationDenied", "The address has an unsubscribe configuration already.") from cause
    return {}


def update_address_unsubscribe_config(call: Call) -> dict[str, Any]:
    """Change the link of an address."""
    address, config, status = _given(call)
    try:
        use_cases.change_unsubscribe_config(call.conn, call.actor, address, config=config, status=status)
    except NotFound as cause:
        raise _not_there() from cause
    return {}


def list_address_unsubscribe_config(call: Call) -> dict[str, Any]:
    """The links of the addresses of the key's domains. `Limit` is a text there."""
    text = (call.get("Limit") or str(MOST_LISTED)).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise wrong_type("Limit")
    offset, limit = checked_page(call.get("Offset"), int(text), most=MOST_LISTED)
    found, total = unsubscribe_configs.page(call.conn, domains=call.domains, offset=offset, limit=limit)
    return {
        "AddressUnsubscribeConfigList": [
            {"Address": one.address, "UnsubscribeConfig": one.config, "Status": one.status} for one in found
        ],
        "Total": total,
    }


def delete_address_unsubscribe_config(call: Call) -> dict[str, Any]:
    """Take the link of an address away."""
    if not call.get("Address"):
        raise missing("Address")
    address = sender_address(call, call.params["Address"], "Address")
    try:
        use_cases.delete_unsubscribe_config(call.conn, call.actor, address)
    except NotFound as cause:
        raise _not_there() from cause
    return {}


def _given(call: Call) -> tuple[str, str, int]:
    address = sender_address(call, call.params["Address"], "Address")
    config, status = call.params["UnsubscribeConfig"].strip(), call.params["Status"]
    if config not in _CONFIGS:
        raise wrong_value("UnsubscribeConfig", 'must be one of "0" to "10"')
    if status not in (0, 1):
        raise wrong_value("Status", "must be 0 or 1")
    return address, config, status


def _not_there() -> ActionError:
    return ActionError("ResourceNotFound", "The address has no unsubscribe configuration.")
