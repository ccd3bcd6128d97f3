"""Templates that are made by the API: written, found, and used wherever a template of the folder is."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from ses_ops.application import stored_templates
from ses_ops.application.ports import Actor
from ses_ops.application.template_source import TemplateSource
from ses_ops.errors import Conflict, InvalidInput, NotFound, TemplateError
from ses_ops.storage.templates.stored import TemplateTexts
from tests.actors import ANYBODY
from tests.unit.sending.single_mails import parsed, prepared_of, read

TEXTS = TemplateTexts("Hi {{ name }}", "Dear {{ name }}.", "<p>Dear {{ name }}.</p>")


@pytest.fixture
def world(world, monkeypatch):
    monkeypatch.setenv("SES_TEMPLATES", str(world.templates))
    return world


@contextmanager
def recorded(who, action, *, task=None, **details):
    LOG.append((who, action, details))
    yield details


LOG: list = []


class Log:
    """An audit log in a list."""

    recorded = staticmethod(recorded)


def test_a_template_is_made_changed_and_deleted_and_every_version_is_kept(world):
    LOG.clear()
    ann = Actor(name="ann", audit=Log())
    made = stored_templates.create(world.conn, ann, name="welcome", title="Welcome 欢迎", texts=TEXTS).template
    assert (made.name, made.title, made.version, made.texts) == ("welcome", "Welcome 欢迎", 1, TEXTS)
    assert made.id >= 100_001
    again = stored_templates.new_version(world.conn, ann, made.id, texts=TEXTS)
    assert (again.changed, again.template.version) == (False, 1)
    changed = stored_templates.new_version(world.conn, ann, "welcome", title="New", texts=TEXTS._replace(html=None))
    assert (changed.changed, changed.template.version, changed.template.title) == (True, 2, "New")
    assert [one.version for one in stored_templates.versions(world.conn, "welcome")] == [2, 1]
    assert stored_templates.get(world.conn, "welcome", 1).html == TEXTS.html
    (line,) = stored_templates.list_stored(world.conn, limit=10)
    assert (line.id, line.has_text, line.has_html, line.size) == (made.id, True, False, 29)
    stored_templates.delete(world.conn, ann, made.id)
    assert stored_templates.count(world.conn) == 0
    for which in (made.id, "welcome"):
        with pytest.raises(NotFound):
            stored_templates.get(world.conn, which)
    assert [action for _, action, _ in LOG] == ["create_template", *["change_template"] * 2, "delete_template"]
    assert LOG[0][2] == {"template": "welcome", "number": made.id, "version": 1}
    # A name and a version say for ever which texts these are.
    other = stored_templates.create(world.conn, ann, name="welcome", texts=TEXTS._replace(subject="Other")).template
    assert (other.version, other.id) == (3, made.id + 1)


def test_a_template_without_a_name_gets_one_of_its_title_or_of_its_number(world):
    made = [
        stored_templates.create(world.conn, ANYBODY, title=title, texts=TEXTS).template
        for title in ("Order Notice!", "Order notice", "验证码", "x" * 200)
    ]
    numbers = [one.id for one in made]
    assert [one.name for one in made] == [
        f"order-notice-{numbers[0]}",
        f"order-notice-{numbers[1]}",
        f"template-{numbers[2]}",
        f"{'x' * 80}-{numbers[3]}",
    ]


@pytest.mark.parametrize(
    ("texts", "field", "code"),
    [
        (TemplateTexts("a", None, None), "text", "template_body_missing"),
        (TemplateTexts("a\nb", "x", None), "subject", "control_character"),
        (TemplateTexts("a", "x\x00", None), "text", "control_character"),
        (TemplateTexts("{{ a", "x", None), "subject", "template_engine_says"),
        (TemplateTexts("a", "x", "<p>{% for %}"), "html", "template_engine_says"),
        (TemplateTexts("a", "{{ a.__class__ }}", None), "text", "not_open_to_templates"),
        (TemplateTexts("a", None, "x" * 1_000_001), "html", "text_too_long"),
        (TemplateTexts("a", "{% include '../secret' %}", None), "text", "included_file_missing"),
    ],
)
def test_texts_of_which_no_mail_can_be_made_are_refused_with_their_field(world, texts, field, code):
    with pytest.raises((InvalidInput, TemplateError)) as refused:
        stored_templates.create(world.conn, ANYBODY, name="bad", texts=texts)
    assert (refused.value.facts["field"], refused.value.code) == (field, code)
    assert stored_templates.count(world.conn) == 0


def test_names_that_are_taken_or_hidden_by_the_folder_are_refused(world):
    stored_templates.create(world.conn, ANYBODY, name="welcome", texts=TEXTS)
    with pytest.raises(Conflict, match="already"):
        stored_templates.create(world.conn, ANYBODY, name="welcome", texts=TEXTS)
    with pytest.raises(Conflict, match="the folder of templates has one named 'hello'"):
        stored_templates.create(world.conn, ANYBODY, name="hello", texts=TEXTS)
    with pytest.raises(InvalidInput):
        stored_templates.create(world.conn, ANYBODY, name="../x", texts=TEXTS)


def test_a_send_task_mails_a_stored_template_in_its_newest_version(world, mail_server):
    stored_templates.create(world.conn, ANYBODY, name="welcome", texts=TEXTS)
    world.group("customers", 3)
    world.task("mailing", group="customers", template="welcome")
    with pytest.raises(Conflict, match="is used by mailing"):
        stored_templates.delete(world.conn, ANYBODY, "welcome")
    stored_templates.new_version(world.conn, ANYBODY, "welcome", texts=TEXTS._replace(text="Newer {{ name }}"))
    assert world.whole_run(world.run("mailing")).sent == 3
    assert len(mail_server.contents) == 3
    for content in mail_server.contents.values():
        assert "Newer Person" in read(content + b"\r\n").get_body(("plain",)).get_content()
        assert content.split(b"Subject: ")[1].startswith(b"Hi Person")
    world.check_ledger()


def test_a_template_without_a_subject_needs_one_of_the_task(world):
    stored_templates.create(world.conn, ANYBODY, name="bare", texts=TEXTS._replace(subject=None))
    world.group("customers", 1)
    world.task("mailing", group="customers", template="bare")
    with pytest.raises(TemplateError, match="no subject of its own"):
        world.freeze(world.run("mailing"))
    world.task("with-subject", group="customers", template="bare", subject="Yes {{ name }}")
    assert world.whole_run(world.run("with-subject")).sent == 1


def test_a_long_lived_process_sees_each_change_and_keeps_what_was_accepted(world):
    now = 0.0
    source = TemplateSource(world.templates, clock=lambda: now)
    message = parsed(template="welcome", text=None, subject=None, values={"name": "Ann"})
    assert source.needs("welcome")
    source.load(world.conn, "welcome")
    assert not source.needs("welcome")
    with pytest.raises(TemplateError, match="there is none of this name"):
        prepared_of(source, message)
    stored_templates.create(world.conn, ANYBODY, name="welcome", texts=TEXTS)
    assert source.needs("welcome")  # this process has made it
    source.load(world.conn, "welcome")
    first = prepared_of(source, message)
    assert (first.subject, first.message.template_version) == ("Hi Ann", 1)
    # Another process makes a version.
    world.execute("UPDATE stored_template SET version = 2")
    world.execute(
        "INSERT INTO stored_template_version (template_id, version, subject, text)"
        " SELECT id, 2, 'Hello {{ name }}', 'x' FROM stored_template"
    )
    assert not source.needs("welcome")
    now += 0.6
    assert source.needs("welcome")
    source.load(world.conn, "welcome")
    assert prepared_of(source, message).subject == "Hello Ann"
    assert prepared_of(source, first.message).subject == "Hi Ann"
    stored_templates.delete(world.conn, ANYBODY, "welcome")
    fresh = TemplateSource(world.templates)
    assert fresh.needs("welcome", 1)
    fresh.load(world.conn, "welcome", 1)
    assert prepared_of(fresh, first.message).subject == "Hi Ann"


def test_a_folder_that_gets_the_name_of_a_stored_template_wins(world):
    stored_templates.create(world.conn, ANYBODY, name="welcome", texts=TEXTS)
    source = TemplateSource(world.templates)
    source.load(world.conn, "welcome")
    (world.templates / "hello").rename(world.templates / "welcome")
    message = parsed(template="welcome", text=None, subject=None, values={"name": "Ann"})
    assert prepared_of(source, message).subject == "Hello Ann"
    assert prepared_of(source, message).message.template_version is None
