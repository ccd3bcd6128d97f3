"""GetStatisticsReport, GetAbuseReport: numbers of mail by day, and complaints."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.call import checked_page
from ses_ops.api.tencent.values import day_begins, day_ends, moment_text, read_date, read_moment
from ses_ops.application.mail_statistics import MOST_DAYS, statistics
from ses_ops.application.quota_status import known_domains
from ses_ops.domain.address import parse_address, parse_domain
from ses_ops.domain.mail_statistics import Dimension, MailCounts
from ses_ops.domain.mailbox_provider import mailbox_provider
from ses_ops.errors import InvalidInput
from ses_ops.storage.reference import abuse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.abuse import Complaint

#: Most complaints of one answer.
MOST_COMPLAINTS = 1_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def get_statistics_report(call: Call) -> dict[str, Any]:
    """Counts of each day of a span, of one sender domain or of all those of the key."""
    first = read_date(call.params["StartDate"], name="StartDate")
    last = read_date(call.params["EndDate"], name="EndDate")
    days = (last - first).days + 1
    if not 1 <= days <= MOST_DAYS:
        why = f"must be 0 to {MOST_DAYS - 1} days after that of `StartDate`"
        raise wrong_value("EndDate", why, "InvalidParameterValue.WrongDate")
    provider = (call.get("ReceivingMailboxType") or "").strip().lower()
    by = {Dimension.DAY, *([Dimension.MAILBOX_PROVIDER] if provider else [])}
    by_day: dict[str, MailCounts] = {}
    for domain in _domains(call):
        found = statistics(call.conn, call.plans(), by=by, days=days, last=last, sender_domain=domain)
        for row in found.rows:
            if not provider or row.mailbox_provider in _names_of(provider):
                by_day[row.day] = by_day.get(row.day, MailCounts()) + row.counts
    dates = [first + timedelta(days=number) for number in range(days)]
    total = sum(by_day.values(), MailCounts())
    return {
        "DailyVolumes": [_volume(f"{day}", by_day.get(f"{day}", MailCounts())) for day in dates],
        "OverallVolume": _volume(_span(first, last), total),
    }


def _span(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} - {last}"


def _domains(call: Call) -> Iterable[str]:
    if given := (call.get("Domain") or "").strip():
        try:
            domain = parse_domain(given)
        except InvalidInput as cause:
            raise wrong_value("Domain", "is not a domain") from cause
        call.check_domain(domain)
        return [domain]
    return [one for one in known_domains(call.conn, call.plans()) if call.key.may_use(one)]


def _names_of(provider: str) -> frozenset[str]:
    """The names of a mailbox provider in the counts: the reference gives a domain such as gmail.com."""
    return frozenset({provider, mailbox_provider(provider)})


def _volume(day: str, counts: MailCounts) -> dict[str, Any]:
    return {
        "SendDate": day,
        "RequestCount": counts.requested,
        "AcceptedCount": counts.accepted,
        # What the next server took is delivered, unless it came back: as GetSendEmailStatus says, too.
        "DeliveredCount": counts.reached,
        "OpenedCount": counts.opens,
        "ClickedCount": counts.clicked_people + counts.clicked_unknown,
        "BounceCount": counts.bounced + counts.refused,
        "UnsubscribeCount": counts.unsubscribed,
    }


def get_abuse_report(call: Call) -> dict[str, Any]:
    """Complaints of a span of time, the newest first."""
    offset, limit = checked_page(call.get("Offset"), call.get("Limit"), most=MOST_COMPLAINTS, default=MOST_COMPLAINTS)
    since = _moment(call, "StartTime", "InvalidParameter.InvalidStartTimeFormat", ends=False)
    until = _moment(call, "EndTime", "InvalidParameter.InvalidEndTimeFormat", ends=True)
    domains = call.domains
    if given := (call.get("FromDomain") or "").strip().lower():
        call.check_domain(given)
        domains = [given]
    template = (call.get("TemplateId") or "").strip()
    if template and not (template.isascii() and template.isdecimal() and len(template) <= 18):
        raise wrong_value("TemplateId", "is not the number of a template")
    found, total = abuse.complaints(
        call.conn,
        since=since,
        until=until,
        domains=domains,
        sender=(call.get("FromAddress") or "").strip() or None,
        recipient_key=_recipient(call),
        mailbox_domain=(call.get("Mta") or "").strip().lower() or None,
        template_id=int(template) if template else None,
        offset=offset,
        limit=limit,
    )
    return {"Data": [_complaint(call, one) for one in found], "TotalCount": total}


def _complaint(call: Call, one: Complaint) -> dict[str, Any]:
    domain = one.address.rpartition("@")[2]
    return {
        "DeliverTime": moment_text(one.sent_at, call.zone) if one.sent_at else "",
        "OriginalMailFrom": one.sender,
        "OriginalRcptTo": one.address,
        "FromDomain": one.sender_domain,
        "ComplainTime": moment_text(one.occurred_at, call.zone),
        "Mta": domain,
        "SourceIp": "",
        "InsertTime": moment_text(one.received_at, call.zone),
        "TemplateId": str(one.template_id) if one.template_id else "",
        "BulkId": one.message_id,
        "MessageId": one.message_id,
        "AbuseTime": moment_text(one.occurred_at, call.zone),
        "Subject": one.subject,
    }


def _recipient(call: Call) -> str | None:
    text = (call.get("ToAddress") or "").strip()
    if not text:
        return None
    try:
        return parse_address(text, dotless=True).key
    except InvalidInput as cause:
        raise wrong_value("ToAddress", "is not an email address") from cause


def _moment(call: Call, name: str, code: str, *, ends: bool) -> datetime:
    """A time, or a day, whose beginning or end it is."""
    text = call.params[name].strip()
    if _DATE.fullmatch(text):
        day = read_date(text, code, name)
        return day_ends(day, call.zone) if ends else day_begins(day, call.zone)
    moment = read_moment(text, call.zone)
    if moment is None:
        raise ActionError(code, f"The value of parameter `{name}` is not a time such as 2025-08-19 00:00:00.")
    return moment
