"""The labels of the domain's states and kinds on pages: `_(STATUS[task.status])`."""

from __future__ import annotations

from ses_ops.console.language import N_
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.schedule import Every, Schedule, TaskType
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage

STATUS: dict[TaskStatus, str] = {
    TaskStatus.WAITING: N_("waiting"),
    TaskStatus.SENDING: N_("sending"),
    TaskStatus.PAUSED: N_("paused"),
    TaskStatus.RETRYING: N_("retrying"),
    TaskStatus.ERROR: N_("error"),
    TaskStatus.FINISHED: N_("finished"),
    TaskStatus.CANCELLED: N_("cancelled"),
}
TYPE: dict[TaskType, str] = {
    TaskType.IMMEDIATE: N_("immediate"),
    TaskType.SCHEDULED: N_("scheduled"),
    TaskType.RECURRING: N_("recurring"),
    TaskType.TRIGGERED: N_("triggered"),
    TaskType.TEST: N_("test"),
    TaskType.API: N_("API"),
}
MESSAGE: dict[MessageStatus, str] = {
    MessageStatus.SENT: N_("sent"),
    MessageStatus.FAILED: N_("failed"),
    MessageStatus.SUPPRESSED: N_("suppressed"),
    MessageStatus.UNKNOWN: N_("in doubt"),
    MessageStatus.CANCELLED: N_("cancelled"),
    MessageStatus.CACHED: N_("cached"),
    MessageStatus.RETRYING: N_("retrying"),
    MessageStatus.QUEUED: N_("waiting for its turn"),
    MessageStatus.SENDING: N_("on its way"),
}
#: Languages of the unsubscribe page by their own names, which no page translates.
LANGUAGE: dict[str, str] = {
    UnsubscribeLanguage.CHINESE_SIMPLIFIED: "简体中文",
    UnsubscribeLanguage.ENGLISH: "English",
    UnsubscribeLanguage.CHINESE_TRADITIONAL: "繁體中文",
    UnsubscribeLanguage.SPANISH: "Español",
    UnsubscribeLanguage.FRENCH: "Français",
    UnsubscribeLanguage.GERMAN: "Deutsch",
    UnsubscribeLanguage.JAPANESE: "日本語",
    UnsubscribeLanguage.KOREAN: "한국어",
    UnsubscribeLanguage.ARABIC: "العربية",
    UnsubscribeLanguage.THAI: "ไทย",
    UnsubscribeLanguage.INDONESIAN: "Bahasa Indonesia",
    UnsubscribeLanguage.VIETNAMESE: "Tiếng Việt",
}
#: Labels of recurrences once and several times, with `count`; a page shows the zone behind the label.
_EVERY = {"h": (N_("every hour"), N_("every %(count)s hours")), "d": (N_("every day"), N_("every %(count)s days"))}
CRON = N_("cron %(cron)s")


def rhythm(schedule: Schedule) -> tuple[str, dict[str, object]] | None:
    """The recurrence of a task, as a message and its values; None for tasks that do not recur."""
    if schedule.cron:
        return CRON, {"cron": schedule.cron}
    if not isinstance(schedule.every, Every):
        return None
    once, often = _EVERY[schedule.every.unit]
    return (once, {}) if schedule.every.count == 1 else (often, {"count": schedule.every.count})
