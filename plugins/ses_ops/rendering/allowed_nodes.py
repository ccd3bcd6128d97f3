"""The nodes of Jinja2's syntax tree that mail templates may have. Another node is an error with its line.

Before Jinja2 compiles a tree, each operation in the tree is replaced by one of `operations.py`, which takes units of
the budget. A body that can be executed repeatedly (of a loop, a macro, a block, a file) takes at each turn the units of
all its nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from ses_ops.errors import Explanation
from ses_ops.rendering.budget import STEP
from ses_ops.rendering.operations import FUNCTION, FUNCTIONS, OPERATION

_STATEMENTS: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock),
    *(nodes.With, nodes.FilterBlock, nodes.ScopedEvalContextModifier, nodes.Scope, nodes.Block, nodes.Extends),
    *(nodes.Include, nodes.Import, nodes.FromImport, nodes.Macro, nodes.CallBlock),
)
_EXPRESSIONS: tuple[type[nodes.Node], ...] = (
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Getattr),
    *(nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call, nodes.CondExpr, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
)
ALLOWED = frozenset({*_STATEMENTS, *_EXPRESSIONS})
#: Units of a node of the tree and of an included file.
_NODE, _FILE = 10, 500
#: Nodes whose body takes the units of its nodes at each turn.
_REPEATED = (nodes.Template, nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def check_nodes(tree: nodes.Template, file: str | None, path: str | None) -> None:
    """Raise TemplateSyntaxError, with file and line, for a node that is not allowed, and for a name such as `_x`."""
    line = 1
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        line = node.lineno or line
        if (word := _not_allowed(node)) is not None:
            raise TemplateSyntaxError(
                Explanation("no_part_of_templates", name=word).sentence,
                line,
                file,
                path,
            )
        name = _name_in(node)
        if isinstance(name, str) and name.startswith("_"):
            raise TemplateSyntaxError(Explanation("not_open_to_templates", name=name).sentence, line, file, path)
        waiting += reversed(list(node.iter_child_nodes()))


def _not_allowed(node: nodes.Node) -> str | None:
    if type(node) not in ALLOWED:
        return "namespace" if isinstance(node, nodes.NSRef) else type(node).__name__.lower()
    return "recursive" if isinstance(node, nodes.For) and node.recursive else None


def _name_in(node: nodes.Node) -> object:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Name):
        return node.name
    return node.arg.value if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) else None


def bind_functions(tree: nodes.Template) -> nodes.Template:
    """The tree, changed in place: a call of a function does not read a variable of the same name."""
    functions = FUNCTIONS.keys() - _declared(tree)
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in functions:
            call.node = nodes.EnvironmentAttribute(FUNCTION.format(call.node.name), lineno=call.lineno)
    return tree


def _declared(tree: nodes.Template) -> set[str]:
    """The names that the file assigns, its macros and imports among them. A call of these calls no function of ours."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    names |= {macro.name for macro in tree.find_all(nodes.Macro)}
    names |= {one.target for one in tree.find_all(nodes.Import)}
    for one in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in one.names}
    return names


class PaidOperations(NodeTransformer):
    """Changes a tree in place: each of its operations becomes a filter of the environment, named as in OPERATION."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        """The node that takes the place of this one."""
        if isinstance(node, _FILES):
            return node  # Jinja2 accepts only constants as the names of files
        turn = STEP + _cost(node.body) if isinstance(node, _REPEATED) else 0
        self.generic_visit(node)
        if isinstance(node, _REPEATED):
            node.body.insert(0, nodes.ExprStmt(_operation(node, "turn", nodes.Const(turn)), lineno=node.lineno))
            if isinstance(node, nodes.For) and node.test is not None:
                node.test = nodes.And(_operation(node, "turn", nodes.Const(STEP)), node.test, lineno=node.lineno)
        elif isinstance(node, nodes.BinExpr) and not isinstance(node, nodes.And | nodes.Or):
            return _operation(node, node.operator, node.left, node.right)
        elif isinstance(node, nodes.Concat):
            return _operation(node, "~", *node.nodes)
        elif isinstance(node, nodes.Expr) and _makes(node):
            return _operation(node, "made", node)
        return node


def _makes(node: nodes.Expr) -> bool:
    """Whether the node makes or compares values in Python code that Jinja2 writes."""
    if isinstance(node, nodes.Getitem):
        return isinstance(node.arg, nodes.Slice)
    if isinstance(node, nodes.Tuple):
        return node.ctx == "load"
    return isinstance(node, nodes.Compare | nodes.List | nodes.Dict)


def _operation(node: nodes.Node, name: str, first: nodes.Expr, *others: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(first, OPERATION.format(name), list(others), [], None, None, lineno=node.lineno)


def _cost(body: Iterable[nodes.Node]) -> int:
    """Units of one execution of the nodes."""
    total = 0
    for node in body:
        total += _FILE if isinstance(node, _FILES) else _NODE
        if isinstance(node, nodes.TemplateData):
            total += len(node.data)
        total += _cost(node.iter_child_nodes(exclude=("body",) if isinstance(node, _REPEATED) else ()))
    return total
