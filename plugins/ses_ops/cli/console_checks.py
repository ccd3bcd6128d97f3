"""The check of `ses doctor` of the console's address: whether a reverse proxy leads there, and tells what it must.

A path of the console with one slash too many is answered, without a login, by a redirect to the address without it. The
API server makes that address of what it knows of itself: scheme, host, port and prefix, as the proxy has told it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from ses_ops import airflow_configuration

Findings = Iterator[tuple[Literal["ok", "warn", "FAIL"], str]]

#: The path that is redirected, and where to.
ASKED, LED_TO = "/ses/tasks/", "/ses/tasks"
#: Seconds for the answer.
WITHIN = 10.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


class ConsoleAnswer(NamedTuple):
    """What came back: the status, and where it leads."""

    status: int
    location: str


def console_checks() -> Findings:
    """Whether Airflow's pages are at the address of `[api] base_url`, and whether they know that they are."""
    url = (airflow_configuration.setting("api", "base_url") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        yield "ok", "[api] base_url has no address, so Airflow's pages were not asked"
        return
    try:
        try:
            answer = _ask(url, ssl.create_default_context())
        except ssl.SSLCertVerificationError as problem:
            yield "warn", f"{url}: its certificate is not trusted on this machine ({problem.verify_message})"
            answer = _ask(url, _trusting_anybody())
    except (OSError, HTTPException, ValueError) as problem:
        state: Literal["ok", "warn"] = "ok" if urlsplit(url).hostname in _LOCAL else "warn"
        yield state, f"{url} ([api] base_url) does not answer on this machine ({problem}); nothing else was looked at"
        return
    yield from judged(url, answer)


def judged(url: str, answer: ConsoleAnswer) -> Findings:
    """What an answer to ASKED says of the address and of the proxy before it."""
    wanted, found = urlsplit(url + LED_TO), urlsplit(answer.location)
    if answer.status in (401, 403):
        yield "warn", f"{url} wants a login before Airflow's, so nothing else was looked at"
    elif answer.status >= 500:
        yield "FAIL", f"{url} answers {answer.status}: does the api-server run, and does the proxy lead to it?"
    elif answer.status != 307 or not found.path.endswith(LED_TO):
        yield (
            "FAIL",
            f"{url} answers {answer.status}, but not as the console does: the proxy must pass the path "
            f"{wanted.path.removesuffix(LED_TO) or '/'} on, and the api-server must have been started with this "
            "[api] base_url",
        )
    elif found.path != wanted.path:
        yield (
            "FAIL",
            f"{url}: the api-server takes {found.path.removesuffix(LED_TO) or '/'} for the path of its pages: it must "
            "have been started with this [api] base_url",
        )
    elif found.netloc.lower() != wanted.netloc.lower():
        yield (
            "warn",
            f"{url}: the api-server takes {found.netloc} for its host: the proxy must pass Host on as it came "
            "(nginx: proxy_set_header Host $http_host)",
        )
    elif found.scheme != wanted.scheme:
        yield (
            "warn",
            f"{url}: the api-server takes {found.scheme} for its scheme, so its cookies lack Secure: the proxy must "
            "send X-Forwarded-Proto, and its address must be in FORWARDED_ALLOW_IPS of the api-server",
        )
    else:
        yield "ok", f"Airflow's pages answer at {url}, and know that address"


def _ask(url: str, context: ssl.SSLContext) -> ConsoleAnswer:
    # Not by a proxy of the environment, which leads to the internet, and no redirect is followed: it is the answer.
    parts = urlsplit(url)
    if parts.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(parts.netloc, timeout=WITHIN, context=context)
    else:
        connection = HTTPConnection(parts.netloc, timeout=WITHIN)
    with closing(connection):
        connection.request("GET", parts.path + ASKED)
        answer = connection.getresponse()
        return ConsoleAnswer(answer.status, answer.getheader("Location") or "")


def _trusting_anybody() -> ssl.SSLContext:
    """For a look at the redirect: nothing secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
