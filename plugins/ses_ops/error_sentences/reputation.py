"""Why the reputation of a sender domain was raised or lowered, and why its mail is blocked."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "reputation_alarm": (
        "{count:,} of {total:,} messages of {domain} failed on our own side or at the server; look at the login, "
        "the relay, DNS and DKIM"
    ),
    "reputation_blocked_invalid": (
        "nothing more leaves on this day: {percent} % of its mail ({count:,} of {total:,}) went to addresses that "
        "do not exist, and more than {threshold} % blocks the domain"
    ),
    "reputation_blocked_spam": (
        "nothing more leaves on this day: {percent} % of its mail ({count:,} of {total:,}) was refused as spam, and"
        " more than {threshold} % blocks the domain"
    ),
    "reputation_lowered_complaint": (
        "level {level}, {quota:,} messages a day: {percent} % of the mail ({count:,} of {total:,}) was reported as "
        "spam by its recipients, and more than {threshold} % lowers the level"
    ),
    "reputation_lowered_invalid": (
        "level {level}, {quota:,} messages a day: {percent} % of the mail ({count:,} of {total:,}) went to "
        "addresses that do not exist, and more than {threshold} % lowers the level"
    ),
    "reputation_lowered_spam": (
        "level {level}, {quota:,} messages a day: {percent} % of the mail ({count:,} of {total:,}) was refused as "
        "spam, and more than {threshold} % lowers the level"
    ),
    "reputation_lowered_undelivered": (
        "level {level}, {quota:,} messages a day: only {percent} % of the mail ({count:,} of {total:,}) was "
        "delivered, and less than {threshold} % lowers the level"
    ),
    "reputation_much_deferred": (
        "the level is not raised while so much mail is deferred: {deferred:,} of {total:,} messages of this day"
    ),
    "reputation_raised_1": (
        "level {level}, {quota:,} messages a day: {attempted:,} of {before:,} messages were tried, nearly all were "
        "delivered, and few addresses were wrong, few mails refused as spam, few recipients complained"
    ),
    "reputation_raised_2": (
        "level {level}, {quota:,} messages a day: {attempted:,} of {before:,} messages were tried, most were "
        "delivered, few recipients complained, and more than half of the people opened the mail"
    ),
    "reputation_started": "the reputation begins at level {level}, {quota:,} messages a day",
    "reputation_unmeasured": (
        "the level is not raised, because no feed of events would tell of bounces and complaints of {domain}"
    ),
}
