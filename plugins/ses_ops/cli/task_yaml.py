"""Parser of one YAML file of a send task.

The result is the fields, the line of each, and all problems of the file. It is read by YAML 1.2, where `no`, `on`,
`12:30` and `2026-12-01` are texts; the library knows 1.1, where they are false, true, 750 and a date. Every field is
one text: one that YAML takes for another type (`{{ first }}` for a mapping in a mapping) is reported with its line and
with its correct spelling as a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ses_ops.errors import InvalidInput

#: Most bytes of a file; a definition has some hundred. A larger file is no definition, and would fill the memory.
LARGEST = 100_000
#: Fields with a free text, which may look like a number.
_TEXTS = frozenset(
    ("name", "template", "subject", "sender", "group", "time_zone", "reply_to", "unsubscribe_url", "roles")
)
#: Fields that may be a list, or one text with commas.
_LISTS = frozenset(("roles",))
#: Fields that may be a mapping of words, or one text such as `opens: true, clicks: false`.
_MAPPINGS = frozenset(("track",))
#: Pattern of the plain scalars that are no string (YAML 1.2, section 10.3.2). An empty one is a field that is not set.
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUTH = re.compile(r"true|True|TRUE|false|False|FALSE")
_NUMBER = re.compile(
    r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_KEY_AND_VALUE = re.compile(r"\s*([\w-]+)\s*:\s+(\S.*?)\s*")
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_ONE_TASK = "a file has one send task"
_TAG = "tag:yaml.org,2002:"
_NOT_VALID = "is not valid YAML: "


@dataclass(frozen=True, kw_only=True)
class TaskYaml:
    """The fields of a file that were read, and the problems of the file."""

    #: Fields; None when the file has none to read.
    entry: dict[str, str | None] | None = None
    #: The line of each field, from 1.
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[InvalidInput] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """YAML loader that reads every plain scalar as a string."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - the library's own declaration


def read_yaml(file: Path) -> TaskYaml:
    """Read a file. Never raises InvalidInput: `problems` has every error."""
    try:
        return _Reader(file, _text(file)).read()
    except InvalidInput as problem:
        return TaskYaml(problems=[problem])


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as cause:
        raise InvalidInput(f"cannot be read: {cause.strerror}", where=str(file)) from cause
    if len(data) > LARGEST:
        raise InvalidInput(f"has more than {LARGEST:,} bytes; {_ONE_TASK}", where=str(file))
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as cause:
        # The decoder does not count the byte order mark of the file.
        at = cause.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        raise InvalidInput(
            f"is not UTF-8: it has the byte 0x{data[min(at, len(data) - 1)]:02X}; save the file as UTF-8",
            where=f"{file}: line {data.count(bytes([10]), 0, at) + 1}",
        ) from cause


