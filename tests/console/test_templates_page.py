"""Templates: the list, the preview with everybody's values, and what cannot be used."""

from __future__ import annotations

import re
import time

import pytest

from ses_ops.application import stored_templates
from ses_ops.rendering import worker
from ses_ops.storage.templates.stored import TemplateTexts
from tests.actors import ANYBODY
from tests.console.console_world import visible_text

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def write(world, name, **files: str):
    folder = world.templates / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file.replace("_", ".")).write_text(content)


def test_without_templates_the_page_says_how_to_make_one(world, viewer):
    for path in (world.templates / "hello").iterdir():
        path.unlink()
    text = viewer.text("/templates")
    assert "There is no template yet" in text
    assert "Variables are written {{ name }}" in text
    assert "/".join(world.templates.parts[-2:]) in text


def test_no_page_says_where_a_server_keeps_its_templates(world, viewer):
    for path in ("/templates", "/templates/nothing"):
        assert str(world.templates) not in viewer.get(path).text
    for path in (world.templates / "hello").iterdir():
        path.unlink()
    assert str(world.templates) not in viewer.get("/templates").text


def test_the_list_shows_subject_variables_size_and_the_tasks_that_use_it(world, viewer, user):
    write(world, "notice", subject_txt="An {{ order }} came", body_txt="{{ name }} has {{ order }}")
    for number in range(5):
        world.seed(f"task-{number}")
    text = viewer.text("/templates")
    assert "hello Hello {{ name }} HTML and text" in text
    assert "notice An {{ order }} came text only" in text
    assert "name order" in text
    assert "0.1 kB" in text
    assert "task-4 , task-3 , task-2 and 2 more" in text
    assert "no send task" in text
    assert "hello/test" not in viewer.get("/templates").text
    assert 'href="/ses/templates/notice/test"' in user.get("/templates").text


def test_a_link_that_a_task_may_lack_is_warned_of_on_every_page_of_the_template(world, viewer, user):
    write(world, "notice", subject_txt="x", body_txt="{{ unsubscribe_url }}")
    for text in (viewer.text("/templates"), viewer.text("/templates/notice"), user.text("/templates/notice/test")):
        assert "Please note: template 'notice': it shows {{ unsubscribe_url }} (line 1 of notice/body.txt)" in text
    assert "Please note" not in viewer.text("/templates/hello")


def test_a_person_sees_only_tasks_whose_dags_they_may_see(world, viewer, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    world.seed("open")
    world.seed("secret")
    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag

    def only_open(self, *, details=None, **more):
        return (details is None or details.id != "send_task__secret") and allowed(self, details=details, **more)

    monkeypatch.setattr(manager, "is_authorized_dag", only_open)
    for path in ("/templates", "/templates/hello"):
        page = viewer.get(path).text
        assert "open" in page
        assert "secret" not in page


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"subject_txt": "Hi", "body_html": "<p>{{ name }</p>"}, "Mend the file broken/body.html"),
        ({"subject_txt": "Hi {{ name", "body_txt": "x"}, "Mend the file broken/subject.txt"),
        ({"subject_txt": "one\ntwo", "body_txt": "x"}, "a subject is one line"),
        ({"subject_txt": "Hi"}, "it has neither body.html nor body.txt"),
        ({"body_txt": "x"}, "it has no subject.txt"),
        ({"subject_txt": "Hi", "body_txt": "x", "sample_json": "[1"}, "Mend the file broken/sample.json"),
    ],
)
def test_what_cannot_be_used_is_listed_with_its_error_and_how_to_mend_it(files, words, world, user):
    write(world, "broken", **files)
    listed = user.text("/templates")
    assert "broken cannot be used" in listed
    assert "hello Hello" in listed, "the others stay as they are"
    assert 'href="/ses/templates/broken/test"' not in user.get("/templates").text
    text = user.text("/templates/broken")
    assert "This template cannot be used" in text
    assert words in text
    assert user.get("/templates/broken/test").status_code == 422


def test_a_name_that_no_template_can_have_and_bytes_that_are_no_utf8_are_named(world, viewer):
    write(world, "Spring Sale", subject_txt="x", body_txt="x")
    write(world, "latin", body_txt="x")
    (world.templates / "latin" / "subject.txt").write_bytes("Grüße".encode("latin-1"))
    text = viewer.text("/templates")
    assert "a name has only lower-case letters" in text
    assert "it is not UTF-8" in text
    assert "its name has only lower-case letters" in viewer.text("/templates/Spring%20Sale")
    assert "Gr�" in viewer.text("/templates/latin")


