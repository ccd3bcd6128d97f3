"""CreateEmailIdentity, GetEmailIdentity, ListEmailIdentities, UpdateEmailIdentity, DeleteEmailIdentity: sender domains.

A sender domain is verified when the warm-up Variable has a valid entry for it, which the operator of the installation
writes. Records in DNS are looked up and shown; the relay that signs the mail is the operator's, so a DKIM record is not
among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.call import MOST_LISTED, checked_page
from ses_ops.application.quota_status import domain_quota, known_domains
from ses_ops.application.reference import identities as use_cases
from ses_ops.domain.address import parse_domain
from ses_ops.domain.plan_fields import STANDARD_PLAN
from ses_ops.errors import Conflict, InvalidInput, NotFound, QuotaError
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.reference import identities
from ses_ops.transports.text_records import text_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.identities import StoredIdentity

_TYPE = "DOMAIN"
#: Most tags, and characters of a name or value.
MOST_TAGS, LONGEST_TAG = 20, 127


def create_email_identity(call: Call) -> dict[str, Any]:
    """Note a domain. It may send when the operator has given it a quota."""
    domain = _domain(call)
    tags = _tags(call)
    option = _dkim_option(call, (0, 1))
    if domain in known_domains(call.conn, call.plans()):
        raise _repeated()
    try:
        use_cases.create_identity(call.conn, call.actor, domain, dkim_option=option or 0, tags=tags)
    except Conflict as cause:
        raise _repeated() from cause
    return _described(call, domain, looked_up=False)


def get_email_identity(call: Call) -> dict[str, Any]:
    """A domain with its records in DNS."""
    domain = _existing(call)
    stored = identities.find(call.conn, domain)
    return {**_described(call, domain), "TagList": stored.tags if stored else []}


def update_email_identity(call: Call) -> dict[str, Any]:
    """Look whether a domain is verified now."""
    domain = _existing(call)
    option = _dkim_option(call, (0, 1, 2))
    if option is not None:
        use_cases.set_dkim_option(call.conn, call.actor, domain, dkim_option=option)
    return _described(call, domain)


def list_email_identities(call: Call) -> dict[str, Any]:
    """The domains of the key with their level and the quota of today."""
    offset, limit = checked_page(call.get("Offset"), call.get("Limit"), most=MOST_LISTED, default=MOST_LISTED)
    wanted = {(one["TagKey"], one["TagValue"]) for one in call.get("TagList") or ()}
    stored = {one.domain: one for one in identities.identities(call.conn)}
    names = sorted({*known_domains(call.conn, call.plans()), *stored})
    names = [one for one in names if call.key.may_use(one)]
    if wanted:
        names = [one for one in names if one in stored and wanted <= _tags_of(stored[one])]
    shown = [_line(call, one, stored.get(one)) for one in names[offset : offset + limit]]
    return {
        "EmailIdentities": shown,
        "MaxReputationLevel": len(STANDARD_PLAN),
        "MaxDailyQuota": max(STANDARD_PLAN),
        "Total": len(names),
    }


def delete_email_identity(call: Call) -> dict[str, Any]:
    """Forget a domain that a client made; one with a quota, or with mail, is the operator's."""
    domain = _existing(call)
    if domain in known_domains(call.conn, call.plans()):
        raise ActionError("OperationDenied.NotAllowDelete", "The domain has a quota or mail: its operator deletes it.")
    try:
        use_cases.delete_identity(call.conn, call.actor, domain)
    except Conflict as cause:
        raise ActionError("OperationDenied.SenderWithDomainIsNotEmpty", "The domain has sender addresses.") from cause
    except NotFound as cause:
        raise _not_there() from cause
    return {}


def is_verified(call: Call, domain: str) -> bool:
    """Whether a domain may send: its plan is valid, though its first day may still be to come."""
    try:
        return call.plans()[domain] is not None
    except (InvalidInput, QuotaError):
        return False


def _line(call: Call, domain: str, stored: StoredIdentity | None) -> dict[str, Any]:
    quota = domain_quota(call.conn, call.plans(), domain)
    today = quota.today
    return {
        "IdentityName": domain,
        "IdentityType": _TYPE,
        "SendingEnabled": today is not None,
        "CurrentReputationLevel": _level(today.allowance.quota if today else 0),
        "DailyQuota": today.allowance.quota if today else 0,
        "SendIp": [],
        "TagList": stored.tags if stored else [],
        "DKIMOption": stored.dkim_option if stored else 0,
    }


def _level(quota: int) -> int:
    """The level of the standard plan whose quota this is, from 1; 0: less than the lowest."""
    return sum(step <= quota for step in STANDARD_PLAN)


def _described(call: Call, domain: str, *, looked_up: bool = True) -> dict[str, Any]:
    stored = identities.find(call.conn, domain)
    bounces = sender_domains.bounce_domain(call.conn, domain)
    return {
        "IdentityType": _TYPE,
        "VerifiedForSendingStatus": is_verified(call, domain),
        "Attributes": [
            _record("TXT", bounces or domain, "v=spf1 include:YOUR-RELAY ~all", "v=spf1", looked_up),
            _record("TXT", f"_dmarc.{domain}", "v=DMARC1; p=none", "v=DMARC1", looked_up),
        ],
        "DKIMOption": stored.dkim_option if stored else 0,
    }


def _record(kind: str, name: str, expected: str, begins: str, looked_up: bool) -> dict[str, Any]:
    """A record that should be there, and what is."""
    found = [one for one in text_records(name) if one.lower().startswith(begins.lower())] if looked_up else []
    current = found[0] if found else ""
    return {
        "Type": kind,
        "SendDomain": name,
        "ExpectedValue": expected,
        "CurrentValue": current,
        "Status": len(found) == 1,
    }


def _domain(call: Call) -> str:
    try:
        domain = parse_domain(call.params["EmailIdentity"].strip())
    except InvalidInput as cause:
        code = "InvalidParameterValue.InvalidEmailIdentity"
        raise wrong_value("EmailIdentity", "is not a domain", code) from cause
    call.check_domain(domain)
    return domain


def _existing(call: Call) -> str:
    domain = _domain(call)
    if identities.find(call.conn, domain) is None and domain not in known_domains(call.conn, call.plans()):
        raise _not_there()
    return domain


def _dkim_option(call: Call, known: Sequence[int]) -> int | None:
    option: int | None = call.get("DKIMOption")
    if option is not None and option not in known:
        raise wrong_value("DKIMOption", f"must be one of {', '.join(map(str, known))}")
    return option


def _tags(call: Call) -> list[dict[str, str]]:
    tags: list[dict[str, str]] = call.get("TagList") or []
    if len(tags) > MOST_TAGS or any(max(map(len, one.values())) > LONGEST_TAG for one in tags):
        raise wrong_value("TagList", f"has more than {MOST_TAGS} tags, or one of more than {LONGEST_TAG} characters")
    return tags


def _tags_of(stored: StoredIdentity) -> set[tuple[str, str]]:
    return {(str(one.get("TagKey")), str(one.get("TagValue"))) for one in stored.tags}


def _repeated() -> ActionError:
    return wrong_value("EmailIdentity", "is known already", "InvalidParameterValue.RepeatCreation")


def _not_there() -> ActionError:
    return wrong_value("EmailIdentity", "is not a domain of this account", "InvalidParameterValue.NotExistDomain")
