"""Whether a template shows `{{ unsubscribe_url }}` also where a task has none: an empty link in everybody's mail.

A use is in order inside of `{% if unsubscribe_url %}`, or with something in its place (`or`, `default('...', true)`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jinja2 import nodes

from ses_ops.domain.template_variables import UNSUBSCRIBE_URL
from ses_ops.rendering.environment import MailEnvironment

_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
#: Filters that make something empty of an empty text, and nothing empty of another.
_KEEP_EMPTY = frozenset({"count", "d", "default", "e", "escape", "forceescape", "length", "safe", "string", "trim"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkUse:
    """Where a template shows the link."""

    file: str
    line: int


def bare_link(environment: MailEnvironment, source: str, path: str) -> LinkUse | None:
    """The first place of a template (`source`, the file `path`) where a missing link is an empty text.

    `source` has been read by `undeclared_variables`, so its files do not include each other in a circle.
    """
    search = _Search(environment)
    search.file(source, path, guarded=False)
    return search.found[0] if search.found else None


@dataclass(slots=True)
class _Search:
    environment: MailEnvironment
    found: list[LinkUse] = field(default_factory=list)
    _path: str = ""
    #: The names of the link: `{% set link = unsubscribe_url %}`.
    _names: set[str] = field(default_factory=lambda: {UNSUBSCRIBE_URL})
    _macros: dict[str, nodes.Macro] = field(default_factory=dict)

    def file(self, source: str, path: str, *, guarded: bool) -> None:
        tree = self.environment.parse(source)
        if any(name.name == UNSUBSCRIBE_URL and name.ctx == "store" for name in tree.find_all(nodes.Name)):
            return  # it has another one in its place
        before, self._path = self._path, path
        for assigned in tree.find_all(nodes.Assign):
            self._alias(assigned.target, assigned.node)
        for block in tree.find_all(nodes.With):
            for target, value in zip(block.targets, block.values, strict=False):
                self._alias(target, value)
        self._macros |= {macro.name: macro for macro in tree.find_all(nodes.Macro)}
        self._walk(tree, guarded)
        self._path = before

    def _alias(self, target: nodes.Node, value: nodes.Node) -> None:
        if isinstance(target, nodes.Name) and isinstance(value, nodes.Name) and value.name in self._names:
            self._names.add(target.name)

    def _walk(self, node: nodes.Node, guarded: bool) -> None:
        if self.found:
            return
        if isinstance(node, nodes.Name):
            if node.name in self._names and node.ctx == "load" and not guarded:
                self.found.append(LinkUse(file=self._path, line=node.lineno))
        elif isinstance(node, nodes.If):
            self._choice(node.test, guarded, node.body, (*node.elif_, *node.else_))
        elif isinstance(node, nodes.CondExpr):
            self._choice(node.test, guarded, (node.expr1,), (node.expr2,) if node.expr2 else ())
        elif isinstance(node, nodes.And):
            self._walk(node.right, guarded or self._says(node.left, True))
        elif isinstance(node, nodes.Or):
            self._walk(node.right, guarded or self._says(node.left, False))
        elif isinstance(node, nodes.Macro):
            pass  # it is looked at where it is called
        elif isinstance(node, _FILES):
            self._other_file(node, guarded)
        elif not isinstance(node, nodes.Compare | nodes.Test | nodes.Not | nodes.Assign):
            self._others(node, guarded)
        elif isinstance(node, nodes.Assign) and not isinstance(node.node, nodes.Name):
            self._walk(node.node, guarded)

    def _others(self, node: nodes.Node, guarded: bool) -> None:
        if isinstance(node, nodes.Filter) and _has_instead(node):
            return
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            macro = self._macros.pop(node.node.name, None) if not guarded else None
            for one in macro.body if macro else ():
                own = {name.name for name in macro.args} if macro else set()
                self._walk(one, bool(own & self._names))
        for child in node.iter_child_nodes():
            if not (isinstance(node, nodes.With) and child in node.values and isinstance(child, nodes.Name)):
                self._walk(child, guarded)

    def _choice(self, test: nodes.Node, guarded: bool, then: object, otherwise: object) -> None:
        for body, truth in ((then, True), (otherwise, False)):
            for node in body:  # type: ignore[attr-defined]
                self._walk(node, guarded or self._says(test, truth))

    def _other_file(self, node: nodes.Node, guarded: bool) -> None:
        # Without the context an imported file knows no variable.
        if isinstance(node, nodes.Import | nodes.FromImport) and not node.with_context:
            return
        for path in self._paths(getattr(node, "template", None)):
            source, _, _ = self.environment.source_of(path)
            self.file(source, path, guarded=guarded)
            if isinstance(node, nodes.Import | nodes.FromImport):
                for macro in self.environment.parse(source).find_all(nodes.Macro):
                    for one in macro.body:
                        self._walk(one, guarded or UNSUBSCRIBE_URL in {name.name for name in macro.args})

    @staticmethod
    def _paths(node: nodes.Node | None) -> list[str]:
        constants = [] if node is None else [node] if isinstance(node, nodes.Const) else node.find_all(nodes.Const)
        return [one.value for one in constants if isinstance(one.value, str)]

    def _says(self, test: nodes.Node | None, truth: bool) -> bool:
        """Whether there is a link when `test` is true (or false)."""
        if isinstance(test, nodes.Name):
            return truth and test.name in self._names
        if isinstance(test, nodes.Not):
            return self._says(test.node, not truth)
        if isinstance(test, nodes.And | nodes.Or):
            both = isinstance(test, nodes.Or) == truth
            return (all if both else any)(self._says(one, truth) for one in (test.left, test.right))
        if isinstance(test, nodes.Filter):
            return test.name in _KEEP_EMPTY and not _has_instead(test) and self._says(test.node, truth)
        if isinstance(test, nodes.Call) and isinstance(test.node, nodes.Getattr):
            return self._says(test.node.node, truth)
        if isinstance(test, nodes.Compare) and len(test.ops) == 1:
            return self._compared(test.expr, test.ops[0], truth)
        return False

    def _compared(self, left: nodes.Expr, operand: nodes.Operand, truth: bool) -> bool:
        right = operand.expr
        if operand.op == "in":
            return truth and self._says(right, True) and isinstance(left, nodes.Const) and left.value != ""
        empty = isinstance(right, nodes.Const) and right.value in ("", 0)
        says = {"ne": True, "gt": True, "eq": False}.get(operand.op)
        return empty and says is truth and self._says(left, True)


def _has_instead(node: nodes.Filter) -> bool:
    """`x | default('...', true)`, whose first argument stands in the place of an empty text."""
    if node.name not in ("d", "default"):
        return False
    also_empty = [*node.args[1:2], *(pair.value for pair in node.kwargs if pair.key == "boolean")]
    return any(isinstance(one, nodes.Const) and bool(one.value) for one in also_empty)
