"""Error pages: what is wrong and how to mend it, never a traceback."""

from __future__ import annotations

import logging
import re

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.console.change_made import HOLDS, change_made, sentence_of_change
from ses_ops.console.errors import marked
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.errors import (
    Conflict,
    ConnectionProblem,
    DatabaseUnavailable,
    LookUpFailed,
    NotFound,
    NotSetUp,
    ResumeNotAllowed,
    SesError,
    TransportUnavailable,
)
from ses_ops.storage.connection import schema_problem

log = logging.getLogger(__name__)

#: Methods that change nothing.
_READS = ("GET", "HEAD", "OPTIONS")
#: A path of the server (of a socket, of a certificate), which does not help a person at a browser.
_PATH = re.compile(r"(?<![\w:/<])/(?:[^\s/\"',;]+/)+[^\s/\"',;]*")

_TITLES = {
    400: N_("This request cannot be understood"),
    401: N_("You are not logged in"),
    403: N_("You may not do this"),
    404: N_("There is nothing here"),
    405: N_("This address only takes forms"),
    409: N_("This cannot be done now"),
    413: N_("This is too large"),
    415: N_("This is no form of this page"),
    422: N_("Something in this request is wrong"),
    500: N_("Something went wrong in the console"),
    503: N_("A server does not answer"),
}
#: Titles of errors that differ from the title of their status.
_TITLES_OF: dict[type[SesError], str] = {
    NotSetUp: N_("This installation is not ready yet"),
    ConnectionProblem: N_("This installation is not ready yet"),
}
_WORDS = {
    401: N_("Log in to Airflow, then open this page again."),
    403: N_("Your role in Airflow does not allow it. Ask an administrator for the right to run or edit the DAG."),
    404: N_("The address is wrong, or the thing was deleted."),
    500: N_("The reason is in the log of Airflow's API server."),
}
_STATUS: tuple[tuple[type[SesError], int], ...] = (
    (NotFound, 404),
    (ResumeNotAllowed, 403),
    (Conflict, 409),
    (DatabaseUnavailable, 503),
    (TransportUnavailable, 503),
    (NotSetUp, 503),
    (ConnectionProblem, 503),
    (LookUpFailed, 503),
    (SesError, 422),
)


def add_error_pages(app: FastAPI) -> None:
    """Make every error of the application a page."""
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, lambda request, _: error_page(request, 404))
    app.add_exception_handler(SesError, _ses_error)
    app.add_exception_handler(Exception, _other)


def status_of(problem: SesError) -> int:
    """The HTTP status of an error of ses-ops."""
    return next(status for kind, status in _STATUS if isinstance(problem, kind))


def error_page(request: Request, status: int, words: str | None = None, title: str | None = None) -> Response:
    """The page of an error; `words` replace the text of the status."""
    lang = language_of(request)
    title = lang.gettext(title or _TITLES.get(status, _TITLES[500 if status >= 500 else 400]))
    text = words or (lang.gettext(_WORDS[status]) if status in _WORDS else "")
    if status == 500:
        text = f"{lang.gettext(sentence_of_change(only_reads=request.method in _READS))} {text}"
    elif change_made():
        text = f"{text}{'' if text.endswith(('.', '。')) else '.'} {lang.gettext(HOLDS)}"
    return render(request, "error.html", status=status, code=status, title=title, text=text)


def _http_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, StarletteHTTPException)
    own = problem.detail if problem.detail != HTTPException(problem.status_code).detail else None
    # Airflow's own texts ("Forbidden", "Not authenticated") do not help a person: only sentences of ses-ops are shown.
    sentence = own if own and own.endswith(".") else None
    return error_page(request, problem.status_code, sentence and language_of(request).gettext(sentence))


def _ses_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, SesError)
    shown = marked(language_of(request), problem)
    text = shown if isinstance(problem, NotFound) else Markup(_PATH.sub("…", shown))  # noqa: S704
    title = next((title for kind, title in _TITLES_OF.items() if isinstance(problem, kind)), None)
    return error_page(request, status_of(problem), text, title)


def _other(request: Request, problem: Exception) -> Response:
    if other_schema := schema_problem(problem):
        return _ses_error(request, other_schema)
    log.error("the console failed at %s %s", request.method, request.url.path, exc_info=problem)
    return error_page(request, 500)
