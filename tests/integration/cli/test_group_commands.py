"""`ses group`, `ses template` and `ses suppression` as a person uses them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

from tests.unit.audience.test_workbook_rows import workbook


def write(tmp_path, text, name="customers.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_an_import_says_what_it_did_and_where_the_rejected_rows_are(ses, tmp_path):
    file = write(tmp_path, "email,name\na@b.example,A\nnobody,B\nA@b.example,C\n")
    done = ses("group", "import", "customers", file)
    assert done.code == 0, done.err
    assert "customers: 1 recipients with name (new)" in done.out
    report = tmp_path / "customers.csv.rejected.csv"
    assert f"2 rows were left out (bad address 1, duplicate address 1): {report}" in done.out
    with report.open(newline="", encoding="utf-8-sig") as rows:
        assert list(csv.reader(rows)) == [
            ["email", "name", "ses_reason"],
            ["nobody", "B", "line 3: 'nobody' has no @"],
            ["A@b.example", "C", "line 4: the same address stands on line 2"],
        ]
    write(tmp_path, "email,name\na@b.example,A\n")
    assert ses("group", "import", "customers", file, "--json").json["report"] is None
    assert not report.exists()


def test_a_corrected_report_is_added_to_the_group_and_never_overwrites_itself(ses, tmp_path):
    file = write(tmp_path, "email,name\na@b.example,A\nnobody,=B\n")
    assert ses("group", "import", "customers", file).code == 0
    report = tmp_path / "customers.csv.rejected.csv"
    report.write_text(report.read_text().replace("nobody", "n@b.example") + "A@b.example,X,\n")
    same = ses("group", "import", "customers", report, "--append", "--report", report)
    assert "the report would overwrite the file" in same.err
    done = ses("group", "import", "customers", report, "--append")
    assert "customers: 2 recipients with name (1 added)" in done.out
    assert "1 rows were left out (duplicate address 1)" in done.out
    exported = ses("group", "export", "customers").out
    assert exported.splitlines() == ["\ufeffaddress,name,ses_suppressed", "a@b.example,A,", "n@b.example,'=B,"]
    other = ses("group", "import", "customers", write(tmp_path, "email,town\nx@y.example,Z\n"), "--append")
    assert "has other columns than the group: it lacks name and has town besides" in other.err
    assert len(ses("group", "show", "customers", "--json").json["recipients"]) == 2


def test_a_column_can_be_named_and_the_result_says_how_the_file_was_read(ses, tmp_path):
    file = write(tmp_path, "email,First Name\nann@gmial.com,Ann\n")
    done = ses("group", "import", "customers", file)
    assert "with first_name (new); read as ascii" in done.out
    assert "column 'First Name' is the variable first_name; --map chooses another name" in done.out
    assert "line 2: ann@gmial.com was taken; is gmail.com meant?" in done.err
    named = ses("group", "import", "customers", file, "--map", "First Name=vorname", "--json").json
    assert (named["variables"], named["renamed"]) == (["vorname"], {"First Name": "vorname"})
    assert named["doubtful"] == [{"line": 2, "address": "ann@gmial.com", "meant": "gmail.com"}]
    assert "has no column 'x'" in ses("group", "import", "customers", file, "--map", "x=y").err


def test_check_shows_how_a_file_would_be_read_and_stores_nothing(ses, tmp_path):
    file = write(tmp_path, "")
    file.write_bytes("email;Vor Name\na@b.example;Jörg\nb@b.example;Frauke Müßig\n".encode("cp1252"))
    shown = ses("group", "import", "customers", file, "--check")
    assert shown.code == 0, shown.err
    assert "encoding: cp1252 (likely; name it with --encoding if the rows below are right)" in shown.out
    assert "column 'Vor Name' is the variable vor_name" in shown.out
    assert "Frauke Müßig" in shown.out
    facts = ses("group", "import", "customers", file, "--check", "--encoding", "cp1252", "--json").json
    assert (facts["encoding"], facts["sure"], facts["delimiter"]) == ("cp1252", True, ";")
    assert facts["columns"] == {"email": "email", "Vor Name": "vor_name"}
    assert ses("group", "list", "--json").json == []


def test_a_workbook_is_imported_with_its_sheet(ses, tmp_path):
    file = tmp_path / "people.xlsx"
    file.write_bytes(
        workbook(
            ["email", "plz"],
            ["a@b.example", 1067],
            change=lambda book: book.create_sheet("more").append(["email"]),
        )
    )
    assert "customers: 1 recipients with plz (new); read as xlsx" in ses("group", "import", "customers", file).out
    assert "has a header and no rows" in ses("group", "import", "customers", file, "--sheet", "more").err


def test_a_file_that_is_not_ours_is_never_removed(ses, tmp_path):
    file = write(tmp_path, "email,name\na@b.example,A\n")
    other = write(tmp_path, "my notes", "customers.csv.rejected.csv")
    assert ses("group", "import", "customers", file).code == 0
    assert other.read_text() == "my notes"


def test_a_refused_import_is_one_line_and_changes_nothing(ses, tmp_path):
    done = ses("group", "import", "customers", write(tmp_path, "email;name\na@b.example;A\n"), "--delimiter", ",")
    assert done.code == 1
    assert "ses: error: " in done.err
    assert "add --delimiter ';'" in done.err
    assert "Traceback" not in done.err
    assert ses("group", "list", "--json").json == []
    assert ses("group", "import", "customers", "missing.csv").err.count("No such file") == 1


def test_delimiter_and_encoding_are_found_out_or_asked_for_and_never_guessed_in_silence(ses, tmp_path):
    text = "sep=;\nemail;name\na@b.example;Jürgen Groß\nb@b.example;Käthe\n"
    assert ses("group", "import", "customers", write(tmp_path, text)).code == 0
    file = write(tmp_path, "")
    with open(file, "wb") as target:
        target.write(text.encode("cp1252"))
    refused = ses("group", "import", "germans", file)
    assert refused.code == 1
    assert "(line 3, byte 0xFC); as cp1252 that line reads 'a@b.example;Jürgen Groß'" in refused.err
    assert "--encoding cp1252" in refused.err
    assert [row["name"] for row in ses("group", "list", "--json").json] == ["customers"]
    assert ses("group", "import", "germans", file, "--encoding", "cp1252").code == 0
    names = [one["values"]["name"] for one in ses("group", "show", "germans", "--json").json["recipients"]]
    assert names == ["Jürgen Groß", "Käthe"]
    assert "'klingon' is not an encoding" in ses("group", "import", "germans", file, "--encoding", "klingon").err
    addresses = write(tmp_path, "sep=|\nemail|note\nz@b.example|=C3\n")
    assert ses("suppression", "import", addresses, "--encoding", "utf-8").code == 0


def test_list_show_sample_and_delete(ses, world):
    world.group("customers", 3)
    (group,) = ses("group", "list", "--json").json
    assert (group["name"], group["recipient_count"], group["variables"]) == ("customers", 3, ["name"])
    assert "customers" in ses("group", "list").out
    shown = ses("group", "show", "customers", "--limit", 1, "--json").json
    assert shown["recipients"] == [{"address": "customers-1@customers.example", "values": {"name": "Person 1"}}]
    assert "Person 3" in ses("group", "show", "customers").out
    assert ses("group", "sample-csv", "customers").out.startswith("address,name\nann@example.com,")
    assert ses("group", "sample-csv", "--template", "hello").out.startswith("address,name\n")
    assert ses("group", "sample-csv").code == 2
    assert ses("group", "delete", "customers").code == 0
    gone = ses("group", "show", "customers")
    assert gone.code == 1
    assert gone.err.startswith("ses: error: there is no recipient group named 'customers'")


def test_an_import_names_the_tasks_whose_template_no_longer_fits(ses, world, tmp_path):
    world.group("customers", 3)
    world.task("sale", group="customers")
    done = ses("group", "import", "customers", write(tmp_path, "email,city\na@b.example,Oslo\n"))
    assert done.code == 0
    assert "ses: warning: send task 'sale' cannot send to this group any more" in done.err


def test_templates_are_listed_checked_and_previewed(ses, world, tmp_path):
    world.group("customers", 3)
    (hello,) = ses("template", "list", "--json").json
    assert (hello["name"], hello["variables"], hello["error"]) == ("hello", ["name"], None)
    assert ses("template", "check").code == 0
    assert ses("template", "preview", "hello", "--values", '{"name": "Ann"}').out.startswith("Subject: Hello Ann\n")
    html = tmp_path / "mail.html"
    of = ("--group", "customers", "--address", "customers-2@customers.example")
    assert "Dear Person 2" in ses("template", "preview", "hello", *of, "--html", html).out
    assert "<p>Dear Person 2" in html.read_text()
    assert "no value" in ses("template", "preview", "hello").err or "name" in ses("template", "preview", "hello").err
    (world.templates / "hello" / "body.html").write_text("\n{{ unsubscribe_url }}{{ name }}")
    warned = ses("template", "check")
    assert warned.code == 0
    assert (
        "ok    hello\nwarn  template 'hello': it shows {{ unsubscribe_url }} (line 2 of hello/body.html)" in warned.out
    )
    assert len(ses("template", "check", "--json").json[0]["warnings"]) == 1
    (world.templates / "hello" / "body.html").write_text("{% if %}")
    broken = ses("template", "check")
    assert (broken.code, broken.out.startswith("FAIL  template 'hello'")) == (1, True)
    assert ses("template", "preview", "nix").code == 1
    assert ses("template", "preview", "hello", "--values", "{").err.startswith("ses: error: --values: is not JSON")


def test_suppression_add_list_import_remove(ses, tmp_path):
    assert "gets no mail" in ses("suppression", "add", "Ann@B.example", "--note", "by phone").out
    assert "on the list already" in ses("suppression", "add", "ann@b.example").out
    file = write(
        tmp_path,
        "email,reason,expires\nben@b.example,unsubscribe,\nx,,\ncid@b.example,,2199-01-01\ndan@b.example,whim,\n"
        "eve@b.example,,2001-01-01\n",
    )
    done = ses("suppression", "import", file)
    assert done.code == 0, done.err
    assert "2 addresses read: 2 added" in done.out
    assert "3 rows were left out" in done.out
    rows = {row["address"]: row for row in ses("suppression", "list", "--json").json}
    assert rows.keys() == {"Ann@b.example", "ben@b.example", "cid@b.example"}
    assert rows["cid@b.example"]["expires_at"] == "2199-01-01T00:00:00Z"
    assert len(ses("suppression", "list", "--search", "BEN", "--json").json) == 1
    assert ses("suppression", "remove", "ANN@b.example").code == 0
    assert ses("suppression", "remove", "ann@b.example").code == 1
    assert "has passed" in ses("suppression", "add", "a@b.example", "--expires", "2001-01-01").err
    assert (
        "does not end"
        in ses("suppression", "add", "a@b.example", "--expires", "2199-01-01", "--reason", "complaint").err
    )


def test_usage_errors_end_with_2_and_help_with_0(ses):
    assert ses("group", "import").code == 2
    assert ses("nonsense").code == 2
    wrong = ses("group", "list", "--nonsense")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    for command in ((), ("group",), ("group", "import"), ("task",), ("task", "apply"), ("quota", "show"), ("doctor",)):
        shown = ses(*command, "--help")
        assert shown.code == 0
        assert "Usage: ses" in shown.out


def test_a_database_that_is_away_is_one_readable_line(ses, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@127.0.0.1:1/ses")
    gone = ses("task", "list")
    assert (gone.code, gone.err.count("\n")) == (1, 1)
    assert gone.err.startswith("ses: error: cannot connect to the ses database")
    monkeypatch.delenv("AIRFLOW_CONN_SES_DB")
    assert "Start `make run`" in ses("task", "list").err


def test_a_database_without_the_schema_says_what_to_run(ses, postgres, monkeypatch):
    name = postgres.new_database()
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", postgres.dsn(name))
    assert "run `ses migrate`" in ses("task", "list").err
    assert "schema none ->" in ses("migrate").out
    assert "nothing to do" in ses("migrate").out
    assert ses("task", "list").code == 0


def test_the_command_line_starts_without_what_a_command_does_not_need():
    heavy = {"airflow", "rich", "sqlalchemy", "psycopg2", "jinja2", "pendulum"}
    code = f"import sys; from ses_ops.cli.main import run; run(['--help']); assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_task_list_starts_without_what_only_unusual_tasks_need(ses_dsn):
    """Each of these takes a tenth of the 0.3 s that `ses task list` may take as a whole."""
    heavy = {"airflow", "rich", "sqlalchemy", "alembic", "jinja2", "croniter", "email_validator"}
    code = f"import sys; from ses_ops.cli.main import run; run(['task', 'list']); assert not {heavy} & set(sys.modules)"
    environment = {**os.environ, "AIRFLOW_CONN_SES_DB": ses_dsn}
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=environment)
