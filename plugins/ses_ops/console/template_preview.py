"""One look at a template: which part of it, how wide, and with whose values. All of it stands in the page's address."""

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
    from ses_ops.rendering.template_apart import TemplateApart

#: The HTML part at two widths, the text part, the files.
VIEWS: dict[str, str] = {
    "desktop": N_("Desktop"),
    "phone": N_("Phone"),
    "text": N_("Text part"),
    "source": N_("Source"),
}
#: What the name of a variable's field begins with.
FIELD = "v."
#: Characters of an edited value: it travels in an address.
LONGEST_VALUE = 500


@dataclass(frozen=True, kw_only=True)
class Look:
    """As the address says. Without a group the values are the sample's, some of them perhaps edited."""

    view: str = "desktop"
    group: str = ""
    address: str = ""
    edited: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, query: QueryParams) -> Look:
        """From the address; anything odd in it is left out."""
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

    def query(self, view: str | None = None) -> str:
        """The same look, or another view of it, as the query of an address."""
        values = {} if self.group else {FIELD + name: value for name, value in self.edited.items()}
        whose = {"group": self.group, "address": self.address}
        parts = {"view": view or self.view, **{name: value for name, value in whose.items() if value}, **values}
        return "?" + urlencode(parts)

    def with_parts(self, parts: tuple[str, ...]) -> Look:
        """Without an HTML part, its text part is what is looked at first."""
        return self if "html" in parts or self.view not in ("desktop", "phone") else replace(self, view="text")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The values of a look."""

    values: dict[str, str]
    #: The fields of the page, with what is wrong with them.
    form: Form
    #: Whose values they are; None for the sample's.
    recipient: str | None = None


def chosen_values(template: TemplateApart, look: Look, words: Language) -> Chosen:
    """The values that a look asks for. When its recipient is not there, the sample's, and an error beside the field."""
    names = sorted(template.variables_for())
    # A variable without a sample is shown as its own name.
    values = {name: look.edited.get(name, template.sample_values.get(name, name)) for name in names}
    form = Form.of(group=look.group, address=look.address, **{FIELD + name: values[name] for name in names})
    if not look.group:
        return Chosen(values=values, form=form)
    recipient = _recipient(look, form, words)
    if recipient is None:
        return Chosen(values=values, form=form)
    address, own = recipient
    if missing := [name for name in names if name not in own]:
        text = N_("This group has no values for %(names)s, so it cannot get this template.")
        form.problem("group", words.gettext(text, names=", ".join(missing)))
        return Chosen(values=values, form=form)
    return Chosen(values=dict(own), form=form.with_values(address=address), recipient=address)


def _recipient(look: Look, form: Form, words: Language) -> tuple[str, dict[str, str]] | None:
    try:
        key = parse_address(look.address, dotless=True).key if look.address else None
    except InvalidInput as problem:
        form.problem_of(words, problem, fields={"": "address"})
        return None
    with reading() as conn:
        try:
            group = recipients.find_group(conn, look.group)
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
