"""Whatever changes something goes through `application/`: no face calls what changes a table, Airflow or the audit log.

Which functions change something is read from the statements that they run, so a new one is known at once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import ses_ops
from ses_ops.storage.named_sql import Statements

ROOT = Path(ses_ops.__file__).parent
FACES = ("console", "cli")
#: Statements that change a table. A row that is only locked is not changed.
_CHANGES = re.compile(
    r"\b(INSERT\s+INTO|UPDATE\s+\w+(\s+\w+)?\s+SET|DELETE\s+FROM|COPY\s+\w+|TRUNCATE)\b", re.IGNORECASE
)
#: Functions of `orchestration/` that change what Airflow has.
OF_AIRFLOW = {
    *("pause_dag", "unpause_dag", "start_run", "trigger_run", "update_dags", "forget_task", "request_dag_parse"),
    *("write_dag", "write_quota_entry", "write_row"),
}

#: What a face may call that takes no actor: it runs inside of a use case, or is tried and undone. `check_home` notes
#: the ledger's place at its first use, whoever that is.
TRIED = {"apply_definition", "write_new", "test_send", "check_home"}


def module_of(file: Path) -> str:
    return ".".join(("ses_ops", *file.relative_to(ROOT).with_suffix("").parts))


def changing_statements(module: Path) -> set[str]:
    """The statements of a module of storage that change a table."""
    file = module.with_suffix(".sql")
    statements = Statements(file).by_name.items() if file.is_file() else ()
    return {name for name, sql in statements if _CHANGES.search(re.sub(r"--.*", "", sql))}


def imports_of(tree: ast.AST) -> dict[str, str]:
    """By the name that a module uses, the full name of what it imports."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ses_ops"):
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return found


def used_by(node: ast.AST, names: dict[str, str], module: str) -> Iterator[str]:
    """The full names of functions that a piece of code names, those of its own module too."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield names.get(one.id, f"{module}.{one.id}")
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            yield f"{names.get(one.value.id, one.value.id)}.{one.attr}"


def statements_in(node: ast.AST) -> set[str]:
    """The statements that a piece of code names, each as `_SQL["name"]`."""
    return {
        str(one.slice.value)
        for one in ast.walk(node)
        if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant)
        if isinstance(one.value, ast.Name) and one.value.id == "_SQL"
    }


def functions_of(package: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef, set[str], Path]]:
    """(full name, code, the full names that it uses, file) of the functions and classes of a package."""
    for file in (ROOT / package).rglob("*.py"):
        tree, module = ast.parse(file.read_text()), module_of(file)
        names = imports_of(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield f"{module}.{node.name}", node, set(used_by(node, names, module)), file


@cache
def changing_functions() -> frozenset[str]:
    """The full names of what changes a table, itself or by another, in `storage/`, `sending/` and `application/`."""
    uses: dict[str, set[str]] = {}
    found = set()
    for name, node, used, file in functions_of("storage"):
        uses[name] = used
        if statements_in(node) & changing_statements(file):
            found.add(name)
    for package in ("sending", "application"):
        uses |= {name: used for name, _, used, _ in functions_of(package)}
    while more := {name for name, used in uses.items() if used & found} - found:
        found |= more
    return frozenset(found)


def knows_who_asks(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether something takes an actor; of a class, whether one of its methods does."""
    inner = (
        [node] if isinstance(node, ast.FunctionDef) else [one for one in node.body if isinstance(one, ast.FunctionDef)]
    )
    return any(arg.arg == "actor" for one in inner for arg in (*one.args.args, *one.args.kwonlyargs))


def faces() -> Iterator[tuple[str, ast.Module]]:
    for face in FACES:
        for file in sorted((ROOT / face).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())


def test_what_is_read_of_the_statements_is_not_empty():
    names = {name.rpartition(".")[2] for name in changing_functions()}
    assert {"delete_group", "describe_group", "erase", "insert", "add_all"} <= names
    assert not {"find_group", "list_groups", "list_tasks", "lock_row", "find_row", "mail_of_task"} & names


def test_a_face_changes_something_only_by_a_use_case_that_knows_who_asks():
    use_cases = {name for name, node, _, _ in functions_of("application") if knows_who_asks(node)}
    closed = changing_functions() - use_cases
    wrong = []
    for file, tree in faces():
        used = set(used_by(tree, imports_of(tree), file)) & closed
        wrong += [(file, name) for name in used if name.rpartition(".")[2] not in TRIED]
    assert not wrong, "a use case in application/ does that"


def test_no_face_changes_what_airflow_has_by_itself():
    wrong = [
        (file, node.attr)
        for file, tree in faces()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in OF_AIRFLOW
    ]
    assert not wrong, "a use case returns a notice for the scheduler, or calls a port"


def test_only_use_cases_ask_for_an_entry_in_the_audit_log():
    wrong = [
        f"{file}:{node.lineno}"
        for file, tree in faces()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "recorded"
    ]
    assert not wrong
