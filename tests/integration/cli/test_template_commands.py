"""`ses template`: templates of the folder and of the database beside each other."""

from __future__ import annotations


def test_a_template_of_the_database_is_written_shown_used_and_deleted(world, ses, tmp_path):
    html, text = tmp_path / "a.html", tmp_path / "a.txt"
    html.write_text("<p>Dear {{ name }}</p>")
    text.write_text("\ufeffDear {{ name }}\n")
    made = ses("template", "write", "welcome", "--subject", "Hi {{ name }}", "--html", str(html), "--json").json
    assert (made["name"], made["version"], made["changed"]) == ("welcome", 1, True)
    assert ses("template", "write", "welcome", "--subject", "Hi {{ name }}", "--html", str(html)).out == (
        "welcome: version 1, as it was\n"
    )
    assert ses("template", "write", "welcome", "--text", str(text)).out == "welcome: version 2\n"
    assert [(one["name"], one["version"]) for one in ses("template", "list", "--json").json] == [
        ("hello", None),
        ("welcome", 2),
    ]
    shown = ses("template", "versions", "welcome", "--json").json
    assert [(one["version"], one["subject"], one["text"]) for one in shown] == [
        (2, None, "Dear {{ name }}\n"),
        (1, "Hi {{ name }}", None),
    ]
    assert "html" in ses("template", "versions", "welcome").out
    assert ses("template", "preview", "welcome", "--values", '{"name": "Ann"}', "--json").json["text"] == "Dear Ann"
    assert ses("template", "check").code == 0
    assert "name" in ses("group", "sample-csv", "--template", "welcome").out
    world.group("customers", 1)
    world.task("mailing", group="customers", template="welcome", subject="Hi")
    refused = ses("template", "delete", "welcome")
    assert (refused.code, "is used by mailing" in refused.err) == (1, True)
    world.execute("UPDATE send_task SET cancelled_at = now()")
    assert ses("template", "delete", "welcome").out == "deleted welcome\n"
    assert [one["name"] for one in ses("template", "list", "--json").json] == ["hello"]


def test_what_cannot_be_a_template_is_refused_in_one_line(ses, tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xff")
    for arguments, says in (
        (("write", "hello", "--text", str(file)), "not UTF-8"),
        (("write", "x y", "--subject", "a"), "lower-case letters"),
        (("write", "x", "--subject", "a"), "a template needs text or html"),
        (("delete", "nothing"), "there is no template named 'nothing'"),
        (("versions", "nothing"), "there is no template named 'nothing'"),
    ):
        answer = ses("template", *arguments)
        assert answer.code == 1
        assert says in answer.err, answer.err
        assert answer.err.count("\n") == 1


def test_templates_of_the_folder_need_no_database(world, ses, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@127.0.0.1:1/nothing")
    answer = ses("template", "list")
    assert "hello" in answer.out
    assert "templates of the database are not shown" in answer.err
    assert ses("template", "preview", "hello", "--values", '{"name": "Ann"}').code == 0
