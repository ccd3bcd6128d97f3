"""Pages and polled fragments, rendered from the Jinja2 templates in `html/`.

Templates escape every value, and an undefined name is an error. They have the names `_()`, `ngettext()`, `number()`,
`percent()`, `hundredths()`, `moment()`, `zoned()`, `clock()`, `said()`, `url()`, `static()`, `user`, `may_change`,
`may_look`, `flash`, and those that the page passes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ses_ops.console.access import may_change_console, may_see_shared
from ses_ops.console.errors import marked
from ses_ops.console.flash import forget_flash, take_flash
from ses_ops.console.language import N_, Language, language, language_of
from ses_ops.console.mailbox_link import mailbox_url
from ses_ops.console.restored_ledger import restored_notice
from ses_ops.console.static_files import version_of
from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.errors import InvalidInput
from ses_ops.orchestration.console_link import NAV_ROUTE, PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HTML = Path(__file__).with_name("html")


@dataclass(frozen=True, kw_only=True, slots=True)
class NavigationEntry:
    """A link of the console's own navigation, shown when a page with that path is registered."""

    path: str
    label: str
    #: Whether the link is only for persons who may make and change things.
    changes: bool = False
    #: Whether the link is only for persons who may see what all tasks share.
    shared: bool = True
    #: Paths of other pages that belong to this entry.
    also: tuple[str, ...] = ()

    def leads_to(self, path: str) -> int:
        """Number of characters of a path that match this entry; 0 when the page does not belong to it."""
        return max(len(one) if path == one or path.startswith(f"{one}/") else 0 for one in (self.path, *self.also))


