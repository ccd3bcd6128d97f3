"""What a task's own texts (its subject, its unsubscribe link) may hold: values, not programs.

Whoever may make a task may not write templates: those come with the image, and somebody has read them.
"""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from ses_ops.errors import Explanation
from ses_ops.rendering.comments import check_comments
from ses_ops.rendering.environment import MailEnvironment

#: Characters. A subject has 998 at most, a link 900 once it is filled in.
MAX_SOURCE = 2_000
#: What is said about anything else.


def check_task_text(environment: MailEnvironment, source: str) -> None:
    """Raise TemplateSyntaxError, also for whatever does not parse, unless the text is made of values and filters."""
    if len(source) > MAX_SOURCE:
        raise TemplateSyntaxError(Explanation("too_many_characters", count=len(source), most=MAX_SOURCE).sentence, 1)
    check_comments(environment, source, name="")
    _check_body(environment.parse(source).body)


def _check_body(body: Iterable[nodes.Node]) -> None:
    for node in body:
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                if not isinstance(child, nodes.TemplateData):
                    _check_value(child)
        elif isinstance(node, nodes.If):
            _check_value(node.test)
            _check_body((*node.body, *node.elif_, *node.else_))
        else:
            raise TemplateSyntaxError(Explanation("only_values").sentence, node.lineno)


def _check_value(node: nodes.Node | None) -> None:
    """A variable or a constant, with filters behind it whose arguments are constants."""
    while isinstance(node, nodes.Filter) and not node.dyn_args and not node.dyn_kwargs:
        arguments = (*node.args, *(pair.value for pair in node.kwargs))
        if not all(isinstance(argument, nodes.Const) for argument in arguments):
            raise TemplateSyntaxError(Explanation("only_values").sentence, node.lineno)
        node = node.node
    if isinstance(node, nodes.Const | nodes.Name):
        return
    raise TemplateSyntaxError(Explanation("only_values").sentence, node.lineno if node is not None else 1)
