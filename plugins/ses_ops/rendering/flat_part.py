"""Templates that are nothing but text and values: `Dear {{ name }}, ...`. Many are, and need no interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from jinja2 import Environment, nodes
from markupsafe import escape


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatPart:
    """Text, value, text, value, text: there is one more text than there are names."""

    texts: tuple[str, ...]
    names: tuple[str, ...]

    def pieces(self, values: Mapping[str, str], *, escapes: bool) -> list[str]:
        """Texts and values by turns, values escaped for HTML or not. Raises KeyError when a value is missing."""
        pieces = [""] * (2 * len(self.names) + 1)
        pieces[::2] = self.texts
        filled = [values[name] for name in self.names]
        pieces[1::2] = map(escape, filled) if escapes else filled
        return pieces


def flat_part(environment: Environment, source: str) -> FlatPart | None:
    """The template in pieces, or None when it has anything besides plain `{{ variable }}`: tags, filters, expressions.

    What it stands for is exactly what Jinja2 would render, as long as every value is a text.
    """
    texts, names = [""], []
    for node in chain.from_iterable(_outputs(environment.parse(source))):
        if isinstance(node, nodes.TemplateData):
            texts[-1] += node.data
        elif isinstance(node, nodes.Name) and node.name not in environment.globals:
            names.append(node.name)
            texts.append("")
        else:
            return None
    return FlatPart(texts=tuple(texts), names=tuple(names))


def _outputs(tree: nodes.Template) -> list[list[nodes.Expr]]:
    """The expressions of each output; any other statement stands for itself, and is not flat."""
    return [node.nodes if isinstance(node, nodes.Output) else [node] for node in tree.body]  # type: ignore[list-item]
