"""The mailbox's pages and JSON API, on the loopback address.

No part of a message is ever run or fetched.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ses_ops.stack.mailbox.reading import SHOWN_TEXT, ReadMessage, printable, read, summary
from ses_ops.stack.mailbox.simulated import MEANINGS
from ses_ops.stack.mailbox.store import MessageStore, StoredMessage

#: Number of messages on one page of the list.
PAGE = 50
#: Largest value of `limit` in the JSON API.
API_LIMIT = 10_000
#: The views of a message, in the order of their tabs; a message has only tabs with content.
VIEWS = {"html": "HTML", "text": "Text", "code": "HTML source", "headers": "Headers", "source": "Source"}

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: The policy for a mail's own HTML: no scripts, no request to the network (a picture would tell the sender of a read).
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HTML = Path(__file__).with_name("html")
_ASSETS = {"style.css": "text/css", "mailbox.js": "text/javascript"}

Text = Annotated[str, Query(max_length=320)]
Number = Annotated[int | None, Query(ge=1, lt=2**62)]


def mailbox_app(store: MessageStore) -> FastAPI:
    """The application. It answers only requests for this machine's own names (against DNS rebinding)."""
    app = FastAPI(openapi_url=None, title="ses-ops mailbox")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    pages = Environment(loader=FileSystemLoader(_HTML), autoescape=True, undefined=StrictUndefined)
    pages.globals["views"] = VIEWS
    pages.globals["link"] = _link
    pages.globals["simulated"] = MEANINGS
    _add_list(app, store, pages)
    _add_message(app, store, pages)
    _add_deletion(app, store, pages)
    _add_api(app, store)
    app.middleware("http")(_guard)
    return app


async def _guard(request: Request, call_next: Any) -> Response:
    """Refuse a change that comes from the page of another site, and set the security headers."""
    if request.method not in ("GET", "HEAD"):
        site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin")
        if site not in ("none", "same-origin") or origin not in (None, f"http://{request.headers.get('host')}"):
            return PlainTextResponse("refused: this comes from another page", status_code=403)
    response: Response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def _link(path: str, **query: object) -> str:
    """A path with a query of the fields that are set."""
    text = urlencode({name: str(value) for name, value in query.items() if value not in (None, "")})
    return f"{path}?{text}" if text else path


def _add_list(app: FastAPI, store: MessageStore, pages: Environment) -> None:
    def shown(name: str, q: str, to: str, before: int | None) -> str:
        words, address = q.strip(), to.strip()
        found = store.newest(to=address, words=words, limit=PAGE + 1, before=before)
        return pages.get_template(name).render(
            messages=[summary(one) for one in found[:PAGE]],
            older=found[PAGE - 1].id if len(found) > PAGE else None,
            count=store.count(to=address, words=words),
            q=q,
            to=to,
            before=before,
        )

    @app.get("/", response_class=HTMLResponse)
    def show_list(q: Text = "", to: Text = "", before: Number = None) -> str:
        return shown("list.html", q, to, before)

    @app.get("/rows", response_class=HTMLResponse)
    def show_rows(q: Text = "", to: Text = "", before: Number = None) -> str:
        """The part of the list that is refreshed while a person looks at the page."""
        return shown("rows.html", q, to, before)

    @app.get("/{name}.{ending}")
    def asset(name: str, ending: str) -> Response:
        file = f"{name}.{ending}"
        if file not in _ASSETS:
            raise HTTPException(404, "there is no such file")
        return Response((_HTML / file).read_bytes(), media_type=_ASSETS[file])


