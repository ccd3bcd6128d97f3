"""Every place of the source where an error or an explanation gets its code, with the names of its facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ses_ops
from ses_ops.audience.csv.faults import CsvFault

ROOT = Path(ses_ops.__file__).parent
#: The faces that talk to a terminal: they may give a sentence of their own in the place of a code.
FACES = ("cli", "stack")
#: Functions that make an error or hand a code on, and where in their call the code is.
MAKERS = {"wrong": 1, "_wrong": 1, "problem": 1, "_error": 0, "error": 0}
#: Where such a name means something else.
NO_MAKERS = ("console/", "orchestration/", "airflow_plugin", *FACES)
#: What those and the classes take besides facts and places.
OPTIONS = frozenset({"to_requeue", "by", "begins_at", "words", "unknown", "of"})


@dataclass(frozen=True, kw_only=True)
class Site:
    """A call with a code."""

    place: str
    code: str
    facts: frozenset[str]
    #: Facts come from a mapping as well, which cannot be read here.
    open: bool


@cache
def trees() -> dict[str, ast.Module]:
    """The modules below the faces, and the faces' own, by their path."""
    files = sorted(ROOT.rglob("*.py"))
    named = {file.relative_to(ROOT).as_posix(): file for file in files}
    return {
        name: ast.parse(file.read_text()) for name, file in named.items() if not name.startswith("error_sentences/")
    }


@cache
def error_classes() -> frozenset[str]:
    """The names of SesError, of all that derive from it, and of Explanation."""
    found = {"SesError"}
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while more := {one.name for one in classes if {_name(base) for base in one.bases} & found} - found:
        found |= more
    return frozenset(found | {"Explanation"})


@cache
def sites() -> tuple[Site, ...]:
    """All of them below the faces, and those of the faces that have a code."""
    return tuple(site for name, tree in trees().items() for site in _sites(name, tree))


@cache
def texts() -> frozenset[str]:
    """Every text of the source that is no docstring, in one piece each: also the pieces of an f-string."""
    return frozenset(
        node.value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@cache
def of_statements() -> frozenset[str]:
    """The words in quotation marks of our statements: some of them are codes."""
    files = (ROOT / "storage").glob("*/*.sql")
    return frozenset(word for file in files for word in re.findall(r"'([a-z_]+)'", file.read_text()))


def _sites(name: str, tree: ast.Module) -> Iterator[Site]:
    for call, own in _calls(tree):
        called = _name(call.func)
        at = (
            MAKERS.get(called)
            if not name.startswith(("console/", "orchestration/", "airflow_plugin", *FACES))
            else None
        )
        if called in error_classes() or (called == "__init__" and own):
            at = 0
        if called == "NotFound":
            yield from _not_found(name, call)
        elif at is not None and len(call.args) > at:
            for code in _codes(call.args[at]):
                yield _site(name, call, code)


def _not_found(name: str, call: ast.Call) -> Iterator[Site]:
    given = next((one.value for one in call.keywords if one.arg == "code"), None)
    kinds = [] if given is not None else list(_codes(call.args[0]))
    codes = (
        list(_codes(given)) if given is not None else [f"{kind.replace(' ', '_')}_not_found".lower() for kind in kinds]
    )
    for code in codes:
        found = _site(name, call, code)
        yield Site(place=found.place, code=code, facts=found.facts | {"name"}, open=found.open)


def _site(name: str, call: ast.Call, code: str) -> Site:
    facts = {"who" if one.arg == "by" else one.arg for one in call.keywords if one.arg}
    facts -= {"code"} if _name(call.func) == "NotFound" else set()
    return Site(
        place=f"{name}:{call.lineno}",
        code=code,
        facts=frozenset(facts - OPTIONS),
        open=any(one.arg is None for one in call.keywords) or _name(call.func) == "__init__",
    )


def _codes(node: ast.expr) -> Iterator[str]:
    """The codes that an expression can be, as far as it shows them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Attribute) and _name(node.value) == "CsvFault":
        yield CsvFault[node.attr].value
    elif isinstance(node, ast.IfExp):
        yield from _codes(node.body)
        yield from _codes(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield ast.unparse(node)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, bool]]:
    """The calls of a module, and whether they are in the constructor of an error."""

    def walk(nodes: Iterable[ast.AST], own: bool) -> Iterator[tuple[ast.Call, bool]]:
        for node in nodes:
            if isinstance(node, ast.Call):
                yield node, own
            is_error = isinstance(node, ast.ClassDef) and node.name in error_classes()
            yield from walk(ast.iter_child_nodes(node), is_error or (own and not isinstance(node, ast.ClassDef)))

    yield from walk([tree], False)


def _name(node: ast.AST) -> str:
    """The last name of `a.b`."""
    return str(getattr(node, "attr", None) or getattr(node, "id", None) or "")