def test_a_change_of_a_file_is_seen_at_once_and_nothing_is_compiled_twice(world, viewer, monkeypatch):
    from ses_ops.console import template_catalogue

    viewer.get("/templates")
    compiled = []
    real = template_catalogue.template_facts
    monkeypatch.setattr(template_catalogue, "template_facts", lambda *given: compiled.append(given) or real(*given))
    viewer.get("/templates")
    assert not compiled
    write(world, "hello", subject_txt="Quite another subject")
    assert "Quite another subject" in viewer.text("/templates")


def test_the_preview_has_subject_parts_and_source(world, viewer):
    write(world, "hello", sample_json='{"name": "Zoë <b>"}', body_txt="Dear {{ name }}, as text.")
    page = viewer.get("/templates/hello").text
    assert "Hello Zoë &lt;b&gt;" in page
    assert 'sandbox="" title="HTML part" src="/ses/templates/hello/html?view=desktop"' in page
    assert 'class="mail phone"' in viewer.get("/templates/hello?view=phone").text
    assert "Dear Zoë <b>, as text." in viewer.text("/templates/hello?view=text")
    source = viewer.text("/templates/hello?view=source")
    assert "hello/body.html" in source
    assert "<p>Dear {{ name }}, this is for you.</p>" in source
    assert '{"name": "Zoë <b>"}' in source


