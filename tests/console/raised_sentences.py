"""Every English sentence that an error says, or that is stored to be shown later, read from the source itself.

A sentence is a tuple of its constant texts: `f"send task {name!r} is cancelled"` is `("send task ", " is cancelled")`.
Expressions are followed as far as one module can be read: names to what they were set to, both sides of `if`, sums.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import ses_ops

ROOT = Path(ses_ops.__file__).parent
#: The layers whose errors can reach a page. `cli` and `stack` talk to a terminal.
LAYERS = (
    "domain",
    "audience",
    "storage",
    "transports",
    "rendering",
    "sending",
    "application",
    "orchestration",
    "console",
)
FILES = ("errors.py", "settings.py", "airflow_connection.py")

#: What takes a sentence besides the errors: the name of a function or class, and where in its call the sentence is.
#: First those that make an error of it, then those whose sentence is stored and shown later.
TAKERS: dict[str, int] = {
    "problem": 1,
    "_error": 0,
    "_wrong": 1,
    "wrong": 1,
    "SecurityError": 0,
    "TemplateSyntaxError": 0,
    "CannotConvert": 0,
    "Rejected": 2,
    "Outcome": 2,
    "LocalRefusal": 2,
    "_Settled": 2,
    "Written": 3,
    "abandon": 0,
    "_lose": 0,
    "_defer_staged": 0,
    "give_back": 0,
    "_requeue": 3,
    "_temporary": 0,
}
#: Those are methods or functions of the console too, and mean something else there.
_NOT_IN_CONSOLE = ("problem",)
#: Arguments of that name are sentences, or parts of one.
KEYWORDS = ("reason", "hint", "during")
#: Functions that return one, perhaps behind its kind.
RETURNING = (
    "_why_no_domain",
    "_why_no_dot",
    "_bad_cell",
    "_unreadable",
    "stall_reason",
    "damage",
    "_wrong_address",
    "_missed",
    "missed_start",
    "_fault_of",
    "_impossible",
)
#: Attributes and lists that keep one.
KEEPING = ("broken", "lost", "complaints")
#: The first words of a text in SQL that is a reason.
_IN_SQL = re.compile(r"'((?:the|a|assumed|its) [a-z' ]+)'")

Shape = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place in the source where a sentence is said."""

    place: str
    code: str
    shape: Shape
    #: Of an error that is raised, not of what is kept to be shown later.
    raised: bool = False

    @property
    def says_something(self) -> bool:
        """Whether it has a word of its own."""
        return any(character.isalpha() for text in self.shape for character in text)

    def filled(self, value: str) -> str:
        """The sentence with the same value in each of its places."""
        return value.join(self.shape)


def sites() -> Iterator[Site]:
    """All of them. A shape without a letter is a sentence that comes from somewhere else."""
    files = [ROOT / name for name in FILES]
    for layer in LAYERS:
        files += sorted((ROOT / layer).rglob("*.py"))
    trees = {file: ast.parse(file.read_text()) for file in files}
    errors = error_classes(trees.values())
    for file, tree in trees.items():
        yield from _Module(file, tree, errors).sites()
    for file in sorted((ROOT / "storage").glob("*/*.sql")):
        for text in _IN_SQL.findall(file.read_text()):
            yield Site(place=file.name, code=text, shape=(text,))


def error_classes(trees: Iterable[ast.Module]) -> set[str]:
    """The names of SesError and all that derive from it."""
    found = {"SesError"}
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while more := {one.name for one in classes if {_name(base) for base in one.bases} & found} - found:
        found |= more
    return found


