"""A body of a message before it is encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ses_ops.errors import TemplateError
    from ses_ops.rendering.fill import Convert, Step


class BodyPart(Protocol):
    """Text or HTML: of a template (CompiledPart), with a footer (FooterPart), or of a message (PlainPart)."""

    @property
    def steps(self) -> tuple[Step, ...] | None:
        """See CompiledPart, as for the rest."""

    @property
    def finish(self) -> Convert | None: ...

    def pieces(self, values: Mapping[str, Any]) -> list[str]: ...

    def render(self, values: Mapping[str, Any]) -> str: ...

    def error(self, code: str, /, **facts: Any) -> TemplateError: ...
