"""Texts of a person's decisions about the reputation of a sender domain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ses_ops.console.language import N_


class Act(StrEnum):
    """The decisions on the page, in the order of its list."""

    PIN = "pin"
    UNPIN = "unpin"
    CAP = "cap"
    UNCAP = "uncap"
    BLOCK_TODAY = "block_today"
    BLOCK = "block"
    RELEASE = "release"
    GIVE_UP = "give_up"
    RESET = "reset"

    @property
    def takes_level(self) -> bool:
        return self in (Act.PIN, Act.CAP)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActTexts:
    """Message ids with the values `domain`, `level`, `quota` (messages a day of that level)."""

    label: str
    #: One sentence beside the choice, and the answer to the question.
    consequence: str
    question: str
    action: str
    done: str


TEXTS: dict[Act, ActTexts] = {
    Act.PIN: ActTexts(
        label=N_("Pin the level"),
        consequence=N_("The level holds whatever the figures say, until somebody unpins it."),
        question=N_("Pin %(domain)s at level %(level)s, %(quota)s messages a day?"),
        action=N_("Pin the level"),
        done=N_("%(domain)s is pinned at level %(level)s."),
    ),
    Act.UNPIN: ActTexts(
        label=N_("Unpin the level"),
        consequence=N_("The figures raise and lower the level again, from where it is."),
        question=N_("Let the figures of %(domain)s lead its level again?"),
        action=N_("Unpin the level"),
        done=N_("The figures of %(domain)s lead its level again."),
    ),
    Act.CAP: ActTexts(
        label=N_("Set the highest level"),
        consequence=N_("The level rises no further than that. A level above it comes down to it at once."),
        question=N_("Let %(domain)s rise no higher than level %(level)s, %(quota)s messages a day?"),
        action=N_("Set the highest level"),
        done=N_("%(domain)s rises no higher than level %(level)s."),
    ),
    Act.UNCAP: ActTexts(
        label=N_("Take the highest level away"),
        consequence=N_("The level may rise as far as the plan allows."),
        question=N_("Let %(domain)s rise as far as its plan allows?"),
        action=N_("Take the highest level away"),
        done=N_("%(domain)s may rise as far as its plan allows."),
    ),
    Act.BLOCK_TODAY: ActTexts(
        label=N_("Block until the quota day ends"),
        consequence=N_("Nothing more leaves today. Its mail waits in the cache; nothing is lost."),
        question=N_("Block %(domain)s until its quota day ends?"),
        action=N_("Block the domain"),
        done=N_("%(domain)s is blocked until its quota day ends."),
    ),
    Act.BLOCK: ActTexts(
        label=N_("Block until somebody releases it"),
        consequence=N_("Nothing leaves from now on. Its mail waits in the cache; nothing is lost."),
        question=N_("Block %(domain)s until somebody releases it?"),
        action=N_("Block the domain"),
        done=N_("%(domain)s is blocked until somebody releases it."),
    ),
    Act.RELEASE: ActTexts(
        label=N_("Release the domain"),
        consequence=N_("The block ends now, and the mail that waits for it leaves as the quota allows."),
        question=N_("Release %(domain)s and its waiting mail?"),
        action=N_("Release the domain"),
        done=N_("%(domain)s is released."),
    ),
    Act.GIVE_UP: ActTexts(
        label=N_("Give up the waiting mail"),
        consequence=N_("The mail that waits for the block is cancelled and never leaves. The block stays."),
        question=N_("Give up the mail of %(domain)s that waits for the block?"),
        action=N_("Give up the mail"),
        done=N_("The waiting mail of %(domain)s is given up."),
    ),
    Act.RESET: ActTexts(
        label=N_("Reset the reputation"),
        consequence=N_(
            "The level goes back to the first one of the plan, a block ends, and earlier days count no more. "
            "What was decided stays on record."
        ),
        question=N_("Reset the reputation of %(domain)s?"),
        action=N_("Reset the reputation"),
        done=N_("The reputation of %(domain)s begins anew."),
    ),
}