class _Module:
    """One file: its calls, and what its names were set to."""

    def __init__(self, file: Path, tree: ast.Module, errors: set[str]) -> None:
        self._file = file.relative_to(ROOT).as_posix()
        self._tree = tree
        self._errors = errors

    def sites(self) -> Iterator[Site]:
        yield from self._of(self._tree, [self._tree], None)

    def _of(self, node: ast.AST, scopes: list[ast.AST], inside: str | None) -> Iterator[Site]:
        if isinstance(node, ast.ClassDef):
            inside = node.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scopes = [*scopes, node]
        for sentence in self._sentences(node, inside, scopes):
            place, raised = f"{self._file}:{sentence.lineno}", _name(getattr(node, "func", node)) in self._errors
            for shape in dict.fromkeys(self._shapes(sentence, scopes)):
                yield Site(place=place, code=ast.unparse(sentence), shape=shape, raised=raised)
        for child in ast.iter_child_nodes(node):
            yield from self._of(child, scopes, inside)

    def _sentences(self, node: ast.AST, inside: str | None, scopes: list[ast.AST]) -> Iterator[ast.expr]:
        """What is a sentence in a node itself."""
        if isinstance(node, ast.Call):
            yield from self._of_call(node, inside)
            if isinstance(node.func, ast.Attribute) and _name(node.func.value) in KEEPING:
                yield from node.args[:1]
            yield from (one.value for one in node.keywords if one.arg in KEYWORDS)
        elif isinstance(node, ast.Return) and node.value and _name(scopes[-1]) in RETURNING:
            yield node.value.elts[-1] if isinstance(node.value, ast.Tuple) else node.value
        elif isinstance(node, ast.Assign) and _name(node.targets[0]) in KEEPING:
            yield node.value

    def _of_call(self, call: ast.Call, inside: str | None) -> Iterator[ast.expr]:
        name = _name(call.func)
        if inside in self._errors and ast.unparse(call.func) == "super().__init__":
            yield call.args[0]
            return
        where = 0 if name in self._errors else TAKERS.get(name)
        if where is None or (name in _NOT_IN_CONSOLE and self._file.startswith("console")):
            return
        yield from call.args[where : where + 1]

    def _shapes(self, node: ast.expr, scopes: list[ast.AST], depth: int = 0) -> Iterator[Shape]:
        """What can come out of an expression; ("", "") is a place for anything."""
        if isinstance(node, ast.Constant):
            yield (node.value,) if isinstance(node.value, str) else ("", "")
            return
        if isinstance(node, ast.JoinedStr):
            parts = [list(self._of_part(one, scopes, depth)) for one in node.values]
            yield from (_joined(choice) for choice in product(*parts))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = [list(self._shapes(side, scopes, depth)) for side in (node.left, node.right)]
            yield from (_joined(choice) for choice in product(*sides))
        elif isinstance(node, ast.IfExp):
            yield from self._shapes(node.body, scopes, depth)
            yield from self._shapes(node.orelse, scopes, depth)
        elif isinstance(node, ast.BoolOp):
            for one in node.values:
                yield from self._shapes(one, scopes, depth)
        elif isinstance(node, ast.Subscript):  # a text that is cut
            yield from self._shapes(node.value, scopes, depth)
        elif isinstance(node, ast.Call) and depth < 3 and (returned := self._returned(_name(node.func))):
            for one in returned:
                yield from self._shapes(one, scopes, depth + 1)
        elif isinstance(node, ast.Name) and depth < 3 and (values := _set_to(node.id, scopes)):
            for value in values:
                yield from self._shapes(value, scopes, depth + 1)
        else:
            yield ("", "")

    def _returned(self, name: str) -> list[ast.expr]:
        """What a function of this module returns."""
        functions = [one for one in self._tree.body if isinstance(one, ast.FunctionDef) and one.name == name]
        nodes = (node for function in functions for node in ast.walk(function))
        return [node.value for node in nodes if isinstance(node, ast.Return) and node.value is not None]

    def _of_part(self, part: ast.expr, scopes: list[ast.AST], depth: int) -> Iterator[Shape]:
        if isinstance(part, ast.FormattedValue):
            as_it_is = part.conversion == -1 and part.format_spec is None
            yield from self._shapes(part.value, scopes, depth) if as_it_is else [("", "")]
        else:
            yield (str(part.value),)  # type: ignore[attr-defined]


def _name(node: ast.AST) -> str:
    """The last name of `a.b`, the name of a function."""
    return str(getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None) or "")


def _set_to(name: str, scopes: list[ast.AST]) -> list[ast.expr]:
    """The values that a name is set to in the innermost scope that sets it."""
    for scope in reversed(scopes):
        found = []
        for node in ast.walk(scope) if not isinstance(scope, ast.Module) else scope.body:
            if isinstance(node, ast.Assign) and name in [getattr(one, "id", None) for one in node.targets]:
                found.append(node.value)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                found += [ast.BinOp(left=value, op=ast.Add(), right=node.value) for value in found]
        if found:
            return found
    return []


def _joined(shapes: tuple[Shape, ...]) -> Shape:
    """Texts and places one after the other; two places without a text between them are one."""
    whole: list[str] = [""]
    for shape in shapes:
        whole[-1] += shape[0]
        whole += shape[1:]
    return tuple(text for index, text in enumerate(whole) if text or index in (0, len(whole) - 1))
