"""ListBlackEmailAddress, DeleteBlackList: addresses that do not exist, by hard bounces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import wrong_value
from ses_ops.api.tencent.values import day_begins, day_ends, moment_text, read_date
from ses_ops.application.reference import black_lists as use_cases
from ses_ops.domain.address import Address, parse_address
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import InvalidInput
from ses_ops.storage.reference import black_lists

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call

#: Most addresses of one request.
MOST_ADDRESSES = 1_000


def list_black_email_address(call: Call) -> dict[str, Any]:
    """Hard bounces of some days, the newest first."""
    offset, limit = call.page()
    first = read_date(call.params["StartDate"], name="StartDate")
    last = read_date(call.params["EndDate"], name="EndDate")
    if last < first:
        raise wrong_value("EndDate", "is before that of `StartDate`", "InvalidParameterValue.WrongDate")
    key = _address(call.params["EmailAddress"], "EmailAddress").key if call.get("EmailAddress") else None
    span = {"since": day_begins(first, call.zone), "until": day_ends(last, call.zone)}
    found, total = black_lists.hard_bounces(call.conn, **span, address_key=key, offset=offset, limit=limit)
    shown = [
        {
            "BounceTime": moment_text(one.created_at, call.zone),
            "EmailAddress": one.address,
            "IspDesc": one.note,
        }
        for one in found
    ]
    return {"BlackList": shown, "TotalCount": total}


def delete_black_list(call: Call) -> dict[str, Any]:
    """Have addresses get mail again; one that was unsubscribed, or that a person put on the list, stays on it."""
    given = call.params["EmailAddressList"]
    if not 1 <= len(given) <= MOST_ADDRESSES:
        raise wrong_value("EmailAddressList", f"must have 1 to {MOST_ADDRESSES} addresses")
    addresses = [_address(one, f"EmailAddressList.{place}") for place, one in enumerate(given)]
    use_cases.remove(call.conn, call.actor, addresses, reason=SuppressionReason.HARD_BOUNCE)
    return {}


def _address(text: str, name: str) -> Address:
    try:
        return parse_address(text, dotless=True)
    except InvalidInput as cause:
        raise wrong_value(name, "is not an email address") from cause
