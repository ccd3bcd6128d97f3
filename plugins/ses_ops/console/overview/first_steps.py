"""The first steps on an installation without a send task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

#: Cookie for the second step, since the visit of a template leaves nothing in the database; its seconds, a year.
PREVIEWED, KEPT_FOR = "ses_previewed", 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstStep:
    """One step: its page, its text, and whether it is done."""

    path: str
    title: str
    text: str
    done: bool


def first_steps(*, group: bool, previewed: bool) -> list[FirstStep]:
    """The steps in their order. The last one is done when a task exists, and then the steps are not shown."""
    return [
        FirstStep(
            path="/groups",
            title=N_("Upload a recipient group"),
            text=N_("A CSV file with one column email; its other columns are values for the mail, such as a name."),
            done=group,
        ),
        FirstStep(
            path="/first-steps/preview",
            title=N_("Preview a template"),
            text=N_("See the mail as its recipient will, on a desktop and on a phone, and send yourself a test."),
            done=previewed,
        ),
        FirstStep(
            path="/new-task",
            title=N_("Make the first send task"),
            text=N_("Choose template and group. Before anything is sent you see how many get it, and when."),
            done=False,
        ),
    ]


def remember_preview(request: Request, answer: Response) -> None:
    """Mark the second step as done in this browser."""
    answer.set_cookie(
        PREVIEWED,
        "yes",
        max_age=KEPT_FOR,
        path=request.scope.get("root_path") or "/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
