"""Recipient groups in a real browser: uploading with a bar, cancelling, closing the page, and no script at all."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from ses_ops.storage.connection import connect
from tests.console.browser.chromium import axe_violations
from tests.console.console_world import token

LONG = "x" * 300
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> \u202eright-to-left"
NUMBER = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def groups(world):
    """Groups with everything that is awkward to show."""
    world.seed("spring-sale", count=40)
    world.group("empty", 0)
    world.group("partners-" + LONG[:80], 3)
    world.execute("UPDATE recipient_group SET description = %s, variables = %s", HOSTILE, ["name", "city", LONG[:60]])
    world.execute("UPDATE recipient SET values = jsonb_build_object('name', %s, 'city', %s)", HOSTILE, LONG)
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT address_key, address, 'manual' FROM recipient"
        " WHERE position = 2 ON CONFLICT DO NOTHING"
    )
    return world


@pytest.fixture
def file_of(tmp_path):
    def make(rows: int, *, name: str = "customers.csv", bad: str = ""):
        path = tmp_path / name
        with path.open("w") as file:
            file.write("email,name\n" + bad)
            file.writelines(f"person{row}@customers.example,Person {row}\n" for row in range(rows))
        return path

    return make


def count(world) -> int:
    return world.rows("SELECT count(*) FROM recipient")[0][0]


def wait_until(condition, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.1)


def test_the_list_shuts_nobody_out(groups, nothing_shuts_people_out):
    nothing_shuts_people_out("/groups", before=lambda page: page.locator("details.menu summary").first.click())


def test_an_empty_list_shuts_nobody_out(world, nothing_shuts_people_out):
    nothing_shuts_people_out("/groups")


def test_a_group_shuts_nobody_out(groups, nothing_shuts_people_out):
    nothing_shuts_people_out(
        "/groups/customers?line=2", before=lambda page: page.locator("details.edit summary").click()
    )


def test_the_upload_page_shuts_nobody_out(groups, nothing_shuts_people_out):
    nothing_shuts_people_out("/groups/customers/upload")
    nothing_shuts_people_out("/new-group")


def test_the_result_shuts_nobody_out(groups, nothing_shuts_people_out, open_page, file_of):
    bad = "x,A\n" + "".join(f"no-address-{LONG}{row},B\n" for row in range(12))
    page = open_page("/groups/customers/upload")
    page.locator("#file").set_input_files(file_of(5, bad=bad))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("heading", name="Import of customers.csv").wait_for()
    page.wait_for_load_state()
    assert axe_violations(page) == []
    nothing_shuts_people_out("/imports/" + page.url.rpartition("/")[2])


def test_an_import_that_runs_shuts_nobody_out(groups, nothing_shuts_people_out):
    groups.execute(
        "INSERT INTO import_run (id, group_name, file_name, started_by, rows_stored, rows_rejected, bytes_read,"
        " seen_at) VALUES (%s, 'customers', %s, 'ann', 123456, 12, 9000000, now() + interval '1 hour')",
        NUMBER,
        HOSTILE,
    )
    nothing_shuts_people_out(f"/imports/{NUMBER}")


def test_a_group_is_made_by_keyboard_alone_and_the_bar_moves(world, open_page, file_of):
    page = open_page("/new-group")
    page.locator("#name").focus()
    page.keyboard.type("customers")
    page.locator("#file").set_input_files(file_of(150_000, bad="nobody,B\n"))
    page.get_by_role("button", name="Make the group").focus()
    with closing(connect(world.dsn)) as other, other.cursor() as cursor:
        # The import waits to be begun: however quick it is, its bar is seen.
        cursor.execute("LOCK TABLE import_run IN EXCLUSIVE MODE")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Uploading").wait_for()
    page.get_by_role("heading", name="Import of customers.csv").wait_for(timeout=60_000)
    page.wait_for_load_state()
    assert "150,000 in a new group" in page.locator("main").inner_text().replace("\n", " ")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the report").click()
    assert download.value.suggested_filename == "customers-rejected.csv"
    assert count(world) == 150_000


def test_the_page_shows_stored_rows_while_it_uploads_and_cancels(groups, open_page, file_of):
    page = open_page("/groups/customers/upload")
    slow(page)
    page.locator("#file").set_input_files(file_of(200_000))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.locator("#upload-state").get_by_text("rows stored").wait_for()
    assert "MB uploaded" in page.locator("#upload-loaded").inner_text()
    assert 0 < float(page.locator("#upload-bar").get_attribute("value") or 0) < 100
    assert axe_violations(page) == []
    page.get_by_role("button", name="Cancel the upload").click()
    page.get_by_text("Cancelled. The group is as it was before.").wait_for()
    assert page.evaluate("document.getElementById('file').files.length") == 1, "the chosen file is still there"
    assert groups.rows("SELECT state FROM import_run") == [("stopped",)]
    assert groups.rows("SELECT recipient_count FROM recipient_group WHERE name = 'customers'") == [(40,)]


def test_closing_the_page_cancels(groups, open_page, file_of):
    before = count(groups)
    page = open_page("/groups/customers/upload")
    slow(page)
    page.locator("#file").set_input_files(file_of(200_000))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.locator("#upload-state").get_by_text("rows stored").wait_for()
    page.close()
    wait_until(lambda: groups.rows("SELECT state FROM import_run") == [("stopped",)])
    assert count(groups) == before


def test_a_wrong_file_is_explained_beside_the_field_and_nothing_typed_is_lost(world, open_page, file_of):
    page = open_page("/new-group", status=200)
    page.on("console", lambda message: None)
    page.locator("#name").fill("customers")
    page.locator("#description").fill("typed text")
    path = file_of(0, name="wrong.csv", bad="")
    path.write_text("contact,name\nann@b.example,Ann\n")
    page.locator("#file").set_input_files(path)
    page.locator("#delimiter").select_option(",")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Make the group").click()
    page.get_by_text("Write here which one holds the address: contact, name").wait_for()
    expect(page.locator("#address_column")).to_be_focused()
    assert (
        page.locator("#address_column").get_attribute("aria-describedby") == "address_column-hint address_column-error"
    )
    assert page.locator("#description").input_value() == "typed text"
    assert axe_violations(page) == []
    page.locator("#address_column").fill("contact")
    page.get_by_role("button", name="Make the group").click()
    page.get_by_role("heading", name="Import of wrong.csv").wait_for()
    assert world.rows("SELECT name, description FROM recipient_group") == [("customers", "typed text")]


def test_everything_works_without_script(groups, open_page, file_of):
    page = open_page("/groups/customers/upload", java_script_enabled=False)
    page.locator("#file").set_input_files(file_of(2))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("heading", name="Import of customers.csv").wait_for()
    page.get_by_role("link", name="Look at the group").click()
    page.get_by_text("person1@customers.example").wait_for()
    page.goto(page.url.partition("#")[0].replace("/groups/customers", "/groups/empty"))
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the group").click()
    page.get_by_text("empty is deleted.").wait_for()


def test_a_large_wrong_file_is_explained_without_script_too(groups, open_page, file_of):
    """The answer comes long before the last byte: the browser must show it, and not a broken connection."""
    path = file_of(300_000)
    path.write_text("contact" + path.read_text())
    page = open_page("/groups/customers/upload", java_script_enabled=False)
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("Write here which one holds the address: contactemail, name").wait_for(timeout=60_000)


def test_others_are_served_while_a_file_is_imported_and_a_lost_connection_imports_nothing(groups, direct_url, file_of):
    before = count(groups)
    whole = file_of(300_000).read_bytes()
    took, over = [], threading.Event()

    def look() -> None:
        while not over.is_set():
            began = time.perf_counter()
            asked = urllib.request.Request(f"{direct_url}/ses/groups", headers={"Cookie": f"_token={token('viewer')}"})
            urllib.request.urlopen(asked, timeout=60).read()
            took.append(time.perf_counter() - began)

    place = urlsplit(direct_url)
    head = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(
            f"POST /ses/groups/customers/upload HTTP/1.1\r\nHost: {place.netloc}\r\nOrigin: {direct_url}\r\n"
            f"Cookie: _token={token('user')}\r\nContent-Type: multipart/form-data; boundary=xyz\r\n"
            f"Content-Length: {len(head) + 10 * len(whole)}\r\n\r\n".encode()
        )
        other = threading.Thread(target=look)
        other.start()
        half = len(whole) // 2
        connection.sendall(head + whole[:half])
        # However fast the rows go, some looks fall into their import.
        wait_until(lambda: len(took) > 3)
        connection.sendall(whole[half:])
        over.set()
        other.join()
        wait_until(lambda: groups.rows("SELECT max(rows_stored) > 0 FROM import_run") == [(True,)])
    wait_until(lambda: groups.rows("SELECT state FROM import_run") == [("stopped",)])
    assert count(groups) == before
    # That they did not wait for its end was shown above: it could not come before four of them were over.
    assert sorted(took)[len(took) // 2] < 20, took


def slow(page) -> None:
    """As over a slow line."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": 300_000},
    )


