"""YAML files of send tasks: what YAML misunderstands is told with file, line and how it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.cli.task_files import read_tasks
from ses_ops.cli.task_yaml import LARGEST, quoted, read_yaml
from ses_ops.errors import InvalidInput

GOOD = """name: spring-sale
type: immediate
template: newsletter
subject: Spring is here
sender: "Example Shop <news@mail.example.com>"
group: customers
"""


@pytest.fixture
def written(tmp_path):
    """Writes a definition with one line of it exchanged, or another text or bytes."""

    def write(line: str | None = None, *, text: str | bytes = GOOD, name: str = "spring.yaml") -> Path:
        file = tmp_path / name
        if line is not None:
            key = line.partition(":")[0]
            text = "".join(f"{line}\n" if row.partition(":")[0] == key else f"{row}\n" for row in GOOD.splitlines())
            text = text if line in text else text + line + "\n"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def problems_of(file: Path) -> list[str]:
    return [str(problem).removeprefix(f"{file}: ") for problem in read_tasks(file).problems]


@pytest.mark.parametrize("line", ["roles: [Sales, MailTeam]", "roles: Sales, MailTeam", 'roles: ["Sales", MailTeam]'])
def test_roles_are_a_list_or_a_text(written, line):
    (task,) = read_tasks(written(line)).tasks.values()
    assert task.roles == ("MailTeam", "Sales")


@pytest.mark.parametrize(
    ("line", "tracking"),
    [
        ("track: {opens: true, clicks: false}", (True, False)),
        ("track: {opens: no}", (False, None)),
        ("track:\n  opens: true\n  clicks: yes", (True, True)),
        ("track: {opens: , clicks: true}", (None, True)),
        ('track: "clicks: true"', (None, True)),
        ("track:", (None, None)),
    ],
)
def test_what_is_tracked_is_a_mapping_or_a_text(written, line, tracking):
    (task,) = read_tasks(written(line)).tasks.values()
    assert (task.track_opens, task.track_clicks) == tracking


@pytest.mark.parametrize(
    "line",
    [
        "track: [opens]",
        "track: true",
        "track: {opens: {a: b}}",
        "track: {opens: maybe}",
        "track: {links: true}",
        "track: {}",
    ],
)
def test_anything_else_is_told_with_its_line(written, line):
    found = read_tasks(written(line))
    if line == "track: {}":
        assert not found.problems
        return
    (problem,) = found.problems
    assert "track" in str(problem)
    assert "line 7" in str(problem)


@pytest.mark.parametrize("line", ["roles: [1, Sales]", "roles: [[Sales]]", "roles: {a: b}", "roles: 7"])
def test_what_is_no_name_of_a_role_to_yaml_is_refused_with_its_line(written, line):
    (problem,) = problems_of(written(line))
    assert problem.startswith("line 7: roles: is a ")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("subject: {{ a }}", 'line 4: subject: is a mapping to YAML and must be a text; quote it: subject: "{{ a }}"'),
        ("subject: {{ first }}, hi", 'quote it: subject: "{{ first }}, hi"'),
        ("subject: {{ first }", 'quote it: subject: "{{ first }"'),
        ("subject: { first }", 'quote it: subject: "{ first }"'),
        ("subject: [Sale] 50 %", 'quote it: subject: "[Sale] 50 %"'),
        ("subject: [Sale]", "line 4: subject: is a list to YAML"),
        ("subject: Sale: 50 %", 'quote it: subject: "Sale: 50 %"'),
        ("subject: 'It's spring'", 'quote it: subject: "It\'s spring"'),
        ('subject: "Say "hi""', "quote it: subject: 'Say \"hi\"'"),
        ('subject: "open', 'line 4: is not valid YAML: a quote is not closed; quote it: subject: "open"'),
        ("subject: 'open", 'line 4: is not valid YAML: a quote is not closed; quote it: subject: "open"'),
        ("subject: @all", 'quote it: subject: "@all"'),
        ("subject: `x`", 'quote it: subject: "`x`"'),
        ("subject: % off", 'quote it: subject: "% off"'),
        ("subject: *bold* sale", 'quote it: subject: "*bold* sale"'),
        ("subject: !now or never", '!now, a tag, to YAML and must be a text; quote it: subject: "!now or never"'),
        ("subject: !!python/object:os.system x", "a tag, to YAML"),
        ("subject: - a", "line 4: is not valid YAML: "),
        ("subject Spring", "line 7: is not valid YAML: could not find expected ':'"),
        ("subject: 2026", 'line 4: subject: is a number to YAML and must be a text; quote it: subject: "2026"'),
        ("subject: true", 'is a truth value to YAML and must be a text; quote it: subject: "true"'),
        ("name: 12", 'line 1: name: is a number to YAML and must be a text; quote it: name: "12"'),
        ("group: 1e3", 'quote it: group: "1e3"'),
        ("template: {{ x }}", "line 3: template: is a mapping"),
        ("subject:\n\t- a", "line 5: is not valid YAML: found character '\\t' that cannot start any token; indent"),
        ("[a]: b", "line 7: is not valid YAML: a key must be a text"),
        ("{a: b}: c", "line 7: is not valid YAML: a key must be a text"),
        ("? {a: b}\n: c", "line 7: is not valid YAML: a key must be a text"),
        ("<<: {a: b}", "line 7: <<: is a mapping to YAML"),
        ("subject: a\nsubject: b", "line 5: is not valid YAML: the key 'subject' stands twice"),
        ("---\nname: other", "line 7: has several documents (---); a file has one send task"),
    ],
)  # fmt: skip
def test_what_yaml_misunderstands_is_told_with_its_line_and_how_to_write_it(written, line, problem):
    (found,) = problems_of(written(line))
    assert found.startswith("line ")
    assert problem in found


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "off", "y", "12:30", "1:2:3", "2026-12-01", "=", "1_000", "0b1", "Null-Tarif"]
)
@pytest.mark.parametrize("field", ["subject", "group", "template"])
def test_what_yaml_1_1_took_for_something_else_is_the_text_that_it_looks_like(written, field, text):
    read = read_yaml(written(f"{field}: {text}"))
    assert not read.problems
    assert read.entry[field] == text


def test_what_is_not_set_is_missing_once(written):
    for text in ("", "null", "~"):
        assert problems_of(written(f"group: {text}")) == ["group: is missing (line 6)"]
    assert read_tasks(written("subject: ~")).problems == []


def test_moments_are_read_as_they_are_written(written):
    more = GOOD.replace("immediate", "recurring") + "every: 24h\ntime_zone: Asia/Tokyo\nuntil: 2026-12-03\n"
    for start in ("2026-12-01 9:00:00", "2026-12-01 09:00", "2026-12-01T09:00:00+09:00", "2026-12-01 9:00:00 +09:00"):
        (task,) = read_tasks(written(text=f"{more}start_at: {start}\n")).tasks.values()
        assert task.schedule.start_at == datetime(2026, 12, 1, tzinfo=UTC)
        assert len(task.schedule.next_slots(9)) == 3
    (problem,) = problems_of(written(text=f"{more}start_at: 2026-13-45\n"))
    assert problem == "start_at: '2026-13-45' is not a time; write for example 2026-12-01 09:00 (line 10)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "is empty; it must be a mapping"),
        (b"# only a remark\n", "is empty; it must be a mapping"),
        (b"- name: a\n", "line 1: must be a mapping with at least name, type, template, sender and group; a file"),
        (b"just text", "line 1: must be a mapping"),
        (b"name: a\nsubject: Gr\xfc\xdfe\n", "line 2: is not UTF-8: it has the byte 0xFC; save the file as UTF-8"),
        (b"\xef\xbb\xbfname: a\nsubject: Gr\xfc\xdfe\n", "line 2: is not UTF-8: it has the byte 0xFC"),
        (b"name: a\nsubject: a\x07b\n", "line 2: is not valid YAML: it has the control character 0x07"),
        (b"a: " + b"[" * 50_000, "is not valid YAML: it is nested too deeply"),
        (b"a: 1\n" * LARGEST, "has more than 100,000 bytes; a file has one send task"),
        (b"%YAML 3.0\n---\na: b\n", "line 1: is not valid YAML: found incompatible YAML document"),
        (b"\xff\xfen", "line 1: is not UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_yaml_is_one_problem(written, text, problem):
    (found,) = problems_of(written(text=text))
    assert found.startswith(problem)


def test_a_mark_of_the_byte_order_other_line_ends_and_utf_16_are_read(written):
    for text in (b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n").encode(), GOOD.encode("utf-16")):
        assert not read_tasks(written(text=text)).problems


def test_anchors_cannot_make_a_file_larger_than_it_is(written):
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
    )
    problems = problems_of(written(text=bomb))
    assert all(len(problem) < 300 for problem in problems)
    assert not read_tasks(written("group: &g customers\nreply_to: a@b.example")).problems


def test_every_fault_of_every_file_is_told_and_none_hides_another(written, tmp_path):
    written("subject: {{ first }}", name="a.yaml")
    written(text=GOOD.replace("name: spring-sale", "name: Spring Sale").replace("group:", "gruop:"), name="b.yml")
    written(text=b"\xff", name="c.YAML")
    written(text="[", name="d.yaml")
    written(name="e.yaml")
    written(name="f.yaml")
    (tmp_path / "g.yaml").symlink_to("nowhere")
    (tmp_path / "h.yaml").mkdir()
    found = read_tasks(tmp_path)
    told = [str(problem).removeprefix(f"{tmp_path}/") for problem in found.problems]
    begins = [
        *("a.yaml: line 4: subject: is a mapping", "b.yml: gruop: unknown key; did you mean group?", "b.yml: name: "),
        *("b.yml: group: is missing", "c.YAML: line 1: is not UTF-8", "d.yaml: line 1: is not valid YAML"),
        *("g.yaml: cannot be read: No such file", "f.yaml: name: 'spring-sale' is also the name in"),
    ]
    assert [text.startswith(begin) for text, begin in zip(told, begins, strict=True)] == [True] * 8, told
    assert len(found.tasks) == 2


def test_a_folder_without_definitions_is_no_success(tmp_path):
    with pytest.raises(InvalidInput, match=r"has no \.yaml file in it"):
        read_tasks(tmp_path)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(data)
    found = read_tasks(file)
    assert found.tasks or found.problems


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
def test_a_text_that_is_quoted_as_the_hint_says_is_read_as_it_was_meant(text):
    assert yaml.safe_load(f"subject: {quoted(text)}") == {"subject": text}
