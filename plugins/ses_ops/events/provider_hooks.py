"""The hooks of all providers, and those that are set up here: by SES_HOOK_... in the public listener's environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ses_ops.events.amazon_ses import AmazonSes
from ses_ops.events.custom import Custom
from ses_ops.events.hook import Hook
from ses_ops.events.mailgun import Mailgun
from ses_ops.events.postmark import Postmark
from ses_ops.events.sendgrid import SendGrid
from ses_ops.events.tencent_ses import TencentSes

HOOKS: tuple[type[Hook], ...] = (AmazonSes, TencentSes, SendGrid, Mailgun, Postmark, Custom)


def hooks_set_up(environment: Mapping[str, str] | None = None) -> dict[str, Hook]:
    """The hooks that have a setting, by source. Raises InvalidInput for a setting that cannot be right."""
    given = os.environ if environment is None else environment
    values = {one: given.get(one.setting, "").strip() for one in HOOKS}
    return {one.source: one.from_setting(value) for one, value in values.items() if value}
