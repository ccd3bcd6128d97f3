"""A mail's HTML as a response of its own, for the sandboxed frame of a page.

The page has `<iframe sandbox="" src="..." title="...">`; the policy of the response is the same for a browser that
opens the address without the frame. The mail can run no script. Its styles are its own; pictures of other hosts are not
loaded, so that no host learns that the mail was read.
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
    """The response with the HTML part of a mail, unchanged."""
    return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})
