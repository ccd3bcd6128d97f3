"""Upload of a CSV file into a new or an existing recipient group.

The file is never kept: its bytes are streamed from the connection into the database (`incoming`, `multipart`,
`application/group_upload`). When the browser closes the connection, the transaction is rolled back.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ses_ops.application import groups
from ses_ops.application.group_upload import GroupUpload, UploadOrder
from ses_ops.audience.column_names import read_mapping
from ses_ops.audience.csv.encoding_signs import USUAL
from ses_ops.console import file_errors
from ses_ops.console.access import changes_console
from ses_ops.console.actor import actor_of
from ses_ops.console.change_made import note_change
from ses_ops.console.database import database_is_ready, forget_snapshots, reading
from ses_ops.console.door import change
from ses_ops.console.error_pages import status_of
from ses_ops.console.errors import worded_beside
from ses_ops.console.flash import Flash
from ses_ops.console.forms import WHOLE, Form, see_other
from ses_ops.console.groups.rights import check_may_fill
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.template_catalogue import template_names
from ses_ops.console.uploads.body import Incoming, in_thread
from ses_ops.console.uploads.upload_form import LARGEST_FILE, Posted, texts_of
from ses_ops.errors import Conflict, DatabaseUnavailable, InvalidInput, NotFound, SesError
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.storage.audience import recipients

router = APIRouter()

#: Most imports at a time in one process. Each has a thread and two connections, which other requests need too.
AT_ONCE = 4
#: Most imports of one person among them, so that a person who never ends one does not block the others.
AT_ONCE_EACH = 2
_running: Counter[str] = Counter()
_LIMITER = CapacityLimiter(AT_ONCE)
_LONGEST_FILE_NAME = 200
LONGEST_DESCRIPTION = 500
_EXAMPLE = 'address,name,city\nann@example.com,Ann,Oslo\nben@example.com,Ben,"New York"'
#: Value of the form for "found from the file".
AUTOMATIC = "auto"
#: Choices for the present recipients of the group.
_MODES = {
    "replace": N_("Replace all of them by the rows of the file"),
    "add": N_("Keep them, and add the rows of the file"),
}
_BUSY = N_("This server imports %(count)s files now and takes no more. Try again in a minute.")
_BUSY_YOURSELF = N_("You are uploading %(count)s files now. Try again when one of them is done, or stop one.")


@router.get("/new-group", dependencies=[Depends(changes_console), Depends(database_is_ready)])
def new_group(request: Request) -> Response:
    """The form of a new group."""
    return _page(request, Form(), None)


@router.get("/groups/{name}/upload", dependencies=[Depends(changes_console)])
def upload_page(request: Request, name: str, user: GetUserDep) -> Response:
    """The form of a group's new content."""
    _check_may_fill(request, user, name)
    with reading() as conn:
        missing = recipients.find_group(conn, name).empty_is_missing
    mode = "add" if request.query_params.get("mode") == "add" else "replace"
    return _page(request, Form.of(mode=mode, **({"empty_is_missing": "yes"} if missing else {})), name)


# These two are `async`, which a streamed request body requires. Blocking work is done in a thread.
@router.post("/new-group", dependencies=[Depends(changes_console)])
async def create(request: Request, user: GetUserDep) -> Response:
    """Create a group from a file, or an empty one."""
    return await _receive(request, user, None)


@router.post("/groups/{name}/upload", dependencies=[Depends(changes_console)])
async def upload(request: Request, name: str, user: GetUserDep) -> Response:
    """Replace a group's content."""
    return await _receive(request, user, name)


async def _receive(request: Request, user: BaseUser, group: str | None) -> Response:
    """Read the texts of the form; the import counts against the limits only when the file begins."""
    pieces = request.stream()
    posted = await texts_of(request, pieces, largest_file=LARGEST_FILE)
    if posted.file_name is None:
        return await run_in_threadpool(_without_file, request, user, group, posted.form)
    person = user.get_name()
    if busy := _no_place(request, person):
        posted.form.problem(WHOLE, busy)
        return await run_in_threadpool(_page, request, posted.form, group, status=503)

    def work(incoming: Incoming) -> Response:
        if group is not None:
            _check_may_fill(request, user, group)
        assert posted.upload is not None
        posted.upload.go_on(iter(incoming))
        return _handle(request, user, group, posted, incoming)

    _running[person] += 1
    try:
        return await in_thread(request, pieces, work, limiter=_LIMITER)
    finally:
        _running[person] -= 1


def _no_place(request: Request, person: str) -> str | None:
    """The reason for which no file can be accepted now. It runs in the event loop, so no other import interferes."""
    words = language_of(request)
    if _running[person] >= AT_ONCE_EACH:
        return words.gettext(_BUSY_YOURSELF, count=AT_ONCE_EACH)
    return words.gettext(_BUSY, count=AT_ONCE) if _LIMITER.available_tokens < 1 else None


def _without_file(request: Request, user: BaseUser, group: str | None, form: Form) -> Response:
    if group is not None:
        _check_may_fill(request, user, group)
    _check(request, form, group, with_file=False)
    return _page(request, form, group, status=422) if form.errors else _make_empty(request, user, form)


