"""The four actions of the custom blacklist: entries of the suppression list that were made by hand, or by a program."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, missing, wrong_value
from ses_ops.api.tencent.values import day_ends, moment_text, read_date
from ses_ops.application.reference import black_lists as use_cases
from ses_ops.domain.address import MAX_ADDRESS, Address, parse_address
from ses_ops.domain.clock import to_wall_clock
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.reference import black_lists

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.black_lists import ManualEntry

#: Most addresses of one request.
MOST_ADDRESSES = 20_000
#: Status of an entry: expired, in force; of a list also all.
EXPIRED, IN_FORCE, ALL = 0, 1, 2
_ILLEGAL = "InvalidParameterValue.IllegalEmailAddress"


def create_custom_blacklist(call: Call) -> dict[str, Any]:
    """Put addresses on the list, until the end of a day or for ever. What is no address is counted and left out."""
    given = [one.strip() for one in call.params["Emails"]]
    if not given:
        raise missing("Emails", "MissingParameter.EmailsNecessary")
    if len(given) > MOST_ADDRESSES:
        code = "LimitExceeded.ReceiverDetailRequestLimit"
        raise wrong_value("Emails", f"has more than {MOST_ADDRESSES} addresses", code)
    expires_at = _expiry(call)
    usable: dict[str, Address] = {}
    too_long = invalid = repeated = 0
    for text in given:
        if len(text.encode()) > MAX_ADDRESS:
            too_long += 1
            continue
        address = _address_if_any(text)
        if address is None:
            invalid += 1
        elif address.key in usable:
            repeated += 1
        else:
            usable[address.key] = address
    addresses = list(usable.values())
    done = use_cases.add(call.conn, call.actor, addresses, expires_at=expires_at) if addresses else None
    return {
        "TotalCount": len(given),
        "ValidCount": done.count if done else 0,
        "TooLongCount": too_long,
        "RepeatCount": repeated + (done.repeated if done else 0),
        "InvalidCount": invalid,
    }


def list_custom_blacklist(call: Call) -> dict[str, Any]:
    """Entries made by hand, the newest first."""
    offset, limit = call.page()
    status = call.params["Status"]
    if status not in (EXPIRED, IN_FORCE, ALL):
        raise wrong_value("Status", "must be 0, 1 or 2")
    expired = None if status == ALL else status == EXPIRED
    found, total = black_lists.manual(
        call.conn, text=call.get("Email") or None, expired=expired, offset=offset, limit=limit
    )
    return {"TotalCount": total, "Data": [_line(call, one) for one in found]}


def _line(call: Call, one: ManualEntry) -> dict[str, Any]:
    return {
        "Id": one.number,
        "Email": one.address,
        "CreateTime": moment_text(one.created_at, call.zone),
        # The day whose end it is.
        "ExpireDate": _day_of(call, one.expires_at) if one.expires_at else "",
        "Status": EXPIRED if one.expired else IN_FORCE,
    }


def _day_of(call: Call, expires_at: datetime) -> str:
    last = datetime.fromtimestamp(expires_at.timestamp() - 1, expires_at.tzinfo)
    return f"{to_wall_clock(last, call.zone):%Y-%m-%d}"


def update_custom_black_list(call: Call) -> dict[str, Any]:
    """Give an entry another address and end."""
    number = call.params["Id"]
    address = _address_if_any(call.params["Email"])
    if address is None:
        raise wrong_value("Email", "is not an email address", _ILLEGAL)
    expires_at = _expiry(call)
    try:
        use_cases.change(call.conn, call.actor, number, address, expires_at=expires_at)
    except NotFound as cause:
        raise ActionError("ResourceNotFound", "There is no entry of this `Id` in the custom blacklist.") from cause
    except Conflict as cause:
        raise wrong_value("Email", "is on the list already", _ILLEGAL) from cause
    return {}


def delete_custom_black_list(call: Call) -> dict[str, Any]:
    """Take addresses off the list that were put on it by hand."""
    given = call.params["Emails"]
    if not 1 <= len(given) <= MOST_ADDRESSES:
        raise (
            missing("Emails", "MissingParameter.EmailsNecessary")
            if not given
            else wrong_value("Emails", f"has more than {MOST_ADDRESSES} addresses")
        )
    addresses = [one for one in map(_address_if_any, given) if one is not None]
    if addresses:
        use_cases.remove(call.conn, call.actor, addresses, reason=SuppressionReason.MANUAL)
    return {}


def _expiry(call: Call) -> datetime | None:
    """The end of the day that is given; None: for ever."""
    text = call.get("ExpireDate")
    if not text:
        return None
    ends = day_ends(read_date(text, name="ExpireDate"), call.zone)
    if ends <= call.now:
        raise wrong_value("ExpireDate", "has passed", "InvalidParameterValue.WrongDate")
    return ends


def _address_if_any(text: str) -> Address | None:
    try:
        return parse_address(text)
    except InvalidInput:
        return None