#: The entries in the order of the navigation. All pages of the console are listed: a new one changes nothing here.
NAVIGATION = (
    NavigationEntry(path="/", label=N_("Overview"), shared=False),
    NavigationEntry(path="/tasks", label=N_("Send tasks"), shared=False, also=("/bulk-tasks",)),
    NavigationEntry(path="/new-task", label=N_("New send task"), changes=True),
    NavigationEntry(path="/messages", label=N_("Messages")),
    NavigationEntry(path="/templates", label=N_("Templates"), also=("/test-sends",)),
    NavigationEntry(path="/groups", label=N_("Recipient groups"), also=("/new-group", "/imports")),
    NavigationEntry(path="/domains", label=N_("Sender domains"), also=("/new-domain",)),
    NavigationEntry(path="/suppression", label=N_("Suppression")),
    NavigationEntry(path="/statistics", label=N_("Statistics"), shared=False),
    NavigationEntry(path="/feedback", label=N_("Feedback")),
    NavigationEntry(path="/callbacks", label=N_("Callbacks"), also=("/new-callback",)),
    NavigationEntry(path="/keys", label=N_("Keys"), also=("/new-key",)),
    NavigationEntry(path="/people", label=N_("People")),
)


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page; `context` has the names for this template."""
    words = language_of(request)
    common = _common(request, words)
    navigation = _navigation(request, common)
    body = (
        environment(words.code)
        .get_template(template)
        .render(
            **common,
            flash=take_flash(request),
            # A page about an unavailable server does not ask it.
            restored=restored_notice(words) if status < HTTPStatus.INTERNAL_SERVER_ERROR else None,
            navigation=navigation,
            current=_current(navigation, common["here"]),
            **context,
        )
    )
    answer = HTMLResponse(body, status_code=status, headers={"Vary": "Accept-Language, Cookie"})
    forget_flash(request, answer)
    return answer


def fragment(request: Request, template: str, *, every: int, **context: Any) -> Response:
    """A part of a page that live.js polls; 304 without content while it has not changed.

    `every` is the number of seconds until the next poll (`poll_interval`), 0 to end polling.
    """
    words = language_of(request)
    body = environment(words.code).get_template(template).render(**_common(request, words), **context).encode()
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Vary": "Accept-Language, Cookie", "X-Every": str(every)}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(body, headers=headers)


@cache
def environment(code: str) -> Environment:
    """The Jinja2 environment of one language."""
    words = language(code)
    made = Environment(
        loader=FileSystemLoader(_HTML),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "_": _escaping(words.gettext),
        "gettext": _escaping(words.gettext),
        "ngettext": words.ngettext,
        "number": words.number,
        "percent": words.percent,
        "hundredths": words.rate,
        "date": words.date,
        "moment": lambda when, seconds=False: moment(words, when, seconds=seconds),
        "said": lambda sentence: marked(words, sentence),
        "zoned": lambda when, time_zone: zoned(words, when, time_zone),
        "clock": lambda when, time_zone: f"{wall_clock(when, time_zone)} {time_zone}",
        "static": version_of,
    }
    return made


def moment(words: Language, when: datetime | None, *, seconds: bool = False) -> Markup:
    """A moment as `<time>` in UTC; ses.js shows it in the viewer's zone, and in UTC when hovered.

    `seconds` adds the seconds, where two moments would look alike.
    """
    if when is None:
        return Markup("<span class='muted'>–</span>")
    text = words.utc(when)
    return Markup('<time datetime="{iso}" title="{title}"{exact}>{text}</time>').format(
        iso=when.astimezone(UTC).isoformat(timespec="seconds"),
        title=text,
        exact=Markup(" data-seconds") if seconds else "",
        text=text,
    )


def zoned(words: Language, when: datetime | None, time_zone: str) -> Markup:
    """A start on the wall clock of the task's own zone, and beside that in the viewer's zone."""
    if when is None:
        return moment(words, when)
    return Markup(
        '<span class="zoned"><span class="own">{clock}</span> <span class="muted">{zone}</span></span> {own}'
    ).format(clock=wall_clock(when, time_zone), zone=time_zone, own=moment(words, when))


def wall_clock(when: datetime, time_zone: str) -> str:
    """A wall clock time such as `2026-12-01 09:00`; in UTC when the stored zone is invalid."""
    try:
        tz = zone(time_zone)
        return f"{to_wall_clock(when, tz):%Y-%m-%d %H:%M}"
    except (InvalidInput, OverflowError):
        return f"{when:%Y-%m-%d %H:%M}"


def _escaping(gettext: Any) -> Any:
    """A translating function for templates that escapes the text and the values, except values that are markup."""

    def translate(text: str, **values: object) -> str:
        translated = gettext(text)
        return escape(translated) % values if values else str(translated)

    return translate


def _common(request: Request, words: Language) -> dict[str, Any]:
    root = request.scope.get("root_path", "")
    user = getattr(request.state, "ses_user", None)

    def url(path: str, **query: object) -> str:
        """The URL of a page of the console: `url("/tasks/" ~ name ~ "/pause")`."""
        kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return root + quote(path, safe="/%?=&+~-._") + ("?" + urlencode(kept) if kept else "")

    def airflow(path: str) -> str:
        """The URL of a page of Airflow: `airflow("/dags/" ~ dag_id)`. The link needs the attribute data-leave-frame."""
        return root.removesuffix(PREFIX) + quote(path, safe="/%?=&+~-._")

    return {
        "lang": words.code,
        "url": url,
        "airflow": airflow,
        #: The URL of a page of the console in Airflow's frame: what follows the route is the whole path in the frame.
        "in_airflow": lambda path: airflow(f"/plugin/{NAV_ROUTE}{root}{path}"),
        "here": request.scope["path"].removeprefix(root) or "/",
        "user": user.get_name() if user is not None else None,
        "may_change": user is not None and may_change_console(user),
        #: Whether the person may see groups, templates, sender domains and the suppression list, and so links to them.
        "may_look": user is not None and may_see_shared(user),
        #: The URL of the mailbox of `make run`, None elsewhere. The link needs target="_blank" and data-leave-frame.
        "mailbox": mailbox_url(request),
        "now": datetime.now(UTC),
    }


def _navigation(request: Request, common: Mapping[str, Any]) -> list[NavigationEntry]:
    known = {getattr(route, "path", None) for route in request.app.routes}
    return [
        entry
        for entry in NAVIGATION
        if entry.path in known
        and (common["may_change"] or not entry.changes)
        and (common["may_look"] or not entry.shared)
    ]


def _current(navigation: Sequence[NavigationEntry], here: str) -> NavigationEntry | None:
    """The entry that a page belongs to: the one that matches the longest part of the path."""
    length, found = max(((entry.leads_to(here), entry) for entry in navigation), key=itemgetter(0), default=(0, None))
    return found if length else None