def _handle(request: Request, user: BaseUser, group: str | None, posted: Posted, incoming: Incoming) -> Response:
    form = posted.form
    assert posted.file_name is not None
    _check(request, form, group, with_file=True)
    if form.errors:
        return _page(request, form, group, status=422)
    order = _order(request, user, form, group, posted.file_name)
    try:
        upload = GroupUpload(order, ended=lambda: incoming.stopped, stop=incoming.stop)
        upload.run(ses_db_dsn(), actor_of(user), posted.blocks())
        note_change()
    except DatabaseUnavailable:
        raise
    except SesError as problem:
        form.problem(*file_errors.problem_of(language_of(request), problem))
        return _page(request, form, group, status=status_of(problem), failed=str(order.id))
    finally:
        forget_snapshots()
    return see_other(request, f"/imports/{order.id}")


def check_fields(request: Request, form: Form) -> None:
    """Check the form's options for the file."""
    gettext = language_of(request).gettext
    file_errors.check_encoding(language_of(request), form)
    if form.text("delimiter", AUTOMATIC) not in (AUTOMATIC, *_delimiter_names()):
        form.problem("delimiter", gettext(N_("Choose one of these.")))
    try:
        read_mapping(form.raw("map").splitlines())
    except InvalidInput as problem:
        form.problem("map", worded_beside(language_of(request), problem))


def file_options(form: Form) -> dict[str, Any]:
    """The options of `recipient_rows` by a checked form."""
    return {
        "delimiter": _delimiter_names().get(form.text("delimiter")),
        "address_column": form.text("address_column") or None,
        "encoding": form.text("encoding") or None,
        "names": read_mapping(form.raw("map").splitlines()),
        "sheet": form.text("sheet") or None,
    }


def _check(request: Request, form: Form, group: str | None, *, with_file: bool) -> None:
    gettext = language_of(request).gettext
    if group is None:
        _check_name(request, form)
    elif not with_file:
        form.problem("file", gettext(N_("Choose a CSV file.")))
    if len(form.text("description")) > LONGEST_DESCRIPTION:
        form.problem("description", gettext(N_("Use at most %(count)s characters."), count=LONGEST_DESCRIPTION))
    check_fields(request, form)


def _check_name(request: Request, form: Form) -> None:
    gettext, name = language_of(request).gettext, form.text("name")
    try:
        recipients.check_group_name(name)
    except InvalidInput:
        form.problem("name", gettext(N_("Use up to 100 letters, digits, -, _ and . and no spaces.")))
        return
    with reading() as conn:
        try:
            recipients.find_group(conn, name)
        except NotFound:
            return
    form.problem("name", gettext(N_("There is a group of this name already. Choose another name, or open that group.")))


def _make_empty(request: Request, user: BaseUser, form: Form) -> Response:
    name, words = form.text("name"), language_of(request)
    try:
        change(user, groups.create, name, description=form.text("description"))
    except Conflict as problem:
        form.problem("name", file_errors.problem_of(words, problem)[1])
        return _page(request, form, None, status=409)
    text = words.gettext(N_("%(name)s is made. It has no recipients yet: upload a CSV file."), name=name)
    return see_other(request, f"/groups/{name}", Flash(kind="done", text=text))


def _order(request: Request, user: BaseUser, form: Form, group: str | None, file_name: str) -> UploadOrder:
    try:
        number = UUID(form.text("import_id"))
    except ValueError:
        number = uuid4()
    length = request.headers.get("content-length", "")
    return UploadOrder(
        id=number,
        group=group or form.text("name"),
        new_group=group is None,
        by=user.get_name(),
        file_name=file_name.replace("\0", "")[-_LONGEST_FILE_NAME:],
        file_bytes=int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else None,
        append=group is not None and form.text("mode") == "add",
        **file_options(form),
        description=form.text("description") if group is None else None,
        empty_is_missing=form.checked("empty_is_missing"),
        strict=form.checked("strict"),
    )


def _delimiter_names() -> dict[str, str]:
    """As the form calls them: a tab does not survive in a field."""
    return {"tab" if one == "\t" else one: one for one in file_errors.DELIMITERS}


def _check_may_fill(request: Request, user: BaseUser, group: str) -> None:
    with reading() as conn:
        recipients.find_group(conn, group)
        check_may_fill(conn, user, group, language_of(request))


def _page(request: Request, form: Form, group: str | None, *, status: int = 200, failed: str | None = None) -> Response:
    gettext = language_of(request).gettext
    found_out = gettext(N_("Found out from the file"))
    names = {value: gettext(file_errors.DELIMITERS[one]) for value, one in _delimiter_names().items()}
    return render(
        request,
        "groups/upload.html",
        status=status,
        form=form,
        group=group,
        failed=failed,
        delimiters=[(AUTOMATIC, found_out), *names.items()],
        modes=[(value, gettext(text)) for value, text in _MODES.items()],
        encodings=USUAL,
        templates=template_names(),
        example=_EXAMPLE,
        largest_file=LARGEST_FILE,
        largest_gb=round(LARGEST_FILE / 1024**3),
    )
