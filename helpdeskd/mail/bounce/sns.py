"""Notices of Amazon SES as SNS mails them: a JSON object in the text, often with the notice as a string inside."""

from __future__ import annotations

import json
from typing import Any

from helpdeskd.mail.report import MAX_FATES
from helpdeskd.model.mail import Delivery, Fate, Kind

_MAX = 64 * 1024


def read(text: str) -> tuple[Kind, list[Fate], list[str]] | None:
    """The kind of a notice, its recipients, and the Message-ID of the mail it is about: both empty where it tells of something
    else than a loss. None where the text is no notice."""
    said = _parsed(text[:_MAX].strip().replace("\n ", "").replace("\n", ""))
    if isinstance(inner := said.get("Message"), str):
        said = _parsed(inner)
    if "notificationType" not in said:
        return None
    if said["notificationType"] != "Bounce":
        return Kind.COMPLAINT if said["notificationType"] == "Complaint" else Kind.AUTO_GENERATED, [], []
    bounce, mail = _object(said, "bounce"), _object(said, "mail")
    # Their word for what may pass is "Transient".
    delivery = Delivery.DELAYED if bounce.get("bounceType") == "Transient" else Delivery.FAILED
    fates = [_fate(one, delivery) for one in _objects(bounce, "bouncedRecipients")]
    names = [one for one in _objects(mail, "headers") if str(one.get("name")).lower() == "message-id"]
    return Kind.BOUNCE, fates, [str(one.get("value")) for one in names[:1]]


def _parsed(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        said, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _object(said: dict[str, Any], key: str) -> dict[str, Any]:
    found = said.get(key)
    return found if isinstance(found, dict) else {}


def _objects(said: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = said.get(key)
    return [one for one in (found if isinstance(found, list) else [])[:MAX_FATES] if isinstance(one, dict)]


def _fate(one: dict[str, Any], delivery: Delivery) -> Fate:
    def text(key: str) -> str:
        return " ".join(str(one.get(key) or "").split())[:500]

    return Fate(delivery, text("emailAddress"), "", text("status"), text("diagnosticCode").removeprefix("smtp; "), "")
