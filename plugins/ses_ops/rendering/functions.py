"""The two functions that templates can call: `range(...)` and `dict(...)`.

A name that is called is one of these; a name that is not is a variable, whatever Jinja2 has under that name. So a group
may have a column called `range`, and no template gets hold of a class, by whose methods it could change a value that
outlives the rendering.
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, LoopContext, Macro, TemplateReference
from jinja2.sandbox import safe_range
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from ses_ops.rendering.budget import LISTS


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    """A new dictionary; a function and no class, which would have `dict.update`."""
    return dict(*args, **kwargs)


#: Plain functions only: what they return is new, and they have nothing that a template could call.
FUNCTIONS: dict[str, Callable[..., Any]] = {"range": safe_range, "dict": _dict}
#: How the environment calls each of them: the code that Jinja2 makes reads them there.
ATTRIBUTE = "function_{}"
#: The classes of nearly all values: those that are none and hold none of what is refused.
VALUES = frozenset({str, Markup, int, float, bool})
_NO_VALUES = (
    *(type, FunctionType, BuiltinFunctionType, MethodType),
    *(Macro, BlockReference, TemplateReference, LoopContext),
)


def refuse_program(value: Any) -> None:
    """Raise SecurityError for what a reader would see as `<function ... at 0x...>`: `{{ name.upper }}`, `{{ [loop] }}`.

    Values whose class is in `VALUES` are none, which is found out faster. Of a list, all that it holds is looked at: it
    has been paid for, so it is not endless.
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, LISTS):
            waiting += [*one, *one.values()] if isinstance(one, dict) else one
        elif isinstance(one, _NO_VALUES):
            kind = type(one).__name__
            words = f"it would write no text but a part of the program ({kind}); were its brackets forgotten?"
            raise SecurityError(words)


def bind_functions(tree: nodes.Template) -> nodes.Template:
    """The tree, changed in place: calls of the functions no longer look at variables."""
    _Binder(_declared(tree)).visit(tree)
    return tree


def _declared(tree: nodes.Template) -> set[str]:
    """The names that the file gives to something of its own, macros among them: those mean what the file says."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    names |= {macro.name for macro in tree.find_all(nodes.Macro)}
    names |= {one.target for one in tree.find_all(nodes.Import)}
    for one in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in one.names}
    return names


class _Binder(NodeTransformer):
    def __init__(self, declared: set[str]) -> None:
        self._functions = FUNCTIONS.keys() - declared

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        called = node.node
        if isinstance(called, nodes.Name) and called.name in self._functions:
            node.node = nodes.EnvironmentAttribute(ATTRIBUTE.format(called.name), lineno=node.lineno)
        return self.generic_visit(node)
