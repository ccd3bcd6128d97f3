"""The languages of the unsubscribe page and of the footer that links to it."""

from __future__ import annotations

from enum import StrEnum


class UnsubscribeLanguage(StrEnum):
    """The value of a task's field `unsubscribe`: no link, or one of the reference's languages (BCP 47)."""

    NONE = "none"
    CHINESE_SIMPLIFIED = "zh-CN"
    ENGLISH = "en"
    CHINESE_TRADITIONAL = "zh-TW"
    SPANISH = "es"
    FRENCH = "fr"
    GERMAN = "de"
    JAPANESE = "ja"
    KOREAN = "ko"
    ARABIC = "ar"
    THAI = "th"
    INDONESIAN = "id"
    VIETNAMESE = "vi"


def stored_unsubscribe(text: str) -> UnsubscribeLanguage:
    """The value as stored, perhaps written by hand. Never fails: an unknown value is NONE."""
    return UnsubscribeLanguage(text) if text in set(UnsubscribeLanguage) else UnsubscribeLanguage.NONE


#: The reference's codes 0 to 12 are the places in this list.
LANGUAGES = tuple(UnsubscribeLanguage)
