"""The checks of `ses doctor` about what comes back: the public listener, the bounce domains, the feeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from ses_ops import airflow_configuration, settings
from ses_ops.cli.session import database, quota_plans
from ses_ops.transports.mail_exchangers import mail_exchangers

Findings = Iterator[tuple[Literal["ok", "warn", "FAIL"], str]]

#: Seconds that the public listener may take to answer.
ANSWER_WITHIN = 5.0
#: Octets of the longest answer of `/health` that is read.
LONGEST_ANSWER = 10_000
_LOCAL = ("localhost", "127.0.0.1")
#: Domains that are never in DNS (RFC 2606, RFC 6761): names for examples and tests.
_NOT_IN_DNS = re.compile(r"(?:.*\.)?(?:example(?:\.com|\.net|\.org)?|test|invalid|localhost)")


def public_checks() -> Findings:
    """Whether the public listener has an address and answers there."""
    url = _public_url()
    if url is None:
        yield (
            "warn",
            "SES_PUBLIC_URL is not set: no task can have an unsubscribe page of ses-ops, and providers have no address "
            "for their events",
        )
        return
    try:
        status, answer = _health(url)
    except (OSError, HTTPException, ValueError) as problem:
        why = getattr(problem, "reason", None) or problem
        yield "warn", f"{url}/health does not answer from this machine ({why}); is `ses listen public` running?"
        return
    if answer is None:
        yield (
            "FAIL",
            f"{url}/health answers {status}, but not as `ses listen public` does: does the address lead to it?",
        )
    elif answer == "ok":
        yield "ok", f"the public listener answers at {url}"
        if url.startswith("http://") and urlsplit(url).hostname not in _LOCAL:
            yield "warn", f"{url} is not https: mailbox providers show no unsubscribe button for it"
    else:
        yield "warn" if answer == "degraded" else "FAIL", f"the public listener at {url} says: {answer}"


def bounce_checks() -> Findings:
    """Where the bounces of each sender domain go, and whether the bounce domain has an MX."""
    from ses_ops.application.quota_status import known_domains
    from ses_ops.storage.quota import sender_domains

    with database() as conn:
        bounce_domains = sender_domains.bounce_domains(conn)
        known = known_domains(conn, quota_plans())
    for domain in known:
        bounces = bounce_domains.get(domain)
        if bounces is None:
            yield (
                "warn",
                f"{domain}: no bounce domain, so bounces go to the sender's address; see `ses domain set --help`",
            )
            continue
        hosts = None if _NOT_IN_DNS.fullmatch(bounces) else mail_exchangers(bounces)
        if hosts:
            yield "ok", f"{domain}: bounces go to {bounces}, by MX to {', '.join(hosts)}"
        elif hosts is None:
            yield "ok", f"{domain}: bounces go to {bounces}; no name server says whether it has an MX record"
        else:
            yield "warn", f"{domain}: {bounces} has no MX record, so no bounce arrives; see `ses domain show {domain}`"


def feed_checks() -> Findings:
    """Which feeds have brought events, and whether much was sent and nothing came back."""
    from ses_ops.domain.feed_silence import SPAN, silence
    from ses_ops.storage.events import feeds

    now = datetime.now(UTC)
    with database() as conn:
        found = feeds.feeds(conn)
        sent = feeds.sent_since(conn, now - SPAN)
    if silence(sent, {feed.source: feed.last_at for feed in found if feed.events}, now=now).alarms:
        yield "warn", f"{sent:,} messages were sent in the last 24 hours, and no feed told of a bounce or a delivery"
    elif not found:
        yield "ok", "no feed has brought an event yet"
    for feed in found:
        parts = [f"{feed.source}: {feed.events:,} events, the last at {feed.last_at:%Y-%m-%d %H:%M} UTC"]
        parts += [f"{feed.unmatched:,} matched no message"] if feed.unmatched else []
        parts += [f"{feed.refused:,} requests were refused, the last: {feed.last_refusal}"] if feed.refused else []
        brought_nothing = feed.refused and not feed.events
        yield "warn" if brought_nothing else "ok", "; ".join(parts)


def _public_url() -> str | None:
    url = settings.public_url()
    if url is None and airflow_configuration.names_the_stack() and (stack := settings.running_stack()):
        url = stack.public_url
    return url


def _health(url: str) -> tuple[int, str | None]:
    """The status of `/health`, and the state that it tells; None for an answer that is not the listener's."""
    # A proxy of the environment leads to the internet, not to this machine.
    proxies = [ProxyHandler({})] if urlsplit(url).hostname in _LOCAL else []
    try:
        with build_opener(*proxies).open(f"{url}/health", timeout=ANSWER_WITHIN) as answer:
            status, body = answer.status, answer.read(LONGEST_ANSWER)
    except HTTPError as problem:
        with problem:
            status, body = problem.code, problem.read(LONGEST_ANSWER)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return status, None
    state = told.get("status") if isinstance(told, dict) else None
    return status, state if state in ("ok", "degraded", "failing") else None
