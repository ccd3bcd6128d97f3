"""The suppression list in a real browser."""

from __future__ import annotations

import pytest

LONG = "a-very-long-local-part-that-does-not-break-anywhere-at-all-00000@" + "long-" * 20 + "x.example"


@pytest.fixture
def full(world):
    """Every reason, an end that is over, names from right to left, and words that do not break."""
    rows = (
        ("ann@example.com", "unsubscribe", "", None, ""),
        ("ben@example.com", "manual", "by phone", "2099-01-01", "carol"),
        ("old@example.com", "manual", "", "2020-01-01", "carol"),
        ("gone@example.com", "hard_bounce", "550 5.1.1 User unknown", None, ""),
        (LONG, "complaint", "هذا نص من اليمين إلى اليسار <script>alert(1)</script>" + "x" * 120, None, "w" * 90),
    )
    for address, reason, note, ends, by in rows:
        world.execute(
            "INSERT INTO suppression (address_key, address, reason, note, expires_at, added_by)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            *(address, address, reason, note, ends, by),
        )
    return world


@pytest.mark.parametrize(
    "path",
    ["/suppression", "/suppression/add", "/suppression/import", "/suppression/remove?address=ann@example.com"],
)
def test_nothing_shuts_people_out(path, full, nothing_shuts_people_out):
    nothing_shuts_people_out(path)


def test_an_empty_list_shuts_nobody_out(world, nothing_shuts_people_out):
    nothing_shuts_people_out("/suppression?size=50")


def test_a_form_with_errors_shuts_nobody_out(world, nothing_shuts_people_out):
    def send(page):
        page.locator("#addresses").fill("ann(at)example.com")
        page.locator("#expires").fill("2001-01-01")
        page.locator("#addresses").press("Tab")
        page.locator("main .button.primary").click()
        page.locator("#addresses-error").wait_for()
        assert page.locator("#addresses").input_value() == "ann(at)example.com"

    nothing_shuts_people_out("/suppression/add", before=send)


def test_an_address_is_added_and_removed_by_keyboard_alone(world, open_page):
    page = open_page("/suppression")
    page.get_by_role("link", name="Add addresses").focus()
    page.keyboard.press("Enter")
    page.locator("#addresses").focus()
    page.keyboard.type("ann@example.com\nben@example.com")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.type("by letter")
    page.keyboard.press("Enter")
    page.get_by_text("2 addresses get no mail.").wait_for()
    page.get_by_role("link", name="Remove ann@example.com").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Remove ann@example.com from the suppression list?").wait_for()
    page.locator("#why").focus()
    page.keyboard.type("asked again")
    page.keyboard.press("Enter")
    page.get_by_text("ann@example.com gets mail again.").wait_for()
    page.get_by_role("link", name="Remove ben@example.com").wait_for()


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_imported_and_exported(script, world, open_page):
    page = open_page("/suppression/import", java_script_enabled=script)
    content = "address,note\nann@example.com,=1+1\nno address,\n"
    page.locator("#file").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": content.encode()})
    page.get_by_role("button", name="Import").click()
    page.get_by_text("1 row was left out.").wait_for()
    page.get_by_text("has no @").wait_for()
    page.get_by_role("link", name="To the suppression list").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert "ann@example.com,manual,'=1+1" in download.value.path().read_text("utf-8-sig")


def test_erasing_a_person_shuts_nobody_out(world, nothing_shuts_people_out):
    world.group("customers", 2)

    def look_up(page):
        page.locator("#address").fill("customers-1@customers.example")
        page.locator("#address").press("Enter")
        page.locator("section.card .button.danger").wait_for()

    nothing_shuts_people_out("/suppression/erase", before=look_up)