def test_a_file_is_shown_as_it_will_be_read_and_its_columns_can_be_named(groups, open_page, tmp_path):
    page = open_page("/new-group")
    page.locator("#name").fill("germans")
    german = tmp_path / "german.csv"
    german.write_bytes("E-Mail;Vor Name;Ort\na@b.example;Jörg;Köln\nb@gmial.com;Käthe;Jüterbog\n".encode("cp1252"))
    page.locator("#file").set_input_files(german)
    page.get_by_role("heading", name="How the file is read").wait_for()
    expect(page.locator("#encoding")).to_have_value("cp1252")
    expect(page.locator("#upload-look")).to_contain_text("Jüterbog")
    name = page.get_by_label("Variable for the column Vor Name")
    expect(name).to_have_value("vor_name")
    assert axe_violations(page) == []
    name.fill("vorname")
    name.blur()
    expect(page.locator("#map")).to_have_value("Vor Name=vorname")
    expect(page.get_by_label("Variable for the column Vor Name")).to_have_value("vorname")
    page.locator("#encoding").fill("cp1251")
    page.locator("#encoding").blur()
    expect(page.locator("#upload-look")).to_contain_text("Kцln")
    page.locator("#encoding").fill("cp1252")
    page.locator("#encoding").blur()
    expect(page.locator("#upload-look")).to_contain_text("Köln")
    assert groups.rows("SELECT count(*) FROM import_run") == [(0,)], "nothing is stored yet"
    page.get_by_role("button", name="Make the group").click()
    page.get_by_role("heading", name="Import of german.csv").wait_for()
    expect(page.locator("main")).to_contain_text("1 address may be mistyped")
    assert axe_violations(page) == []
    assert groups.rows(
        "SELECT r.values FROM recipient r JOIN recipient_group g ON g.id = r.group_id WHERE g.name = 'germans'"
        " ORDER BY position"
    ) == [({"vorname": "Jörg", "Ort": "Köln"},), ({"vorname": "Käthe", "Ort": "Jüterbog"},)]


def test_a_file_that_cannot_be_read_is_said_to_be_one_as_soon_as_it_is_chosen(groups, open_page, tmp_path):
    page = open_page("/groups/customers/upload")
    bad = tmp_path / "bad.csv"
    bad.write_text("email,name,name\n")
    page.locator("#file").set_input_files(bad)
    expect(page.locator("#file-error")).to_contain_text("names name more than once")
    expect(page.locator("#upload-look")).to_be_hidden()
    good = tmp_path / "good.csv"
    good.write_text("email,name\na@b.example,A\n")
    page.locator("#file").set_input_files(good)
    page.get_by_role("heading", name="How the file is read").wait_for()
    expect(page.locator("#file-error")).to_have_count(0)
