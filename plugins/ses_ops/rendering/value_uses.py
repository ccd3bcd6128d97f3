"""How a template uses its variables, where that depends on what an empty or a negative cell is taken for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.meta import find_referenced_templates

from ses_ops.rendering.environment import MailEnvironment, make_environment
from ses_ops.rendering.template import HTML, SUBJECT, TEXT, MailTemplate
from ses_ops.rendering.template_loader import InsideLoader
from ses_ops.rendering.template_place import found_file

#: Files that are looked into; a template that has more was refused when it was loaded.
_MOST_FILES = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueUses:
    """Names of variables."""

    #: `{{ name | default('there') }}`, `{% if name is defined %}`: nothing of that happens for an empty text.
    defaulted: frozenset[str]
    #: `{% if name %}`, also within and, or, not: every text that is not empty is true.
    tested: frozenset[str]


def value_uses(template: MailTemplate, *, subject: str | None = None, unsubscribe_url: str | None = None) -> ValueUses:
    """Of a template that has been loaded, with the texts that a task brings along. Raises TemplateError."""
    template.variables_for(subject, unsubscribe_url)  # says what is wrong with those
    environment = make_environment(InsideLoader(template.root))
    own = [f"{template.name}/{file}" for file in (HTML, TEXT) if found_file(template.root, f"{template.name}/{file}")]
    trees = [environment.parse(text) for text in (subject, unsubscribe_url) if text]
    trees += _trees(environment, own if subject is not None else [f"{template.name}/{SUBJECT}", *own])
    return ValueUses(
        defaulted=frozenset(name for tree in trees for name in _defaulted(tree)),
        tested=frozenset(name for tree in trees for name in _tested(tree)),
    )


def _trees(environment: MailEnvironment, paths: list[str]) -> list[nodes.Template]:
    """The files and all that they pull in, each once."""
    trees: dict[str, nodes.Template] = {}
    while paths and len(trees) < _MOST_FILES:
        path = paths.pop()
        if path in trees:
            continue
        source, _, _ = environment.source_of(path)
        trees[path] = environment.parse(source)
        paths += [name for name in find_referenced_templates(trees[path]) if name is not None]
    return list(trees.values())


def _defaulted(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if not isinstance(node.node, nodes.Name):
            continue
        if isinstance(node, nodes.Filter):
            # The second argument: an empty text counts as missing, too.
            if node.name in ("default", "d") and len(node.args) < 2 and not node.kwargs:
                yield node.node.name
        elif node.name in ("defined", "undefined"):
            yield node.node.name


def _tested(tree: nodes.Template) -> Iterator[str]:
    for choice in tree.find_all(nodes.If):
        yield from _names_of_test(choice.test)
    for expression in tree.find_all(nodes.CondExpr):
        yield from _names_of_test(expression.test)


def _names_of_test(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Name):
        yield node.name
    elif isinstance(node, nodes.Not):
        yield from _names_of_test(node.node)
    elif isinstance(node, nodes.And | nodes.Or):
        yield from _names_of_test(node.left)
        yield from _names_of_test(node.right)