def test_the_frame_can_run_and_load_nothing(world, viewer):
    write(world, "hello", body_html=f"<p>{HOSTILE} {{{{ name }}}}</p>", sample_json='{"name": "Ann"}')
    answer = viewer.get("/templates/hello/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.text.startswith("<p><script>")
    write(world, "text-only", subject_txt="x", body_txt="x")
    assert viewer.get("/templates/text-only/html").status_code == 404
    assert "<iframe" not in viewer.get("/templates/text-only").text


def test_sample_values_can_be_edited_and_stay_in_every_link(world, viewer, user):
    page = viewer.get("/templates/hello?v.name=Ben+%26+Co&view=text")
    assert "Dear Ben & Co, this is for you." in visible_text(page.text)
    assert 'value="Ben &amp; Co"' in page.text
    assert 'href="/ses/templates/hello?view=phone&amp;v.name=Ben+%26+Co"' in page.text
    assert "Dear Ben &amp; Co" in viewer.get("/templates/hello/html?v.name=Ben+%26+Co").text
    assert 'value="Ben &amp; Co"' in user.get("/templates/hello/test?v.name=Ben+%26+Co").text
    assert "Hello name" in viewer.text("/templates/hello"), "without a sample, a variable is shown as its name"


def test_the_values_of_a_recipient_of_a_group(world, viewer):
    world.group("customers", 3)
    world.execute("INSERT INTO recipient_group (name, variables) VALUES ('others', '{city}'), ('nobody', '{name}')")
    page = viewer.text("/templates/hello?group=customers")
    assert "Hello Person 1" in page
    assert "customers-1@customers.example" in page
    by_address = viewer.get("/templates/hello?group=customers&address=CUSTOMERS-2@customers.example").text
    assert "Hello Person 2" in by_address
    assert "Person 2" in viewer.get("/templates/hello/html?group=customers&address=customers-2@customers.example").text
    for query, words in (
        ("group=customers&address=x@customers.example", "This group does not have that address."),
        ("group=customers&address=x", "has no @"),
        ("group=gone", "There is no such group any more."),
        ("group=nobody", "This group has no recipients."),
    ):
        text = viewer.text(f"/templates/hello?{query}")
        assert words in text, query
        assert "Hello name" in text, "the sample is shown meanwhile"
    assert '<option value="others"' not in viewer.get("/templates/hello").text
    world.execute(
        "INSERT INTO recipient SELECT id, 1, 'a@b.example', 'a@b.example', '{}' FROM recipient_group"
        " WHERE name = 'others'"
    )
    assert "This group has no values for name" in viewer.text("/templates/hello?group=others")


def test_values_that_a_template_cannot_use_are_said_in_place_of_the_preview(world, viewer):
    write(world, "sums", subject_txt="x", body_txt="{{ 10 // (n | int) }}", sample_json='{"n": "2"}')
    assert "5" in viewer.text("/templates/sums")
    text = viewer.text("/templates/sums?v.n=0")
    assert "zero" in text
    assert "The files are under “Source”" in text


@pytest.mark.parametrize("name", ["nothing", "%2e%2e%2fhello", "hello%2f..", "_layout"])
def test_no_other_path_is_ever_looked_at(name, world, viewer):
    write(world, "_layout", body_html="secret layout")
    for path in (f"/templates/{name}", f"/templates/{name}/html"):
        assert viewer.get(path).status_code == 404, path


def test_nothing_from_data_is_markup(world, user):
    write(world, "hello", subject_txt=f"{HOSTILE} {{{{ name }}}}", sample_json='{"name": "x"}', body_txt=HOSTILE)
    write(world, "broken", subject_txt=f"{{{{ {HOSTILE}", body_txt="x")
    world.group(HOSTILE[:90], 1)
    paths = ("/templates", "/templates/hello", "/templates/broken", "/templates/hello/test")
    for path in (*paths, *(f"/templates/hello?view={view}&v.name={HOSTILE}" for view in ("text", "source", "phone"))):
        page = user.get(path).text
        assert "<img" not in page, path
        assert "<script>" not in page, path
        assert "style=" not in page, path


def test_a_template_that_takes_too_long_is_said_to_and_holds_up_nothing_else(world, viewer, monkeypatch):
    folder = world.templates / "endless"
    folder.mkdir()
    (folder / "subject.txt").write_text("Hello")
    (folder / "body.txt").write_text("Hello {{ name }}")
    fresh = worker.call

    def call(template, *args, **kwargs):
        if template == "endless":
            monkeypatch.setattr(worker, "LONGEST", 0.05)
            return fresh(template, time.sleep, 60)
        monkeypatch.setattr(worker, "LONGEST", 60.0)
        return fresh(template, *args, **kwargs)

    monkeypatch.setattr(worker, "call", call)
    monkeypatch.setattr(worker, "PENALTY", 0.0)
    for path in ("/templates", "/templates/endless"):
        assert "it takes too long or too much memory" in viewer.get(path).text, path
    assert viewer.get("/templates/endless/html").status_code == 422
    assert viewer.get("/templates/hello").status_code == 200
    assert "it takes too long" not in viewer.get("/templates/hello").text
    assert viewer.get("/").status_code == 200


def test_sample_values_that_cannot_be_read_are_an_error_of_their_template_only(world, viewer):
    (world.templates / "hello" / "sample.json").write_text("[" * 100_000)
    for path in ("/templates", "/templates/hello", "/", "/tasks"):
        assert viewer.get(path).status_code == 200, path


def test_a_template_that_the_api_made_is_shown_with_its_versions(world, viewer, user):
    old = TemplateTexts("Old {{ name }}", "An old <b>text</b>", None)
    made = stored_templates.create(world.conn, ANYBODY, name="welcome", texts=old).template
    stored_templates.new_version(world.conn, ANYBODY, made.id, texts=old._replace(subject="New {{ name }}"))
    text = viewer.text("/templates")
    assert re.search(r"welcome New {{ name }} text only made by the API, version 2 \S* ?name", text)
    assert "made by the API" not in text.split("welcome")[0]
    page = viewer.text("/templates/welcome?v.name=Ann")
    assert "New Ann" in page
    assert re.search(r"Version 2 .*, ann Version 1 ", page)
    first = viewer.text("/templates/welcome?view=source&version=1")
    assert "Old {{ name }}" in first
    assert "New {{ name }}" not in first
    for odd in ("0", "-1", "99", "x", "1e3", "9" * 30):
        assert "New {{ name }}" in viewer.text(f"/templates/welcome?view=source&version={odd}")
    assert "Versions" not in viewer.text("/templates/hello?version=1")
    world.group("customers", 1)
    assert 'value="welcome"' in user.get("/new-task").text
    assert "name" in user.text("/templates/welcome/test")
    stored_templates.delete(world.conn, ANYBODY, "welcome")
    assert viewer.get("/templates/welcome").status_code == 404
    assert "welcome" not in viewer.text("/templates")
