"""Posted forms: their texts, their errors, and the redirect after a change.

A page with a form does three things: `posted: PostedDep` in its route, `form.problem(...)` for each text that cannot be
used, and, if there is an error, the same page again with `form` and status 422: every text is kept, and each error
stands beside its field. In the template the macros of `fields.html` draw labels, texts and errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs

from fastapi import Depends, HTTPException, Request
from starlette.responses import RedirectResponse

from ses_ops.console.errors import worded_beside
from ses_ops.console.flash import Flash, set_flash
from ses_ops.errors import InvalidInput, QuotaError, SesError, TemplateError

if TYPE_CHECKING:
    from ses_ops.console.language import Language

#: Bytes of the largest form; a subject and a few addresses are a hundredth of that. (Files are streamed elsewhere.)
LARGEST = 256 * 1024
#: Seconds in which a form must have come.
WITHIN = 60.0
#: Largest number of fields in one form.
MOST_FIELDS = 200

#: The key of an error that belongs to no field.
WHOLE = ""


class Form:
    """The texts of a form by the names of its fields, with the errors found in them."""

    def __init__(self, values: Mapping[str, list[str]] | None = None) -> None:
        # No person types a NUL, and PostgreSQL stores none.
        self._values = {name: [one.replace("\0", "") for one in given] for name, given in (values or {}).items()}
        self.errors: dict[str, str] = {}

    @classmethod
    def of(cls, **values: str) -> Form:
        """A form with these values: for the first view of a page, or for the thing that is edited."""
        return cls({name: [value] for name, value in values.items()})

    def with_values(self, **values: str) -> Form:
        """The same form with some texts replaced, without the errors."""
        return Form({**self._values, **{name: [value] for name, value in values.items()}})

    def __contains__(self, name: str) -> bool:
        """Whether the form had the field, be it empty."""
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """The typed text, without white space around it."""
        return self.raw(name, default).strip()

    def raw(self, name: str, default: str = "") -> str:
        """The typed text, unchanged."""
        return (self._values.get(name) or [default])[0]

    def all(self, name: str) -> list[str]:
        """All values of a field that may occur several times."""
        return list(self._values.get(name, ()))

    def checked(self, name: str) -> bool:
        """Whether a checkbox is ticked."""
        return bool(self._values.get(name))

    def error(self, name: str) -> str | None:
        """The error of a field; None without one."""
        return self.errors.get(name)

    def problem(self, name: str, text: str) -> None:
        """Note an error; of several errors of a field the first is kept."""
        self.errors.setdefault(name, text)

    def problem_of(self, words: Language, cause: SesError, *, fields: Mapping[str, str] | None = None) -> None:
        """Note an error of the domain beside the field that it names; `fields` maps the error's names to the form's.

        An error that names no field of the form stands above the whole form.
        """
        names = fields or {}
        field = cause.field if isinstance(cause, InvalidInput | QuotaError) else None
        field = "template" if isinstance(cause, TemplateError) else field
        name = names.get(field or WHOLE, field or WHOLE)
        self.problem(name if name in self._values or name in names.values() else WHOLE, worded_beside(words, cause))


async def posted(request: Request) -> Form:
    """Read a posted form. Responds 413 to a form that is too large, 415 to another kind of content."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded"):
        raise HTTPException(415)
    body = bytearray()
    try:
        async with asyncio.timeout(WITHIN):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    try:
        return Form(parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(400) from None


PostedDep = Annotated[Form, Depends(posted)]


def see_other(request: Request, path: str, flash: Flash | None = None) -> RedirectResponse:
    """The redirect after a change, to a page of the console (`/tasks?page=2`), which shows the flash."""
    answer = RedirectResponse(request.scope.get("root_path", "") + path, status_code=303)
    if flash is not None:
        set_flash(request, answer, flash)
    return answer


def way_back(form: Form, default: str) -> str:
    """The page that a form came from, by its hidden field `back`; never an address outside of the console."""
    given = form.raw("back")
    inside = given.startswith("/") and not given.startswith("//")
    return given if inside and "\\" not in given and given.isprintable() and ":" not in given else default
