"""Which variables a template reads, files that it includes or extends among them."""

from __future__ import annotations

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from ses_ops.errors import Explanation
from ses_ops.rendering.environment import MailEnvironment

#: Files that include each other in a chain longer than this do so in a circle.
MAX_DEPTH = 20
#: Files that one template may pull in, each as often as it is named.
MAX_FILES = 500


def undeclared_variables(environment: MailEnvironment, source: str) -> frozenset[str]:
    """The variables that `source` and every file it pulls in need; raises the errors of Jinja2."""
    files = iter(range(MAX_FILES))

    def collect(source: str, path: str | None, declared: frozenset[str], depth: int) -> frozenset[str]:
        if depth == 0:
            raise SecurityError(Explanation("files_in_a_circle").sentence)
        # Twenty files that each include the next one ten times would be read until the end of time.
        if next(files, None) is None:
            raise SecurityError(Explanation("too_many_files", most=MAX_FILES).sentence)
        tree = environment.parse(source, path, path)
        names = frozenset(find_undeclared_variables(tree)) - declared
        # What a file sets (a variable, a loop's variable) is seen by the files that it includes or extends.
        declared |= {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
        for referenced in find_referenced_templates(tree):
            if referenced is None:
                raise SecurityError(Explanation("file_name_not_fixed").sentence)
            inner, found_at, _ = environment.source_of(referenced)
            names |= collect(inner, found_at, declared, depth - 1)
        return names

    return collect(source, None, frozenset(), MAX_DEPTH)
