"""Pages: Jinja2 templates of `html/`, with everything that every page needs, and fragments that are polled.

Templates escape every value, and a name that is not there is an error. They know `_()`, `ngettext()`, `number()`,
`percent()`, `moment()`, `zoned()`, `clock()`, `said()`, `url()`, `static()`, `user`, `may_change`, `may_look`,
`flash`, and what the page gives them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
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
from ses_ops.console.static_files import version_of
from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.errors import InvalidInput
from ses_ops.orchestration.console_link import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HTML = Path(__file__).with_name("html")


@dataclass(frozen=True, kw_only=True, slots=True)
class NavigationEntry:
    """A link of the console's own navigation. It is shown when a page with that path is registered."""

    path: str
    label: str
    #: Only for those who may make and change things.
    changes: bool = False
    #: Only for those who may see what all tasks share.
    shared: bool = True
    #: Pages below it that have other addresses.
    also: tuple[str, ...] = ()

    def leads_to(self, path: str) -> int:
        """How much of a path is this entry's: 0 when the page is no part of it."""
        return max(len(one) if path == one or path.startswith(f"{one}/") else 0 for one in (self.path, *self.also))


#: In the order of the navigation; every page of the console is here, so that adding one changes nothing in this file.
NAVIGATION = (
    NavigationEntry(path="/", label=N_("Overview"), shared=False),
    NavigationEntry(path="/tasks", label=N_("Send tasks"), shared=False, also=("/bulk-tasks",)),
    NavigationEntry(path="/new-task", label=N_("New send task"), changes=True),
    NavigationEntry(path="/templates", label=N_("Templates"), also=("/test-sends",)),
    NavigationEntry(path="/groups", label=N_("Recipient groups"), also=("/new-group", "/imports")),
    NavigationEntry(path="/domains", label=N_("Sender domains"), also=("/new-domain",)),
    NavigationEntry(path="/suppression", label=N_("Suppression")),
)


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page. `context` are the template's own names."""
    words = language_of(request)
    common = _common(request, words)
    navigation = _navigation(request, common)
    body = (
        environment(words.code)
        .get_template(template)
        .render(
            **common,
            flash=take_flash(request),
            navigation=navigation,
            current=_current(navigation, common["here"]),
            **context,
        )
    )
    answer = HTMLResponse(body, status_code=status, headers={"Vary": "Accept-Language, Cookie"})
    forget_flash(request, answer)
    return answer


def fragment(request: Request, template: str, *, every: int, **context: Any) -> Response:
    """A part of a page that live.js asks for again and again: 304 and no content while it has not changed.

    `every`: in how many seconds it is to ask again (`live_pace`), 0 when this is the end.
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
    """The templates in one language."""
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
        "date": words.date,
        "moment": lambda when, seconds=False: moment(words, when, seconds=seconds),
        "said": lambda sentence: marked(words, sentence),
        "zoned": lambda when, time_zone: zoned(words, when, time_zone),
        "clock": lambda when, time_zone: f"{wall_clock(when, time_zone)} {time_zone}",
        "static": version_of,
    }
    return made


def moment(words: Language, when: datetime | None, *, seconds: bool = False) -> Markup:
    """A moment as `<time>`: UTC as it leaves the server; ses.js shows the viewer's zone, and UTC when hovered.

    `seconds`: with them, where two moments would look alike.
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
    """A start: the wall clock of the task's own zone, and beside it the moment as the viewer's clock shows it."""
    if when is None:
        return moment(words, when)
    return Markup(
        '<span class="zoned"><span class="own">{clock}</span> <span class="muted">{zone}</span></span> {own}'
    ).format(clock=wall_clock(when, time_zone), zone=time_zone, own=moment(words, when))


def wall_clock(when: datetime, time_zone: str) -> str:
    """`2026-12-01 09:00`; as the database has it (in UTC) when a row has a zone that is none."""
    try:
        tz = zone(time_zone)
        return f"{to_wall_clock(when, tz):%Y-%m-%d %H:%M}"
    except (InvalidInput, OverflowError):
        return f"{when:%Y-%m-%d %H:%M}"


def _escaping(gettext: Any) -> Any:
    """For templates: the text and the values in it are escaped, except those that are markup already."""

    def translate(text: str, **values: object) -> str:
        translated = gettext(text)
        return escape(translated) % values if values else str(translated)

    return translate


def _common(request: Request, words: Language) -> dict[str, Any]:
    root = request.scope.get("root_path", "")
    user = getattr(request.state, "ses_user", None)

    def url(path: str, **query: object) -> str:
        """A page of the console: url("/tasks/{}/pause", ...) is `url("/tasks/" ~ name ~ "/pause")`."""
        kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return root + quote(path, safe="/%?=&+~-._") + ("?" + urlencode(kept) if kept else "")

    return {
        "lang": words.code,
        "url": url,
        #: Airflow's own pages: `airflow("/dags/" ~ dag_id)`. Their links need the attribute data-leave-frame.
        "airflow": lambda path: root.removesuffix(PREFIX) + quote(path, safe="/%?=&+~-._"),
        "here": request.scope["path"].removeprefix(root) or "/",
        "user": user.get_name() if user is not None else None,
        "may_change": user is not None and may_change_console(user),
        #: Whether groups, templates, sender domains and the suppression list may be seen: links to them need it.
        "may_look": user is not None and may_see_shared(user),
        #: The mailbox of `make run`, None elsewhere. Its links need target="_blank" and data-leave-frame.
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
    """The entry that a page belongs to: that with the longest part of its path."""
    length, found = max(((entry.leads_to(here), entry) for entry in navigation), key=itemgetter(0), default=(0, None))
    return found if length else None
