"""Notices of Amazon SES as SNS mails them: a JSON object in the text."""

from __future__ import annotations

import json
from typing import Any

from helpdeskd.model.mail import Delivery, Fate

_MAX = 64 * 1024
_MAX_RECIPIENTS = 1000


def fates(text: str) -> list[Fate] | None:
    """The recipients of a notice; empty for one that tells of something else (a complaint), None where the text is none."""
    text = text.lstrip()[:_MAX]
    if not text.startswith("{") or '"notificationType"' not in text:
        return None
    try:
        said, _ = json.JSONDecoder().raw_decode(text.replace("\n ", "").replace("\n", ""))
    except (ValueError, RecursionError):
        return None
    bounce = _object(said, "bounce")
    if said.get("notificationType") != "Bounce":
        return []
    # Their word for what may pass is "Transient".
    delivery = Delivery.DELAYED if bounce.get("bounceType") == "Transient" else Delivery.FAILED
    listed = bounce.get("bouncedRecipients")
    return [
        _fate(one, delivery)
        for one in (listed if isinstance(listed, list) else [])[:_MAX_RECIPIENTS]
        if isinstance(one, dict)
    ]


def _object(said: Any, key: str) -> dict[str, Any]:
    found = said.get(key) if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}


def _fate(one: dict[str, Any], delivery: Delivery) -> Fate:
    def text(key: str) -> str:
        return " ".join(str(one.get(key) or "").split())[:500]

    words = text("diagnosticCode")
    return Fate(delivery, text("emailAddress"), "", text("status"), words.removeprefix("smtp; "), "")
