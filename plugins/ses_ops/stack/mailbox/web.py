"""The mailbox's pages: read only, on the loopback address, nothing of a message is ever run or fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ses_ops.stack.mailbox.reading import read, summary
from ses_ops.stack.mailbox.store import MessageStore, StoredMessage

#: Messages on one page of the list.
PAGE = 50
#: What `limit` of the JSON API may be at most.
API_LIMIT = 10_000

_PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'"
#: The mail's own HTML: no scripts, nothing from the network (a picture would tell the sender that it was read).
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HTML = Path(__file__).with_name("html")

Text = Annotated[str, Query(max_length=320)]
Before = Annotated[int | None, Query(ge=1)]


def mailbox_app(store: MessageStore) -> FastAPI:
    """The application. Only requests for this machine's own names are answered (DNS rebinding)."""
    app = FastAPI(openapi_url=None, title="ses-ops mailbox")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    pages = Environment(loader=FileSystemLoader(_HTML), autoescape=True, undefined=StrictUndefined)
    _add_pages(app, store, pages)
    _add_api(app, store)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _add_pages(app: FastAPI, store: MessageStore, pages: Environment) -> None:
    @app.get("/", response_class=HTMLResponse)
    def show_list(to: Text = "", before: Before = None) -> str:
        found = store.newest(to=to.strip(), limit=PAGE + 1, before=before)
        return pages.get_template("list.html").render(
            messages=[summary(one) for one in found[:PAGE]],
            older=found[PAGE - 1].id if len(found) > PAGE else None,
            count=store.count(to.strip()),
            to=to,
        )

    @app.get("/messages/{number}", response_class=HTMLResponse)
    def show_message(number: int) -> str:
        message = _existing(store, number)
        page = pages.get_template("message.html")
        return page.render(message=summary(message), read=read(message))

    @app.get("/messages/{number}/html")
    def show_html(number: int) -> HTMLResponse:
        html = read(_existing(store, number)).html or ""
        return HTMLResponse(html, headers={"Content-Security-Policy": _MAIL_POLICY})

    @app.get("/messages/{number}/raw")
    def show_raw(number: int) -> PlainTextResponse:
        return PlainTextResponse(_existing(store, number).raw.decode("utf-8", "replace"))

    @app.get("/style.css")
    def style() -> Response:
        return Response((_HTML / "style.css").read_bytes(), media_type="text/css")


def _add_api(app: FastAPI, store: MessageStore) -> None:
    @app.get("/api/messages")
    def list_messages(
        to: Text = "", limit: Annotated[int, Query(ge=0, le=API_LIMIT)] = 50, before: Before = None
    ) -> dict[str, object]:
        found = store.newest(to=to.strip(), limit=limit, before=before)
        return {"count": store.count(to.strip()), "messages": [summary(one) for one in found]}

    @app.get("/api/messages/{number}")
    def get_message(number: int) -> dict[str, object]:
        message = _existing(store, number)
        content = read(message)
        return {
            **summary(message),
            "headers": [list(pair) for pair in content.headers],
            "text": content.text,
            "html": content.html,
        }


def _existing(store: MessageStore, number: int) -> StoredMessage:
    message = store.get(number) if number < 2**62 else None
    if message is None:
        raise HTTPException(404, f"there is no message {number}")
    return message
