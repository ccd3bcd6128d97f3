"""A template of the pages: a worker process (worker.py) loads it and fills it in, and returns plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ses_ops.domain.address import Sender
from ses_ops.errors import TemplateError
from ses_ops.rendering import worker
from ses_ops.rendering.message import MessageRenderer
from ses_ops.rendering.template import Preview, load_template
from ses_ops.rendering.template_facts import TemplateFacts, template_facts
from ses_ops.rendering.template_place import Place


@dataclass(frozen=True, kw_only=True)
class WorkerTemplate:
    """What a page needs of a `MailTemplate`. Each method loads it anew; all raise as those of MailTemplate do."""

    name: str
    place: Place
    #: Whether it has an HTML part.
    html: bool
    sample_values: dict[str, str]
    #: Without a task's own texts.
    variables: frozenset[str]

    def variables_for(self, subject: str | None = None, unsubscribe_url: str | None = None) -> frozenset[str]:
        """The variables of a task with this subject and unsubscribe link."""
        if subject is None and unsubscribe_url is None:
            return self.variables
        return worker.call(self.name, _variables, self.place, self.name, subject, unsubscribe_url)

    def preview(self, values: Mapping[str, str], *, unsubscribe_url: str = "") -> Preview:
        """The message for these values."""
        return worker.call(self.name, _preview, self.place, self.name, dict(values), unsubscribe_url)

    def check_message(self, values: Mapping[str, str], *, sender: Sender, subject: str | None, address: str) -> None:
        """Make the message to an address, and throw it away."""
        message = {"sender": sender, "subject": subject, "address": address, "values": dict(values)}
        worker.call(self.name, _message, self.place, self.name, message)


def load_in_worker(place: Place, name: str) -> WorkerTemplate:
    """`load_template` for a page. Raises NotFound, TemplateError."""
    return worker.call(name, _load, place, name)


def facts_in_worker(place: Place, name: str) -> TemplateFacts:
    """`template_facts` for a page; a template that takes too long is one with an error."""
    try:
        return worker.call(name, template_facts, place, name)
    except TemplateError as problem:
        return TemplateFacts(name=name, subject="", variables=(), parts=(), size=0, error=problem)


def _load(place: Place, name: str) -> WorkerTemplate:
    loaded = load_template(place, name)
    return WorkerTemplate(
        name=name,
        place=place,
        html=loaded.html is not None,
        sample_values=loaded.sample_values,
        variables=loaded.variables_for(),
    )


def _variables(place: Place, name: str, subject: str | None, unsubscribe_url: str | None) -> frozenset[str]:
    return load_template(place, name).variables_for(subject, unsubscribe_url)


def _preview(place: Place, name: str, values: dict[str, str], unsubscribe_url: str) -> Preview:
    return load_template(place, name).preview(values, unsubscribe_url=unsubscribe_url)


def _message(place: Place, name: str, message: dict[str, Any]) -> None:
    loaded = load_template(place, name)
    renderer = MessageRenderer(loaded, sender=message["sender"], installation_id="check", subject=message["subject"])
    renderer.render(occurrence_id=1, seq=1, address=message["address"], values=message["values"])
