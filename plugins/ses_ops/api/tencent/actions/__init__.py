"""The actions of version 2020-10-02 by name: what carries each out, and the scopes of which a key needs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.actions import (
    batches,
    black_lists,
    custom_black_lists,
    identities,
    receiver_details,
    receivers,
    reports,
    senders,
    status,
    templates,
    unsubscribe_configs,
)
from ses_ops.api.tencent.call import ASKS_OF_OWN_MAIL, MANAGES, READS, SENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ses_ops.api.tencent.call import Call
    from ses_ops.domain.api_key import Scope

VERSION = "2020-10-02"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionThere:
    """An action: its name, and what carries it out in a thread; None: SendEmail, which waits for no thread."""

    name: str
    scopes: frozenset[Scope]
    run: Callable[[Call], dict[str, Any]] | None


def find(name: str, version: str) -> ActionThere:
    """The action of a name. Raises ActionError."""
    if version != VERSION:
        raise ActionError("NoSuchVersion", f"The version `{version[:40]}` is invalid: this is version {VERSION}.")
    found = ACTIONS.get(name)
    if found is None:
        raise ActionError("InvalidAction", f"The request action=`{name[:60]}` is invalid or not found.")
    return found


_RUN: dict[str, tuple[frozenset[Scope], Callable[[Call], dict[str, Any]] | None]] = {
    "SendEmail": (SENDS, None),
    "BatchSendEmail": (SENDS, batches.batch_send_email),
    "GetSendEmailStatus": (ASKS_OF_OWN_MAIL, status.get_send_email_status),
    "ListSendTasks": (ASKS_OF_OWN_MAIL, batches.list_send_tasks),
    "CreateReceiver": (MANAGES, receivers.create_receiver),
    "ListReceivers": (READS, receivers.list_receivers),
    "DeleteReceiver": (MANAGES, receivers.delete_receiver),
    "CreateReceiverDetail": (MANAGES, receiver_details.create_receiver_detail),
    "CreateReceiverDetailWithData": (MANAGES, receiver_details.create_receiver_detail_with_data),
    "ListReceiverDetails": (READS, receiver_details.list_receiver_details),
    "CreateEmailTemplate": (MANAGES, templates.create_email_template),
    "GetEmailTemplate": (READS, templates.get_email_template),
    "ListEmailTemplates": (READS, templates.list_email_templates),
    "UpdateEmailTemplate": (MANAGES, templates.update_email_template),
    "DeleteEmailTemplate": (MANAGES, templates.delete_email_template),
    "CreateEmailIdentity": (MANAGES, identities.create_email_identity),
    "GetEmailIdentity": (READS, identities.get_email_identity),
    "ListEmailIdentities": (READS, identities.list_email_identities),
    "UpdateEmailIdentity": (MANAGES, identities.update_email_identity),
    "DeleteEmailIdentity": (MANAGES, identities.delete_email_identity),
    "CreateEmailAddress": (MANAGES, senders.create_email_address),
    "ListEmailAddress": (READS, senders.list_email_address),
    "DeleteEmailAddress": (MANAGES, senders.delete_email_address),
    "UpdateEmailSmtpPassWord": (MANAGES, senders.update_email_smtp_password),
    "GetStatisticsReport": (READS, reports.get_statistics_report),
    "GetAbuseReport": (READS, reports.get_abuse_report),
    "ListBlackEmailAddress": (READS, black_lists.list_black_email_address),
    "DeleteBlackList": (MANAGES, black_lists.delete_black_list),
    "CreateCustomBlacklist": (MANAGES, custom_black_lists.create_custom_blacklist),
    "ListCustomBlacklist": (READS, custom_black_lists.list_custom_blacklist),
    "UpdateCustomBlackList": (MANAGES, custom_black_lists.update_custom_black_list),
    "DeleteCustomBlackList": (MANAGES, custom_black_lists.delete_custom_black_list),
    "CreateAddressUnsubscribeConfig": (MANAGES, unsubscribe_configs.create_address_unsubscribe_config),
    "UpdateAddressUnsubscribeConfig": (MANAGES, unsubscribe_configs.update_address_unsubscribe_config),
    "ListAddressUnsubscribeConfig": (READS, unsubscribe_configs.list_address_unsubscribe_config),
    "DeleteAddressUnsubscribeConfig": (MANAGES, unsubscribe_configs.delete_address_unsubscribe_config),
}
ACTIONS = {name: ActionThere(name=name, scopes=scopes, run=run) for name, (scopes, run) in _RUN.items()}
