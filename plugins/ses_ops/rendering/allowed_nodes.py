"""A template's syntax tree with what each piece of it costs written into it, before Jinja2 makes code of it.

Whatever is executed again and again (the body of a loop, of a macro, of a block, a whole file) pays at each turn for
all that stands in it; operators that no environment can intercept become filters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, nodes
from jinja2.nodes import EvalContext
from jinja2.runtime import markup_join, str_join
from jinja2.utils import pass_eval_context
from jinja2.visitor import NodeTransformer

from ses_ops.rendering.budget import STEP, made, room_for, size, spend
from ses_ops.rendering.functions import VALUES, refuse_program

#: No template can write these names.
_SPEND, _MADE, _READ, _JOINED = "ses:spend", "ses:made", "ses:read", "ses:joined"
#: Units of a node of the tree, of an included file, and characters of fixed text for a unit.
_NODE, _FILE, _CHARACTERS = 10, 500, 4
#: Nodes whose body pays for itself.
_REPEATED = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
_FILES = (nodes.Include, nodes.Import, nodes.FromImport)


def metered(tree: nodes.Template, environment: Environment) -> nodes.Template:
    """The tree, changed in place. `filters()` must be among the environment's."""
    _Meter().visit(tree)
    tree.set_environment(environment)
    return tree


def filters() -> dict[str, Any]:
    """What the changed tree calls."""
    return {_SPEND: spend, _MADE: made, _READ: _read, _JOINED: _joined}


def _read(value: Any) -> Any:
    spend(STEP + size(value))
    return value


@pass_eval_context
def _joined(eval_ctx: EvalContext, parts: list[Any]) -> str:
    """`a ~ b ~ c`, which is refused before it is made."""
    room_for(sum(map(size, parts)))
    if not VALUES.issuperset(map(type, parts)):
        for part in parts:
            refuse_program(part)
    return made((markup_join if eval_ctx.autoescape else str_join)(parts))


class _Meter(NodeTransformer):
    def visit_Template(self, node: nodes.Template) -> nodes.Node:
        return self._repeated(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        return self._repeated(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self._repeated(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        return self._repeated(node)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self._repeated(node)
        if node.test is not None:
            node.test = nodes.And(_filter(nodes.Const(STEP), _SPEND), node.test, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), _JOINED)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _read_once(node.expr)
        for operand in node.ops:
            operand.expr = _read_once(operand.expr)
        return node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return _filter(self.generic_visit(node), _MADE)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return _filter(self.generic_visit(node), _MADE)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _filter(node, _MADE) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _filter(node, _MADE) if isinstance(node.arg, nodes.Slice) else node

    def _file(self, node: nodes.Node) -> nodes.Node:
        """The names of files are fixed texts, and Jinja2 wants to see them."""
        return node

    visit_Include = visit_Import = visit_FromImport = visit_Extends = _file

    def _repeated(self, node: Any) -> Any:
        cost = STEP + _cost(node.body)
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_filter(nodes.Const(cost), _SPEND), lineno=node.lineno))
        return node


def _filter(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _read_once(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(node, _READ)


def _cost(body: Iterable[nodes.Node]) -> int:
    """Units of executing all of these once."""
    total = 0
    for node in body:
        total += _FILE if isinstance(node, _FILES) else _NODE
        if isinstance(node, nodes.TemplateData):
            total += len(node.data) // _CHARACTERS
        exclude = ("body",) if isinstance(node, _REPEATED) else ()
        total += _cost(node.iter_child_nodes(exclude=exclude))
    return total
