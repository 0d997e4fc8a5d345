"""The tables, by noun. Import from here: `from helpdeskd.store.schema import ticket`."""

from helpdeskd.store.schema.accounts import api_key, login, login_failure, recovery_code, session
from helpdeskd.store.schema.assets import asset, asset_log, asset_person, asset_ticket, asset_word
from helpdeskd.store.schema.base import metadata
from helpdeskd.store.schema.companies import company, company_domain, division
from helpdeskd.store.schema.fields import custom_field, custom_field_department, custom_option, custom_value
from helpdeskd.store.schema.knowledge import article, article_tag, canned_response, topic
from helpdeskd.store.schema.mail import arrival
from helpdeskd.store.schema.outbox import attempt, ceiling, outbox
from helpdeskd.store.schema.people import (
    address,
    department,
    department_guest,
    mute,
    person,
    person_token,
    profile,
    section,
    setting,
    staff_department,
    unreached,
)
from helpdeskd.store.schema.search import search
from helpdeskd.store.schema.tickets import (
    attachment,
    counter,
    history,
    message,
    message_ref,
    participant,
    tag,
    ticket,
    ticket_link,
    ticket_tag,
    time_entry,
)

__all__ = [
    "address",
    "api_key",
    "arrival",
    "article",
    "article_tag",
    "asset",
    "asset_log",
    "asset_person",
    "asset_ticket",
    "asset_word",
    "attachment",
    "attempt",
    "canned_response",
    "ceiling",
    "company",
    "company_domain",
    "counter",
    "custom_field",
    "custom_field_department",
    "custom_option",
    "custom_value",
    "department",
    "department_guest",
    "division",
    "history",
    "login",
    "login_failure",
    "message",
    "message_ref",
    "metadata",
    "mute",
    "outbox",
    "participant",
    "person",
    "person_token",
    "profile",
    "recovery_code",
    "search",
    "section",
    "session",
    "setting",
    "staff_department",
    "tag",
    "ticket",
    "ticket_link",
    "ticket_tag",
    "time_entry",
    "topic",
    "unreached",
]
