"""Each SQL statement belongs to one function of storage, and nobody else speaks SQL.

The source is read, not run: a statement is asked for as `_SQL["name"]` in the module that its file lies beside.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ses_ops.storage.named_sql import Statements

PACKAGE = Path(__file__).parents[2] / "plugins" / "ses_ops"
STORAGE = PACKAGE / "storage"
#: Alembic's migrations are scripts of their own.
MIGRATIONS = STORAGE / "migrations"
FILES = sorted(path for path in STORAGE.rglob("*.sql") if MIGRATIONS not in path.parents)
#: Modules that speak SQL to other databases than ours, or before it is there: `make run` sets its servers up, and its
#: mailbox has a file of SQLite.
OTHER_DATABASES = PACKAGE / "stack"
#: What of the driver other layers may name: the type of a connection. Its errors have names in `storage.connection`.
DRIVER = {"psycopg2.extensions.connection"}


def _modules(*, of_storage: bool) -> list[Path]:
    found = [path for path in PACKAGE.rglob("*.py") if MIGRATIONS not in path.parents]
    return sorted(path for path in found if (STORAGE in path.parents) is of_storage)


def _uses(path: Path) -> Iterator[tuple[str | None, str]]:
    """(function, statement) of each `_SQL[...]` of a module; None: outside of functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    owner = {id(child): function.name for function in functions for child in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "_SQL":
            assert isinstance(node.slice, ast.Constant), f"{path}:{node.lineno}: a statement is named by a literal"
            yield owner.get(id(node)), node.slice.value


@pytest.mark.parametrize("file", [str(path.relative_to(STORAGE)) for path in FILES])
def test_each_statement_has_one_function_that_runs_it(file):
    module = (STORAGE / file).with_suffix(".py")
    assert module.is_file(), f"{file} has no module of its name"
    there = set(Statements(STORAGE / file).by_name)
    uses = Counter(name for _, name in _uses(module))
    assert not (unused := there - set(uses)), f"{file}: nobody uses {sorted(unused)}"
    assert not (missing := set(uses) - there), f"{file} lacks {sorted(missing)}, which {module.name} uses"
    assert not (twice := [name for name, count in uses.items() if count > 1]), f"{module.name} uses {twice} twice"
    assert not (loose := [name for function, name in _uses(module) if function is None]), f"{loose}: not in a function"


def test_a_module_of_storage_has_the_statements_of_the_file_beside_it_and_no_others():
    beside = {path.with_suffix(".py") for path in FILES}
    for path in _modules(of_storage=True):
        text = path.read_text(encoding="utf-8")
        takes = re.findall(r"\bstatements\((.*?)\)", text) if path.name != "named_sql.py" else []
        assert takes in ([], ["__file__"]), f"{path.name} takes {takes}"
        assert (path in beside) is bool(takes), f"{path.relative_to(STORAGE)} and its statements"


def test_no_statement_stands_in_python():
    """No text that begins as a statement does is given to a cursor, a connection or a function of `named_sql`."""
    words = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|CREATE|DROP|ALTER|SET|EXECUTE|PREPARE|LOCK)\s+\S")
    found = []
    for path in [*_modules(of_storage=True), *_modules(of_storage=False)]:
        if path == STORAGE / "migrate.py" or OTHER_DATABASES in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and words.match(node.value):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value[:60]}")
    assert not found, "these belong into a .sql file of storage:\n" + "\n".join(found)


def test_only_storage_runs_statements():
    """Outside of storage nobody takes a cursor, loads statements or imports more of the driver than its types."""
    found = []
    for path in _modules(of_storage=False):
        if OTHER_DATABASES in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _imported(node):
                loads = name.startswith("ses_ops.storage.named_sql")
                if loads or (name.partition(".")[0] == "psycopg2" and name not in DRIVER):
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno} imports {name}")
            if isinstance(node, ast.Attribute) and node.attr in ("cursor", "copy_expert", "fetchall", "fetchone"):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno} uses .{node.attr}")
    assert not found, "\n".join(found)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
