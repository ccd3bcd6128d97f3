"""The unsubscribe link of a task, rendered for each recipient (RFC 2369, RFC 8058)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ses_ops.domain.address import parse_domain
from ses_ops.errors import InvalidInput
from ses_ops.rendering.environment import CompiledPart, InsideLoader, make_environment
from ses_ops.rendering.link_values import LinkEnvironment, percent_quoted
from ses_ops.rendering.template import MailTemplate

#: Characters. A header line may have 998 (RFC 5322 2.1.1), and a URL has no place to fold.
MAX_LENGTH = 900
#: Printable ASCII without what would end `<...>`; in the web forms, a host.
_LINK = re.compile(r"(?:https?://(?:(?![/?#<>])[!-~])+|mailto:(?:(?![?<>])[!-~])+@)[!-;=?-~]*", re.IGNORECASE)
#: The host of an international link, which stands there as people write it.
_HOST = re.compile(r"(?:https?://(?:[^/?#@]*@)?|mailto:[^?]*@)([^/?#:]+)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


class UnsubscribeLink:
    """A link with variables, each of which is percent-quoted (`link_values`): a value stays one piece of the link."""

    def __init__(self, source: str, template: MailTemplate) -> None:
        """Raises TemplateError when `source` does not compile, InvalidInput when it is no http(s) or mailto link."""
        if not _SCHEME.match(source):
            raise InvalidInput("it must begin with https://, http:// or mailto:", field="unsubscribe_url")
        environment = make_environment(InsideLoader(template.root), finalize=percent_quoted, kind=LinkEnvironment)
        self._part: CompiledPart = template.compile_text(source, "unsubscribe_url", environment)
        #: Only https has one-click unsubscription (RFC 8058 3.1).
        self.one_click = source[:8].lower() == "https://"

    def render(self, values: Mapping[str, str]) -> str:
        """The link for one recipient; raises InvalidInput when it cannot stand in a header."""
        link = self._part.render(values)
        if len(link) > MAX_LENGTH:
            raise InvalidInput(f"it has {len(link)} characters, more than {MAX_LENGTH}", field="unsubscribe_url")
        if not _LINK.fullmatch(link):
            raise InvalidInput(f"{link[:100]!r} is not a link in printable ASCII{_hint(link)}", field="unsubscribe_url")
        return link


def _hint(link: str) -> str:
    """How an international host is written in a header (RFC 5890 2.3.2.1)."""
    host = _HOST.match(link)
    if host is None or host[1].isascii():
        return ""
    try:
        return f"; write its host as {parse_domain(host[1])}"
    except InvalidInput:
        return ""
