"""A mail's HTML as an answer of its own, for the sandboxed frame of a page: it can run nothing and load nothing.

The page has `<iframe sandbox="" src="..." title="...">`. The policy says the same to who opens the address without the
frame. Styles of the mail are its own; pictures of other hosts are not loaded: a look at a mail tells nobody anything.
"""

from __future__ import annotations

from starlette.responses import HTMLResponse

MAIL_POLICY = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)


def mail_frame(html: str) -> HTMLResponse:
    """The HTML part of a mail, as it is."""
    return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})
