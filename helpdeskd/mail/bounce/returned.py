"""Where a report in plain text ends, and the mail that it returns begins."""

from __future__ import annotations

import re

# What stands in nobody's prose: one of these, and two headers more, is the head of a returned mail.
_TRACE = frozenset({
    "received", "x-received", "return-path", "message-id", "dkim-signature", "delivered-to", "mime-version", "domainkey-signature",
    "x-originating-ip", "x-mailer", "arc-seal", "x-google-dkim-signature", "envelope-to", "received-spf", "in-reply-to",
})  # fmt: skip
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}):(?:[ \t]|$)")
_WORDS = (
    r"(?:original|old|unsent|returned|undelivered|source|failed|rejected|your)\s+(?:e-?mail |mail )?(?:message|mail|e-?mail|header)|"
    r"copy of (?:the|your)|message (?:headers?|text)|header of the|headers? (?:of|from) |"
    r"ursprüngliche (?:nachricht|mail)|originalnachricht|message d'origine|mensaje original|mensagem original|messaggio originale"
)
# Either with a rule of some sort beside it, or saying that it follows.
_RULED = re.compile(rf"[\s|>]*[-=*_#+~]{{2,}}[\s|]*(?:this is |here is |included is |enclosed is |below this line is )?"
                    rf"(?:an? |the )?(?:{_WORDS})", re.IGNORECASE)  # fmt: skip
_SAID = re.compile(rf"\s*(?:here |below |included |enclosed |this )?(?:is |are |follows )?(?:an? |the )?(?:{_WORDS})"
                   r"[^\n]{0,60}(?:follows?|below|line|:|headers?)[\s.:-]*$", re.IGNORECASE)  # fmt: skip
_NOT = re.compile(
    r"received at|was (?:received|not|undeliver)|(?:could|can) ?not|undelivered to|to:|failed", re.IGNORECASE
)
_MAX_LINES = 5000


def split(text: str) -> tuple[str, str]:
    """What the report itself says, and what follows it. One pass; a mail that begins with a returned one is all report."""
    lines = text.split("\n", _MAX_LINES)
    start = 0
    names: set[str] = set()
    for number, line in enumerate(lines):
        if _RULED.match(line) or _SAID.match(line):
            if not _NOT.search(line) and number:
                return "\n".join(lines[:number]), "\n".join(lines[number + 1 :])
            names.clear()
            continue
        field = _FIELD.match(line)
        if field is None:
            if not (names and line[:1] in {" ", "\t"}):
                names.clear()
            continue
        if not names:
            start = number
        names.add(field[1].lower())
        if len(names) >= 3 and not names.isdisjoint(_TRACE):
            said = "\n".join(lines[:start])
            return (said, "\n".join(lines[start:])) if said.strip() else (text, text)
    return text, ""


def fields(text: str) -> dict[str, list[str]]:
    """The headers of the first mail in `text`, by lower-case name, unfolded."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n", _MAX_LINES):
        field = _FIELD.match(line)
        if field is not None:
            name = field[1].lower()
            found.setdefault(name, []).append(line[field.end() :].strip())
        elif name and line[:1] in {" ", "\t"} and line.strip():
            found[name][-1] = f"{found[name][-1]} {line.strip()}"[:4000]
        elif name and not line.strip() and not found.keys().isdisjoint(_TRACE):
            break
    return found