class _Reader:
    """The conversion of one file from text to fields."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text
        self._rows = _LINE_END.split(text)

    def read(self) -> TaskYaml:
        root = self._root()
        if not isinstance(root, yaml.MappingNode):
            if root is None or not root.value:
                raise self._wrong("is empty; it must be a mapping with at least name, type, template, sender and group")
            listed = f"; {_ONE_TASK}, without a hyphen before it" if isinstance(root, yaml.SequenceNode) else ""
            raise self._wrong(
                "must be a mapping with at least name, type, template, sender and group" + listed,
                line=root.start_mark.line + 1,
            )
        found = TaskYaml(entry={})
        for key, value in root.value:
            try:
                self._add(found, key, value)
            except InvalidInput as problem:
                found.problems.append(problem)
        return found

    def _add(self, found: TaskYaml, key_node: yaml.Node, node: yaml.Node) -> None:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise self._wrong(f"{_NOT_VALID}a key must be a text, such as name{self._hint(line)}", line=line)
        key: str = key_node.value
        assert found.entry is not None
        if key in found.entry:
            raise self._wrong(f"{_NOT_VALID}the key {key!r} stands twice", line=line)
        found.entry[key] = None
        found.lines[key] = line
        found.entry[key] = self._value(key, node, line)

    def _value(self, key: str, node: yaml.Node, line: int) -> str | None:
        """The text of a field."""
        flat = isinstance(node, yaml.SequenceNode) and not any(isinstance(one, yaml.SequenceNode) for one in node.value)
        if key in _LISTS and flat:
            return ", ".join(self._value(key, one, line) or "" for one in node.value)
        if key in _MAPPINGS and isinstance(node, yaml.MappingNode):
            pairs = [(one.value, self._value(key, value, line)) for one, value in node.value]
            return ", ".join(f"{name}: {'default' if value is None else value}" for name, value in pairs) or None
        kind = None
        if not isinstance(node, yaml.ScalarNode):
            kind = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        elif node.tag != f"{_TAG}str":
            kind = f"{node.tag.replace(_TAG, '!!')}, a tag,"
        elif node.style is None and key in _TEXTS:
            kind = "a truth value" if _TRUTH.fullmatch(node.value) else None
            kind = "a number" if _NUMBER.fullmatch(node.value) else kind
        if kind is not None:
            raise self._wrong(f"is {kind} to YAML and must be a text{self._hint(line)}", line=line, key=key)
        assert isinstance(node, yaml.ScalarNode)
        return None if node.style is None and _NULL.fullmatch(node.value) else str(node.value)

    def _root(self) -> yaml.Node | None:
        try:
            loader = _Loader(self._text)
            root: yaml.Node | None = loader.get_single_node()
        except yaml.MarkedYAMLError as cause:
            raise self._fault(cause) from cause
        except yaml.reader.ReaderError as cause:
            line = len(_LINE_END.findall(self._text, 0, cause.position)) + 1
            text = f"{_NOT_VALID}it has the control character 0x{ord(self._text[cause.position]):02X}"
            raise self._wrong(text, line=line) from cause
        except RecursionError as cause:
            raise self._wrong(f"{_NOT_VALID}it is nested too deeply") from cause
        except (yaml.YAMLError, ValueError) as cause:
            raise self._wrong(_NOT_VALID + " ".join(str(cause).split())) from cause
        return root

    def _fault(self, cause: yaml.MarkedYAMLError) -> InvalidInput:
        context = cause.context or ""
        if context.startswith("expected a single document"):
            mark = cause.problem_mark
            return self._wrong(f"has several documents (---); {_ONE_TASK}", line=mark.line + 1 if mark else None)
        # A construct that is open at the end of the file began at the mistake.
        began = context.startswith(("while scanning", "while parsing a flow"))
        mark = (cause.context_mark if began else None) or cause.problem_mark or cause.context_mark
        line = None if mark is None else mark.line + 1
        in_quotes = "quoted scalar" in context or cause.problem == "expected <block end>, but found '<scalar>'"
        if in_quotes and (opened := self._open_quote(line)) is not None:
            return self._wrong(f"{_NOT_VALID}a quote is not closed{self._hint(opened)}", line=opened)
        return self._wrong(f"{_NOT_VALID}{cause.problem or context}{self._hint(line)}", line=line)

    def _open_quote(self, line: int | None) -> int | None:
        """The line of an opening quote without a closing one on its line; YAML closes it at the next quote."""
        for number, row in enumerate(self._rows[:line], 1):
            found = _KEY_AND_VALUE.fullmatch(row)
            if found is not None and found[2][0] in "'\"" and found[2].count(found[2][0]) == 1:
                return number
        return None

    def _hint(self, line: int | None) -> str:
        """The correct spelling of a line that YAML misunderstands, as a key and a text."""
        row = self._rows[line - 1] if line is not None and line <= len(self._rows) else ""
        if "\t" in row[: len(row) - len(row.lstrip())]:
            return "; indent with spaces, not with tabs"
        found = _KEY_AND_VALUE.fullmatch(row)
        if found is None or found[2][0] in "|>":
            return ""
        text = found[2]
        if text[0] in "'\"":
            text = text[1:].removesuffix(text[0])
        return f"; quote it: {found[1]}: {quoted(text)}"

    def _wrong(self, message: str, *, line: int | None = None, key: str | None = None) -> InvalidInput:
        where = str(self._file) if line is None else f"{self._file}: line {line}"
        return InvalidInput(message, where=where, field=key)


def quoted(text: str) -> str:
    """A text as a quoted YAML scalar."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'
