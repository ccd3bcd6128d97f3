"""The protection against cross-site request forgery.

Airflow's login is a cookie, which a browser also sends with a form of another site in some cases. So every request that
can change something must come from the console's own pages, by headers that browsers set and no script can change.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from ses_ops.console.language import N_
from ses_ops.orchestration.console_link import origin

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED = N_("This request came from another site and was refused. Open the page anew and try again.")


def readable_address(request: Request) -> None:
    """Refuse a URL with a NUL with 400: no page of the console makes one, and PostgreSQL stores none."""
    if "\0" in request.url.path or "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise HTTPException(400)


def same_origin(request: Request) -> None:
    """Refuse a changing request of another site, or one without both headers, which no page sends, with 403."""
    if request.method in _SAFE:
        return
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        if fetch_site in ("same-origin", "none"):
            return
        raise HTTPException(403, REFUSED)
    # Browsers leave Sec-Fetch-Site out on plain http to hosts other than this machine; older ones on https, too. Behind
    # a proxy with TLS the request itself may say http, so only the host is compared; behind one that passes another
    # host on, the address of Airflow's configuration is.
    given = request.headers.get("origin", "").lower()
    if given and (_host(given) == request.headers.get("host", "").lower() or given == origin()):
        return
    raise HTTPException(403, REFUSED)


def _host(given: str) -> str | None:
    """The host and port of an origin; None for `null` and for what is no origin."""
    try:
        return urlsplit(given).netloc or None
    except ValueError:
        return None
