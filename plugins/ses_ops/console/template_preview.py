"""The preview of a template: part, width and values, all from the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ses_ops.console.database import reading
from ses_ops.console.forms import Form
from ses_ops.console.language import N_
from ses_ops.domain.address import parse_address
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from ses_ops.console.language import Language
    from ses_ops.rendering.worker_template import WorkerTemplate

#: The views: the HTML part at two widths, the text part, the files.
VIEWS: dict[str, str] = {
    "desktop": N_("Desktop"),
    "phone": N_("Phone"),
    "text": N_("Text part"),
    "source": N_("Source"),
}
#: The beginning of the name of a variable's field.
FIELD = "v."
#: Characters of the longest edited value, because the value is a part of the address.
LONGEST_VALUE = 500


@dataclass(frozen=True, kw_only=True)
class PreviewQuery:
    """The choice in the address. Without a group the values are those of the sample, some perhaps edited."""

    view: str = "desktop"
    group: str = ""
    address: str = ""
    edited: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, query: QueryParams) -> PreviewQuery:
        """Read the address; invalid parts are left out."""
        return cls(
            view=view if (view := query.get("view", "")) in VIEWS else "desktop",
            group=query.get("group", "").strip(),
            address=query.get("address", "").strip(),
            edited={
                name.removeprefix(FIELD): value[:LONGEST_VALUE]
                for name, value in query.items()
                if name.startswith(FIELD)
            },
        )

    def address_query(self, view: str | None = None) -> str:
        """The same preview, or another view of it, as the query of an address."""
        values = {} if self.group else {FIELD + name: value for name, value in self.edited.items()}
        whose = {"group": self.group, "address": self.address}
        parts = {"view": view or self.view, **{name: value for name, value in whose.items() if value}, **values}
        return "?" + urlencode(parts)

    def with_parts(self, parts: tuple[str, ...]) -> PreviewQuery:
        """The same preview, with the text view for a template without an HTML part."""
        return self if "html" in parts or self.view not in ("desktop", "phone") else replace(self, view="text")


@dataclass(frozen=True, kw_only=True)
class PreviewValues:
    """The values of a preview."""

    values: dict[str, str]
    #: The fields of the page, with their errors.
    form: Form
    #: The address of the recipient who has the values; None for those of the sample.
    recipient: str | None = None


def preview_values(template: WorkerTemplate, query: PreviewQuery, words: Language) -> PreviewValues:
    """The values of a preview. For an unknown recipient those of the sample, with an error beside the field."""
    names = sorted(template.variables_for())
    # A variable without a sample value has its own name as value.
    values = {name: query.edited.get(name, template.sample_values.get(name, name)) for name in names}
    form = Form.of(group=query.group, address=query.address, **{FIELD + name: values[name] for name in names})
    if not query.group:
        return PreviewValues(values=values, form=form)
    recipient = _recipient(query, form, words)
    if recipient is None:
        return PreviewValues(values=values, form=form)
    address, own = recipient
    if missing := [name for name in names if name not in own]:
        text = N_("This group has no values for %(names)s, so it cannot get this template.")
        form.problem("group", words.gettext(text, names=", ".join(missing)))
        return PreviewValues(values=values, form=form)
    return PreviewValues(values=dict(own), form=form.with_values(address=address), recipient=address)


def _recipient(query: PreviewQuery, form: Form, words: Language) -> tuple[str, dict[str, str]] | None:
    try:
        key = parse_address(query.address, dotless=True).key if query.address else None
    except InvalidInput as problem:
        form.problem_of(words, problem, fields={"": "address"})
        return None
    with reading() as conn:
        try:
            group = recipients.find_group(conn, query.group)
        except NotFound:
            form.problem("group", words.gettext("There is no such group any more."))
            return None
        found = recipients.sample(conn, group.id, address_key=key)
    if found:
        return found[0]
    if key is None:
        form.problem("group", words.gettext("This group has no recipients."))
    else:
        form.problem("address", words.gettext("This group does not have that address."))
    return None
