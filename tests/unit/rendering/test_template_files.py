"""Every file of a template is read by the same rules: inside the folder, of a bounded size, whatever it holds."""

from __future__ import annotations

import json
import os

import pytest

from ses_ops.errors import TemplateError
from ses_ops.rendering.template import HTML, MAX_SAMPLE, SAMPLE, SUBJECT, TEXT, load_template
from ses_ops.rendering.template_facts import MAX_SHOWN, template_facts, template_sources
from ses_ops.rendering.template_files import inside

SECRET = "the administrator's password"


@pytest.fixture
def folder(tmp_path):
    """A template that is fine, below a folder; beside that folder is a secret."""
    (tmp_path / "secret").write_text(json.dumps({"name": SECRET}))
    root = tmp_path / "templates"
    (root / "hello").mkdir(parents=True)
    for file, text in {
        SUBJECT: "Hello",
        HTML: "<p>{{ name }}</p>",
        TEXT: "{{ name }}",
        SAMPLE: '{"name": "Ann"}',
    }.items():
        (root / "hello" / file).write_text(text)
    return root / "hello"


def everything_of(root, name="hello"):
    """All that a viewer sees of a template."""
    facts = template_facts(root, name)
    shown = [facts, template_sources(root, name)]
    try:
        loaded = load_template(root, name)
        shown += [loaded.sample_values, loaded.preview()]
    except (TemplateError, OSError) as problem:
        shown.append(problem)
    return repr(shown)


@pytest.mark.parametrize("file", [SUBJECT, HTML, TEXT, SAMPLE])
@pytest.mark.parametrize("how", ["absolute", "relative", "over another link", "folder"])
def test_no_file_of_a_template_leads_out_of_the_folder(folder, file, how):
    secret = folder.parent.parent / "secret"
    (folder / file).unlink()
    if how == "absolute":
        (folder / file).symlink_to(secret)
    elif how == "relative":
        (folder / file).symlink_to("../../secret")
    elif how == "over another link":
        (folder / "between").symlink_to("../..")
        (folder / file).symlink_to("between/secret")
    else:
        outside = folder.parent.parent / "outside"
        outside.mkdir()
        secret.rename(outside / file)
        (folder / "body.html").unlink(missing_ok=True)
        os.rename(folder, folder.parent / "old")
        folder.symlink_to(outside)
    assert SECRET not in everything_of(folder.parent)


def test_a_link_that_stays_inside_is_followed(folder):
    (folder / SAMPLE).rename(folder / "values.json")
    (folder / SAMPLE).symlink_to("values.json")
    assert load_template(folder.parent, "hello").sample_values == {"name": "Ann"}


DEEP = {
    "open lists": "[" * 100_000,
    "open objects": '{"a":' * 100_000,
    "lists": "[" * 100_000 + "]" * 100_000,
    "a long number": "9" * 10_000,
    "half a character": '"\\ud800"',
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_or_odd_sample_values_are_an_error_of_the_template(folder, text):
    (folder / SAMPLE).write_text(text)
    error = template_facts(folder.parent, "hello").error
    assert (error.template, error.part) == ("hello", SAMPLE)


def test_a_large_file_is_not_read_whole(folder, monkeypatch):
    for file in (SUBJECT, HTML, TEXT, SAMPLE):
        with (folder / file).open("ab") as grows:
            grows.truncate(3_000_000_000)  # of holes: it takes no room
    facts = template_facts(folder.parent, "hello")
    assert "has more than" in str(facts.error)
    assert facts.size == 4 * 3_000_000_000
    assert all(len(text) <= MAX_SHOWN + 2 for text in template_sources(folder.parent, "hello").values())


def test_sample_values_have_a_bound_of_their_own(folder):
    (folder / SAMPLE).write_text(json.dumps({"name": "x" * MAX_SAMPLE}))
    with pytest.raises(TemplateError, match="more than 1048576 bytes"):
        load_template(folder.parent, "hello")


NO_FILES = ("hello/nothing", "../secret", "/etc/passwd", "hello", "hello/" + "x" * 5_000, "loop", "fifo")


@pytest.mark.parametrize("name", NO_FILES, ids=[name[:20] for name in NO_FILES])
def test_what_is_no_file_inside_is_not_there(folder, name):
    (folder.parent / "loop").symlink_to("loop")
    os.mkfifo(folder.parent / "fifo")
    assert inside(folder.parent, name) is None
