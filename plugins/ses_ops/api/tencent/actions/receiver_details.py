"""CreateReceiverDetail, CreateReceiverDetailWithData, ListReceiverDetails: the recipients of a group."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, missing, wrong_value
from ses_ops.api.tencent.actions.receivers import existing, not_there, operating
from ses_ops.api.tencent.values import moment_text, read_moment, template_data
from ses_ops.application import groups
from ses_ops.application.group_import import DUPLICATE
from ses_ops.domain.address import MAX_ADDRESS, parse_address
from ses_ops.errors import BadCsv, GroupBusy, InvalidInput, NotFound
from ses_ops.storage.reference import receivers as lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ses_ops.api.tencent.call import Call
    from ses_ops.audience.import_outcome import ImportOutcome
    from ses_ops.storage.reference.receivers import Receiver, ReceiverDetail

#: Addresses of one request; octets of the values of one recipient, as JSON; characters of a part of an address.
MOST_ADDRESSES, MOST_OF_DATA, LONGEST_PART = 20_000, 800, 50
#: The column of the address in the table that is imported: no variable has this name.
_ADDRESS = "ses_ops_recipient_address"
#: A tag of HTML, which no value may have there.
_TAG = re.compile(r"<[A-Za-z/!][^<>]*>")
#: Status of a recipient: valid, invalid.
VALID, INVALID = 1, 2


def create_receiver_detail(call: Call) -> dict[str, Any]:
    """Add addresses without values. What is no address is left out, and counts in the total alone."""
    group = existing(call, call.params["ReceiverId"])
    given = [one.strip() for one in call.params["Emails"]]
    _check_number(len(given), "Emails")
    empty = sum(not one for one in given)
    too_long = sum(len(one.encode()) > MAX_ADDRESS for one in given)
    usable = [one for one in given if _is_address(one)]
    done = _add(call, group, (), [(one, {}) for one in usable]) if usable else None
    return _counts(len(given), done, too_long=too_long, empty=empty)


def create_receiver_detail_with_data(call: Call) -> dict[str, Any]:
    """Add addresses, each with its values; all have the same variables, also as the recipients that are there."""
    group = existing(call, call.params["ReceiverId"])
    given = call.params["Datas"]
    _check_number(len(given), "Datas")
    rows = [(_checked_address(one["Email"], place), _checked_data(one, place)) for place, one in enumerate(given)]
    names = tuple(rows[0][1])
    for place, (_, values) in enumerate(rows):
        if set(values) != set(names):
            code = "InvalidParameterValue.TemplateDataInconsistent"
            raise wrong_value(f"Datas.{place}.TemplateData", "has other variables than the first one", code)
    return _counts(len(given), _add(call, group, names, rows), too_long=0, empty=0)


def list_receiver_details(call: Call) -> dict[str, Any]:
    """The recipients of a group in their order. One that gets no mail at all (a hard bounce, ...) is invalid there."""
    offset, limit = call.page()
    group = existing(call, call.params["ReceiverId"])
    text, status = call.get("Email") or None, call.get("Status")
    if text is not None and len(text) > LONGEST_PART:
        raise wrong_value("Email", f"has more than {LONGEST_PART} characters")
    if status not in (None, VALID, INVALID):
        raise wrong_value("Status", "must be 1 or 2")
    if not _is_in_time(call, group):
        return {"TotalCount": 0, "Data": [], "ValidCount": 0, "InvalidCount": 0}
    suppressed = None if status is None else status == INVALID
    found = lists.details(call.conn, group.id, text=text, suppressed=suppressed, offset=offset, limit=limit)
    counts = lists.count_details(call.conn, group.id, text=text)
    valid = counts.total - counts.suppressed
    return {
        "TotalCount": {None: counts.total, VALID: valid, INVALID: counts.suppressed}[status],
        "Data": [_line(call, group, one) for one in found],
        "ValidCount": valid,
        "InvalidCount": counts.suppressed,
    }


def _is_in_time(call: Call, group: Receiver) -> bool:
    """Whether the group was made in the time that is asked for: a recipient has no time of its own."""
    for name, is_in in (("CreateTimeBegin", group.created_at.__ge__), ("CreateTimeEnd", group.created_at.__le__)):
        if text := call.get(name):
            moment = read_moment(text, call.zone) or read_moment(f"{text} 00:00:00", call.zone)
            if moment is None:
                raise wrong_value(name, "is not a time such as 2021-09-28 16:40:35")
            if not is_in(moment):
                return False
    return True


def _line(call: Call, group: Receiver, one: ReceiverDetail) -> dict[str, Any]:
    return {
        "Email": one.address,
        "CreateTime": moment_text(group.created_at, call.zone),
        "TemplateData": json.dumps(one.values, ensure_ascii=False, separators=(",", ":")),
        "Reason": one.reason or "",
        "Status": INVALID if one.reason else VALID,
        "EmailId": one.position,
    }


def _check_number(count: int, name: str) -> None:
    if not count:
        raise missing(name, "MissingParameter.EmailsNecessary")
    if count > MOST_ADDRESSES:
        code = "LimitExceeded.ReceiverDetailRequestLimit"
        raise wrong_value(name, f"has more than {MOST_ADDRESSES} addresses", code)


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except InvalidInput:
        return False
    return True


def _checked_address(text: str, place: int) -> str:
    if not _is_address(text):
        code = "InvalidParameterValue.ReceiverEmailInvalid"
        raise wrong_value(f"Datas.{place}.Email", "is not an email address", code)
    return text.strip()


def _checked_data(one: Mapping[str, str], place: int) -> dict[str, str]:
    """The values of a recipient as texts."""
    name = f"Datas.{place}.TemplateData"
    if len(one["TemplateData"].encode()) > MOST_OF_DATA:
        code = "InvalidParameterValue.TemplateDataLenLimit"
        raise wrong_value(name, f"has more than {MOST_OF_DATA} bytes", code)
    found = template_data(one["TemplateData"], code="InvalidParameterValue.InValidTemplateData", name=name)
    if not all(isinstance(value, str | int | float) or value is None for value in found.values()):
        code = "InvalidParameterValue.InValidTemplateData"
        raise wrong_value(name, "has values other than texts and numbers", code)
    if any(isinstance(value, str) and _TAG.search(value) for value in found.values()):
        raise wrong_value(name, "has a tag of HTML in a value", "InvalidParameterValue.InValidTemplateData")
    return {key: _text(value) for key, value in found.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _add(
    call: Call, group: Receiver, names: Sequence[str], rows: Sequence[tuple[str, Mapping[str, str]]]
) -> ImportOutcome:
    """Add rows to a group in one transaction."""
    table = io.StringIO()
    writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([_ADDRESS, *names])
    writer.writerows([address, *(values[name] for name in names)] for address, values in rows)
    options: dict[str, Any] = {"append": True, "address_column": _ADDRESS, "encoding": "utf-8", "report": _no_report}
    try:
        return groups.import_file(
            call.conn, call.actor, group.name, [table.getvalue().encode()], where=call.action, **options
        )
    except NotFound as cause:
        raise not_there() from cause
    except GroupBusy as cause:
        raise operating() from cause
    except BadCsv as cause:
        code = "InvalidParameterValue.TemplateDataInconsistent"
        raise ActionError(code, f"The variables do not fit the recipient list: {cause}") from cause


def _no_report(_: object) -> None:
    """Counts are all that the answer has."""


def _counts(total: int, done: ImportOutcome | None, *, too_long: int, empty: int) -> dict[str, Any]:
    return {
        "TotalCount": total,
        "ValidCount": done.added if done else 0,
        "TooLongCount": too_long,
        "EmptyEmailCount": empty,
        "RepeatCount": done.rejected.get(DUPLICATE, 0) if done else 0,
    }
