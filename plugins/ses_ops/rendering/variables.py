"""Which variables a template reads, files that it includes or extends among them."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from ses_ops.rendering.environment import MailEnvironment

#: Files that include each other in a chain longer than this do so in a circle.
MAX_DEPTH = 20
#: Files that one template may pull in, each as often as it is named.
MAX_FILES = 500


def undeclared_variables(environment: MailEnvironment, source: str) -> frozenset[str]:
    """The variables that `source` and every file it pulls in need; raises the errors of Jinja2.

    Also refuses here, before anything is sent, what the sandbox would refuse while rendering: names that begin with _.
    """
    return _collect(environment, source, frozenset(), MAX_DEPTH, iter(range(MAX_FILES)))


def _collect(
    environment: MailEnvironment, source: str, declared: frozenset[str], depth: int, files: Iterator[int]
) -> frozenset[str]:
    if depth == 0:
        raise SecurityError("files include each other in a circle")
    # Twenty files that each include the next one ten times would be read until the end of time.
    if next(files, None) is None:
        raise SecurityError(f"more than {MAX_FILES} files are included")
    tree = environment.parse(source)
    _refuse_private_names(tree)
    names = frozenset(find_undeclared_variables(tree)) - declared
    # What a file sets (a variable, a loop's variable) is seen by the files that it includes or extends.
    declared |= {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    for referenced in find_referenced_templates(tree):
        if referenced is None:
            raise SecurityError("the name of an included file must be a fixed text")
        inner, _, _ = environment.source_of(referenced)
        names |= _collect(environment, inner, declared, depth - 1, files)
    return names


def _refuse_private_names(tree: nodes.Template) -> None:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name)):
        name: object = None
        if isinstance(node, nodes.Getattr):
            name = node.attr
        elif isinstance(node, nodes.Name):
            name = node.name
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            name = node.arg.value
        if isinstance(name, str) and name.startswith("_"):
            raise TemplateSyntaxError(f"{name!r} is not open to templates", node.lineno)
