"""Names of variables: what a person reads as one name is one, in the file, the template and what was stored before."""

from __future__ import annotations

import json
import quopri

import pytest

from ses_ops.application.group_import import import_group
from ses_ops.errors import TemplateError
from ses_ops.rendering.template import load_template
from ses_ops.storage.audience import recipients

WIDE, DECOMPOSED = "ｎａｍｅ", "pre\u0301nom"


def template(world, html: str, subject: str = "Hello", sample: dict[str, str] | None = None) -> None:
    folder = world.templates / "hello"
    (folder / "subject.txt").write_text(subject, encoding="utf-8")
    (folder / "body.html").write_text(html, encoding="utf-8")
    if sample is not None:
        (folder / "sample.json").write_text(json.dumps(sample), encoding="utf-8")


@pytest.mark.parametrize("column", ["name", WIDE])
@pytest.mark.parametrize(
    "written", ["{{ name }}", "{{ ｎａｍｅ }}", "{% for x in [1] %}{{ ｎａｍｅ | upper | lower }}{% endfor %}"]
)
def test_a_wide_name_is_its_plain_one_in_file_and_template(world, mail_server, column, written):
    template(world, f"<p>Dear {written}{{{{ prénom }}}}, hello.</p>", subject="{{ ｎａｍｅ }}")
    file = f"email,{column},{DECOMPOSED}\na@b.example,ann,zoë\n".encode()
    done = import_group(world.conn, "people", [file], where="f.csv", report=print)
    assert done.variables == ("name", "prénom")
    world.task("sale", group="people")
    assert world.whole_run(world.run("sale")).sent == 1
    content = mail_server.contents["a@b.example"]
    assert b"Subject: ann" in content
    assert "Dear annzoë, hello." in quopri.decodestring(content).decode()


def test_a_group_that_an_older_version_stored_goes_on_working(world, mail_server):
    template(world, "<p>Dear {{ ｎａｍｅ }} {{ pre\u0301nom | default('nobody') }}.</p>")
    world.group("people", 2)
    world.execute("UPDATE recipient_group SET variables = %s", [WIDE, DECOMPOSED])
    world.execute("UPDATE recipient SET values = %s", json.dumps({WIDE: "ann", DECOMPOSED: "zoe"}))
    group = recipients.find_group(world.conn, "people")
    assert group.variables == ("name", "prénom")
    assert recipients.sample(world.conn, group.id)[0][1] == {"name": "ann", "prénom": "zoe"}
    world.conn.rollback()
    world.task("sale", group="people")
    assert world.whole_run(world.run("sale")).sent == 2
    assert all(b"Dear ann zoe." in quopri.decodestring(content) for content in mail_server.contents.values())


def test_sample_values_are_found_in_any_form_and_a_repetition_is_named(world):
    template(world, "{{ name }}", sample={WIDE: "Ann"})
    assert load_template(world.templates, "hello").preview().text.strip() == "Ann"
    template(world, "{{ name }}", sample={WIDE: "Ann", "name": "Ben"})
    with pytest.raises(TemplateError, match="it names 'ｎａｍｅ' and 'name', which are one variable"):
        load_template(world.templates, "hello")


def test_a_wide_name_does_not_open_what_is_closed_to_templates(world):
    for closed in ("{{ ＿x }}", "{{ name.＿＿class__ }}", "{{ name.__ｃlass__ }}"):
        template(world, closed)
        with pytest.raises(TemplateError, match=r"not open to templates|Invalid character in identifier"):
            load_template(world.templates, "hello")


def test_a_value_that_is_no_text_fails_its_own_message_only(world, mail_server):
    world.group("customers", 6)
    for number, value in enumerate(('["x"]', '{"name": ["x"]}', '{"name": {"a": 1}}', '"x"', "null"), 1):
        world.execute('UPDATE recipient SET "values" = %s::jsonb WHERE position = %s', value, number)
    world.task("hello", group="customers")
    settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.failed) == (1, 5)
    assert mail_server.total == 1
    world.check_ledger()