def _add_message(app: FastAPI, store: MessageStore, pages: Environment) -> None:
    @app.get("/messages/{number}", response_class=HTMLResponse)
    def show_message(number: int, view: str = "", q: Text = "", to: Text = "") -> str:
        message = _existing(store, number)
        content = read(message)
        has = {"html": content.html is not None, "text": content.text is not None, "code": content.html is not None}
        offered = [name for name in VIEWS if has.get(name, name == "source" or not content.problem)]
        newer, older = store.beside(number, to=to.strip(), words=q.strip())
        return pages.get_template("message.html").render(
            message=summary(message),
            read=content,
            offered=offered,
            view=view if view in offered else offered[0],
            source=message.raw[:SHOWN_TEXT].decode("utf-8", "replace"),
            cut=len(message.raw) > SHOWN_TEXT,
            newer=newer,
            older=older,
            q=q,
            to=to,
        )

    @app.get("/messages/{number}/html")
    def show_html(number: int) -> HTMLResponse:
        html = read(_existing(store, number)).html or ""
        return HTMLResponse(html, headers={"Content-Security-Policy": _MAIL_POLICY})

    @app.get("/messages/{number}/raw")
    def show_raw(number: int) -> PlainTextResponse:
        return PlainTextResponse(_existing(store, number).raw.decode("utf-8", "replace"))

    @app.get("/messages/{number}/download")
    def download(number: int) -> Response:
        return _file(_existing(store, number).raw, f"message-{number}.eml")

    @app.get("/messages/{number}/attachments/{index}")
    def attachment(number: int, index: int) -> Response:
        found = read(_existing(store, number)).attachments
        if not 0 <= index < len(found):
            raise HTTPException(404, f"message {number} has no attachment {index}")
        return _file(found[index].content, found[index].name)


def _add_deletion(app: FastAPI, store: MessageStore, pages: Environment) -> None:
    @app.get("/clear", response_class=HTMLResponse)
    def ask(q: Text = "", to: Text = "") -> str:
        newest = store.newest(limit=1)
        count = store.count(to=to.strip(), words=q.strip())
        return pages.get_template("clear.html").render(
            count=count, through=newest[0].id if newest else 0, q=q, to=to, before=None
        )

    @app.post("/clear")
    def clear(through: Annotated[int, Query(ge=0, lt=2**62)], q: Text = "", to: Text = "") -> RedirectResponse:
        """Delete messages up to the id that was the newest when the person was asked; later messages stay."""
        store.delete(to=to.strip(), words=q.strip(), through=through)
        return RedirectResponse("/", status_code=303)

    @app.post("/messages/{number}/delete")
    def delete(number: int, q: Text = "", to: Text = "") -> RedirectResponse:
        _existing(store, number)
        store.delete(through=number, only=number)
        return RedirectResponse(_link("/", q=q, to=to), status_code=303)


def _add_api(app: FastAPI, store: MessageStore) -> None:
    @app.get("/api/messages")
    def list_messages(
        q: Text = "", to: Text = "", limit: Annotated[int, Query(ge=0, le=API_LIMIT)] = 50, before: Number = None
    ) -> dict[str, object]:
        words, address = q.strip(), to.strip()
        found = store.newest(to=address, words=words, limit=limit, before=before)
        return {"count": store.count(to=address, words=words), "messages": [summary(one) for one in found]}

    @app.delete("/api/messages")
    def delete_messages(q: Text = "", to: Text = "") -> dict[str, int]:
        return {"deleted": store.delete(to=to.strip(), words=q.strip(), through=2**62)}

    @app.get("/api/messages/{number}")
    def get_message(number: int) -> dict[str, object]:
        message = _existing(store, number)
        content = read(message)
        return {**summary(message), **_content(content)}


def _content(content: ReadMessage) -> dict[str, object]:
    return {
        "headers": [list(pair) for pair in content.headers],
        "text": content.text,
        "html": content.html,
        "attachments": [
            {"name": one.name, "media_type": one.media_type, "size": len(one.content)} for one in content.attachments
        ],
        "problem": content.problem,
    }


def _existing(store: MessageStore, number: int) -> StoredMessage:
    message = store.get(number) if abs(number) < 2**62 else None
    if message is None:
        raise HTTPException(404, f"there is no message {number}")
    return message


def _file(content: bytes, name: str) -> Response:
    """A download that no browser opens as a page, whatever media type the message names."""
    disposition = f"attachment; filename*=UTF-8''{quote(printable(name), safe='')}"
    headers = {"Content-Disposition": disposition, "Content-Security-Policy": _MAIL_POLICY}
    return Response(content, media_type="application/octet-stream", headers=headers)
