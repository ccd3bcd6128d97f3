"""Empty cells and texts that say no: what a template makes of them, and what a person is told before a mailing."""

from __future__ import annotations

import quopri

import pytest

from ses_ops.application.group_import import import_group
from ses_ops.rendering.template import load_template
from ses_ops.rendering.value_uses import value_uses
from ses_ops.storage.audience import recipients

FILE = b"email,name,vip\nann@b.example,Ann,true\nben@b.example,,false\ncid@b.example,Cid,\n"


@pytest.fixture
def write(world):
    def written(body: str, subject: str = "Hello") -> None:
        (world.templates / "hello" / "subject.txt").write_text(subject, encoding="utf-8")
        (world.templates / "hello" / "body.html").write_text(body, encoding="utf-8")

    return written


def put(world, data: bytes = FILE, **options):
    return import_group(world.conn, "people", [data], where="f.csv", report=print, **options)


def bodies(world, mail_server) -> dict[str, str]:
    world.task("sale", group="people")
    assert world.whole_run(world.run("sale")).sent == 3
    world.check_ledger()
    return {to[:3]: quopri.decodestring(content).decode() for to, content in mail_server.contents.items()}


@pytest.mark.parametrize(
    "hello",
    [
        "{{ name | default('there') }}",
        "{% if name is defined %}{{ name }}{% else %}there{% endif %}",
        "{{ name | d('there') | upper | lower | title }}",
    ],
)
def test_in_a_group_whose_empty_cells_are_missing_default_fills_them_in(world, mail_server, write, hello):
    write(f"<p>Hi {hello}, {{{{ vip }}}}!</p>")
    put(world, empty_is_missing=True)
    found = bodies(world, mail_server)
    assert "Hi Ann, true!" in found["ann"]
    assert "Hi there, false!" in found["ben"].replace("There", "there")
    assert "Hi Cid, !" in found["cid"], "without default() a missing value is an empty text, as before"


def test_the_usual_short_templates_read_a_missing_value_as_an_empty_text(world, mail_server, write):
    write("<p>Hi {{ name | upper }}{% if name %}!{% else %}?{% endif %} {{ vip | urlencode }}.</p>", "{{ name }} x")
    put(world, empty_is_missing=True)
    found = bodies(world, mail_server)
    assert "Hi ANN! true." in found["ann"]
    assert "Hi ? false." in found["ben"]


def test_in_any_other_group_an_empty_cell_is_an_empty_text(world, mail_server, write):
    write("<p>Hi {{ name | default('there') }}, {{ vip }}!</p>")
    put(world)
    assert "Hi , false!" in bodies(world, mail_server)["ben"]


def test_the_choice_stays_with_the_group_until_another_one_is_made(world):
    put(world, empty_is_missing=True)
    put(world)
    group = recipients.find_group(world.conn, "people")
    assert group.empty_is_missing
    assert world.rows("SELECT values FROM recipient WHERE position = 3") == [({"vip": "false", "name": None},)]
    assert recipients.sample(world.conn, group.id, limit=3)[1] == ("ben@b.example", {"name": "", "vip": "false"})
    world.conn.rollback()
    put(world, empty_is_missing=False)
    assert not recipients.find_group(world.conn, "people").empty_is_missing
    assert world.rows("SELECT values FROM recipient WHERE position = 3") == [({"vip": "false", "name": ""},)]


def test_the_command_line_warns_of_defaults_and_questions_that_are_not_what_they_seem(world, ses, write, tmp_path):
    file, task = tmp_path / "people.csv", tmp_path / "sale.yaml"
    file.write_bytes(FILE)
    write("{{ name | default('there') }} {% if vip and not name %}VIP{% endif %}")
    task.write_text("name: sale\ntype: triggered\ntemplate: hello\nsender: a@mail.example.com\ngroup: people\n")
    assert ses("group", "import", "people", str(file)).code == 0
    told = ses("task", "apply", str(task)).err
    assert "default() does nothing for an empty cell, and group 'people' has some in name" in told
    assert "texts such as false, no or 0 in vip; write {% if vip == 'true' %}" in told
    again = ses("group", "import", "people", str(file), "--empty-is-missing").err
    assert "default()" not in again
    assert "send task 'sale': every text but an empty one is true" in again
    assert ses("group", "show", "people", "--json").json["empty_is_missing"] is True
    write("{{ name | default('there', true) }} {% if vip == 'true' %}VIP{% endif %}")
    assert ses("group", "import", "people", str(file), "--empty-is-text").err == ""
    assert "send task" not in ses("task", "apply", str(task)).err


def test_uses_are_found_in_the_subject_in_included_files_and_within_expressions(world, write):
    (world.templates / "_layout").mkdir()
    (world.templates / "_layout" / "foot.html").write_text("{{ city | default('x') }}{{ 'a' if plan else 'b' }}")
    write("{% include '_layout/foot.html' %}{% if not (vip or name == 'x') %}1{% endif %}", "{{ name | d('you') }}")
    template = load_template(world.templates, "hello")
    uses = value_uses(template)
    assert (uses.defaulted, uses.tested) == ({"city", "name"}, {"plan", "vip"})
    uses = value_uses(
        template, subject="{% if name %}x{% endif %}", unsubscribe_url="https://x.example/{{ id | default('0') }}"
    )
    assert (uses.defaulted, uses.tested) == ({"city", "id"}, {"name", "plan", "vip"})
