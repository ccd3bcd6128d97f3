"""What a person does at a Japanese console, by the words of its catalog."""

from __future__ import annotations

from ses_ops.console.language import language
from tests.acceptance.console_person import Person

WORDS = language("ja")
_ = WORDS.gettext


def a_task_from_its_form_to_its_end(reader: Person, *, sender: str) -> None:
    """Made, paused, resumed and cancelled before it has sent anything."""
    reader.go_to(_("New send task"))
    reader.choose(template="newsletter", group="customers")
    reader.frame.locator("label[for=type-scheduled]").click()
    reader.fill(sender=sender, name="hanami", start_at="2099-04-01T09:00", time_zone="Asia/Tokyo")
    reader.click(_("Check and preview"))
    reader.sees("2099年4月1日")
    reader.click(_("Create the task"))
    reader.sees(_("The send task %(name)s is created.", name="hanami"))
    reader.click(_("Pause"))
    reader.sees(_("%(name)s is paused.", name="hanami"))
    reader.sees(_("paused by %(who)s", who="admin"))
    reader.click(_("Resume"))
    reader.sees(_("%(name)s goes on.", name="hanami"))
    reader.click(_("Cancel"))
    reader.answers(_("Cancel the task"))
    reader.sees(_("Cancelled. What had not left is never sent."))


def an_address_gets_no_mail(reader: Person) -> None:
    """Put on the suppression list by hand."""
    reader.go_to(_("Suppression"))
    reader.click(_("Add addresses"), "link")
    reader.fill(addresses="hanako@shoppers.example", note="電話で依頼")
    reader.click(_("Add"))
    reader.sees(WORDS.ngettext("%(num)s address gets no mail.", "%(num)s addresses get no mail.", 1))
    reader.sees("hanako@shoppers.example")
