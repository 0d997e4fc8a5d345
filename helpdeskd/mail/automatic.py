"""Is this mail a person's own words? RFC 3834, and what programs really send."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from helpdeskd.mail import awaywords
from helpdeskd.mail.headers import Headers
from helpdeskd.model.mail import Address, Kind, Part

LOOP_HEADER = "X-Helpdeskd-Loop"
MAIL_HEADER = "X-Helpdeskd-Mail"  # names one mail of ours to those alone who have had it, as its Message-ID does not
OWN_ADDRESS = "From is one of our addresses"
_LOOP_KEY = LOOP_HEADER.lower()
_WORD_END = re.compile(r"[;,(\s]")


@dataclass(frozen=True, slots=True)
class Signs:
    """What the rules look at."""

    headers: Headers
    sender: str | None  # envelope: "" is the null path, None is unknown
    author: Address | None
    instance: str
    is_own: Callable[[str], bool]
    content_type: str = "text/plain"
    report_type: str = ""
    files: frozenset[str] = (
        frozenset()
    )  # the media types of what the mail carries; those of a calendar with their method


Rule = Callable[[Signs], str]


def is_mail_of_ours(data: bytes, instance: str) -> bool:
    """Is this file a mail that we sent, or does it hold one? Also as the UTF-16 of a saved .msg."""
    mark = f"{LOOP_HEADER}: {instance}"
    return bool(instance) and (mark.encode() in data or mark.encode("utf-16-le") in data)


def _first_word(signs: Signs, key: str) -> str:
    """The value up to a parameter or comment: `auto-replied; owner-token=..` (RFC 3834 section 5)."""
    if key not in signs.headers:
        return ""
    return _WORD_END.split(signs.headers.text(key).lower().strip(' "'), maxsplit=1)[0].strip('"')


def _is(name: str, *values: str) -> Rule:
    key = name.lower()

    def rule(signs: Signs) -> str:
        word = _first_word(signs, key)
        return f"{name}: {word}" if word in values else ""

    return rule


def _is_not(name: str, *values: str) -> Rule:
    key = name.lower()

    def rule(signs: Signs) -> str:
        word = _first_word(signs, key)
        return f"{name}: {word}"[:100] if word and word not in values else ""

    return rule


def _has_word(name: str, *words: str) -> Rule:
    """A comma-separated list that names one of `words`."""
    key = name.lower()

    def rule(signs: Signs) -> str:
        if key not in signs.headers:
            return ""
        found = {word.strip() for value in signs.headers.all(key) for word in value.lower().split(",")}
        return next((f"{name}: {word}" for word in words if word in found), "")

    return rule


# Some programs write these headers into every mail, and say no.
_NO = frozenset({"no", "none", "false", "off", "0", ""})
_ANSWERING = frozenset(
    """
    x-autoreply x-auto-reply x-autoreply-from x-auto-reply-from x-autoreply-message x-autoreply-domain x-mail-autoreply
    x-mail-auto-reply x-autorespond x-auto-respond x-autoresponder x-auto-responder x-mail-autoresponder x-mdaemon-autoresponder
    x-vacation x-vacation-message x-out-of-office x-outofoffice x-out-of-office-reply x-autoanswer x-auto-answer
    """.split()  # noqa: SIM905  # a list of many words reads better so
)


def _answering(signs: Signs) -> str:
    """One of the headers of programs that answer for somebody."""
    for key in sorted(_ANSWERING.intersection(signs.headers.names())):
        word = _first_word(signs, key)
        if word not in _NO:
            return f"{key}: {word}"[:100]
    return ""


def _has(*names: str) -> Rule:
    keys = {name.lower(): name for name in names}

    def rule(signs: Signs) -> str:
        return next((name for key, name in keys.items() if key in signs.headers), "")

    return rule


def _contains(name: str, text: str) -> Rule:
    key = name.lower()

    def rule(signs: Signs) -> str:
        return f"{name}: {text}" if key in signs.headers and text in signs.headers.text(key).lower() else ""

    return rule


def _our_loop_marker(signs: Signs) -> str:
    values = signs.headers.all(_LOOP_KEY) if _LOOP_KEY in signs.headers else ()
    return LOOP_HEADER if signs.instance and signs.instance in values else ""


def _our_address(signs: Signs) -> str:
    return OWN_ADDRESS if signs.author and signs.is_own(signs.author.email) else ""


def _report(*types: str) -> Rule:
    def rule(signs: Signs) -> str:
        if signs.content_type != "multipart/report":
            return ""
        return f"multipart/report; {signs.report_type}".rstrip("; ") if signs.report_type in types else ""

    return rule


def _other_report(signs: Signs) -> str:
    return f"multipart/report; {signs.report_type}"[:100] if signs.content_type == "multipart/report" else ""


def _carries(*types: str) -> Rule:
    def rule(signs: Signs) -> str:
        return next((one for one in types if one in signs.files), "")

    return rule


def _complaint_with_mail(signs: Signs) -> str:
    """Outlook.com's: no report, but the mail itself under a fixed name."""
    named = signs.headers.text("subject").lower().startswith("complaint about message from ")
    return "Subject: complaint about message" if named and "message/rfc822" in signs.files else ""


# Second signs, beside what a subject says: that it answers something ...
_REPLIES = ("in-reply-to", "references", "x-ms-exchange-inbox-rules-loop")
# ... or that a machine wrote it. None of these is enough alone: Exchange writes them on the mails of people, too.
_PASSED = ("x-auto-response-suppress", "x-ms-exchange-generated-message-source", "x-autorespond-for")


def _away(signs: Signs) -> str:
    """Words that only programs begin a subject with, in what answers something; or words that people begin it with, too ("On
    holiday we lost ..."), where a second sign is a machine's."""
    found = awaywords.found(signs.headers.text("subject")[:200]) if "subject" in signs.headers else None
    if found is None:
        return ""
    word, sure = found
    keys = (*_PASSED, *_REPLIES) if sure else _PASSED
    second = next((key for key in keys if key in signs.headers), "") or _null_sender(signs) or _machines_word(signs)
    return f"Subject: {word}; {second}" if second else ""


def _machines_word(signs: Signs) -> str:
    word = _first_word(signs, "auto-submitted")
    return f"Auto-Submitted: {word}"[:100] if word not in {"no", ""} else ""


# --- lists --------------------------------------------------------------------------------------------------------

_LISTED = (
    (
        "List-Id",
        "List-Post",
        "List-Unsubscribe",
        "List-Help",
        "List-Subscribe",
        "List-Owner",
        "List-Archive",
    ),  # RFC 2369, 2919
    ("List-Unsubscribe-Post", "Mailing-List", "X-Mailing-List", "X-List-Id", "X-BeenThere", "X-Mailman-Version"),
    ("X-Google-Group-Id", "X-Listserver", "X-Campaign-Id", "X-CampaignID"),
)
# Programs that people write with, and that say so. One that sends in bulk has another name.
_WRITTEN_WITH = re.compile(
    r"(?:microsoft (?:office )?outlook|microsoft-macoutlook|apple mail|(?:iphone|ipad) mail|mozilla/.*thunderbird|mozilla thunderbird|"
    r"roundcube|squirrelmail|horde|internet messaging program|kmail|evolution|mutt|neomutt|claws mail|the bat!|sogo|zimbra|"
    r"open-xchange|groupwise|lotus notes|airmail|em client|k-9 mail|rainloop|snappymail|webmail)",
    re.IGNORECASE,
)


def _bulk(signs: Signs) -> str:
    """`Precedence`: gateways write it on the mails of people, too, who send them from their own address with a program of theirs."""
    word = _first_word(signs, "precedence")
    if word not in {"list", "bulk"}:
        return ""
    if word == "bulk" and signs.author:
        written = any(
            _WRITTEN_WITH.match(signs.headers.text(key)) for key in ("x-mailer", "user-agent") if key in signs.headers
        )
        sender = signs.headers.text("return-path") if signs.sender is None else signs.sender
        if written and sender[:320].strip("<> ").lower() == signs.author.email.lower():
            return ""
    return f"Precedence: {word}"


_DAEMONS = re.compile(r"[<\"'\s]*(mailer[-_ ]?daemon|postmaster|mail delivery (?:sub)?system)\b", re.IGNORECASE)


def _from_daemon(signs: Signs) -> str:
    """RFC 3834 section 2 names these; MAILER-DAEMON often stands without a domain."""
    if signs.author:
        local = signs.author.email.partition("@")[0].lower()
        return f"From: {local}" if local in {"mailer-daemon", "mailerdaemon", "postmaster"} else ""
    match = _DAEMONS.match(signs.headers.text("from").lower())
    return f"From: {match.group(1)}" if match else ""


def _null_sender(signs: Signs) -> str:
    """RFC 5321 section 4.5.5: nobody to answer. Doors without an envelope show it in Return-Path."""
    if signs.sender is not None:
        return "envelope sender <>" if not signs.sender.strip("<> ") else ""
    if "return-path" in signs.headers and not signs.headers.text("return-path").strip("<> "):
        return "Return-Path: <>"
    return ""


# The first that answers decides; what it answers is the reason people see.
RULES: tuple[tuple[Kind, Rule], ...] = (
    (Kind.OWN, _our_loop_marker),
    (Kind.OWN, _our_address),
    # Bounces before all else that marks them: a delivery report is more than an automatic mail.
    (Kind.BOUNCE, _report("delivery-status", "")),
    (Kind.BOUNCE, _from_daemon),
    (Kind.BOUNCE, _has("X-Failed-Recipients")),
    (Kind.RECEIPT, _report("disposition-notification")),
    (Kind.COMPLAINT, _report("feedback-report")),
    (Kind.AUTO_GENERATED, _other_report),
    # Some lose the type of the whole on the way, or never gave one.
    (Kind.RECEIPT, _carries("message/disposition-notification")),
    (Kind.COMPLAINT, _carries("message/feedback-report")),
    (Kind.COMPLAINT, _complaint_with_mail),
    (Kind.COMPLAINT, _has("X-HmXmrOriginalRecipient")),
    (
        Kind.MEETING,
        _carries(*(f"text/calendar; method={method}" for method in ("reply", "counter", "declinecounter"))),
    ),
    (
        Kind.CHALLENGE,
        _has(
            "X-TMDA-Confirm-Pending",
            "X-Boxtrapper",
            "X-ASK-Auth",
            "X-Spamarrest-Noauth",
            "X-Choicemail-Registration-Request",
        ),
    ),
    (Kind.AUTO_REPLY, _is("Auto-Submitted", "auto-replied")),  # RFC 3834 section 5
    (Kind.AUTO_REPLY, _answering),
    (Kind.AUTO_REPLY, _is("X-Autogenerated", "reply")),
    (Kind.AUTO_REPLY, _is("Precedence", "auto_reply", "auto-reply", "autoreply")),
    (Kind.AUTO_REPLY, _is("X-Precedence", "auto_reply", "auto-reply", "autoreply")),
    (Kind.AUTO_REPLY, _is("Preference", "auto_reply")),
    (Kind.AUTO_REPLY, _contains("X-POST-MessageClass", "autoresponder")),
    (Kind.AUTO_REPLY, _is("Delivered-To", "autoresponder")),
    (Kind.AUTO_REPLY, _away),
    *((Kind.LIST, _has(*names)) for names in _LISTED),
    (Kind.LIST, _bulk),
    (Kind.AUTO_GENERATED, _is_not("Auto-Submitted", "no")),
    (Kind.AUTO_GENERATED, _is("Precedence", "junk")),
    (Kind.AUTO_GENERATED, _has_word("X-Auto-Response-Suppress", "all", "oof", "autoreply")),  # MS-OXCMAIL 2.1.3.2.20
    (Kind.AUTO_GENERATED, _is("X-FC-MachineGenerated", "true")),
    (Kind.AUTO_GENERATED, _has("X-Cron-Env")),
    (Kind.NULL_PATH, _null_sender),
)


# Names under which programs send, beside those above. A word of its own: `smtp_service`, never `smtphelp`.
_DAEMON_LOCAL = re.compile(
    r"(?:mail(?:er)?[-_.]?daemon|mdaemon|post[-_.]?master|mail[-_.]?delivery(?:[-_.]?(?:sub)?system)?|mail[-_.]?system)$|"
    r"(?:.*[-_.])?(?:smtp|mta|imss)(?:[-_.]|$)",
    re.IGNORECASE,
)


def _daemon_by_name(signs: Signs) -> str:
    local = signs.author.email.partition("@")[0] if signs.author else ""
    if _DAEMON_LOCAL.match(local):
        return f"From: {local}"
    match = _DAEMONS.match(signs.headers.text("from"))
    return f"From: {match[1]}" if match else ""


def _daemon_by_envelope(signs: Signs) -> str:
    sender = signs.headers.text("return-path") if signs.sender is None else signs.sender
    local = sender[:320].strip("<> ").partition("@")[0]
    return f"envelope sender {local}" if _DAEMON_LOCAL.match(local) else ""


def _nobody(signs: Signs) -> str:
    return "" if signs.author else "From: nobody"


def _is_status(signs: Signs) -> str:
    return signs.content_type if signs.content_type == "message/delivery-status" else ""


# That a machine wrote a mail which RULES take for a person's. Not enough to call it anything: one of these must stand
# beside words that read like a report, or it is the mail of somebody who writes about their mail.
_MACHINES: tuple[Rule, ...] = (
    _null_sender,
    _is_not("Auto-Submitted", "no"),
    _daemon_by_name,
    _daemon_by_envelope,
    _nobody,
    _is_status,
    # of Exchange, Amazon's notices, fml
    _has(
        "X-Failed-Recipient",
        "X-MS-Embedded-Report",
        "X-MS-Exchange-Message-Is-Ndr",
        "X-Amz-Sns-Message-Id",
        "X-MLServer",
    ),
)
# Lists pass on what people write, and people answer invitations.
_OF_PEOPLE = frozenset({Kind.PERSONAL, Kind.LIST, Kind.MEETING})


def is_of_machine(signs: Signs, kind: Kind) -> bool:
    """Does a header show that a machine wrote it? `kind` is what `classify` says."""
    return kind not in _OF_PEOPLE or any(rule(signs) for rule in _MACHINES)


def is_proven(signs: Signs) -> bool:
    """Is this a bounce by what every server that keeps to the standards sends: the null return path, or a multipart/report?"""
    return signs.content_type == "multipart/report" or bool(_null_sender(signs))


_UNATTENDED = re.compile(
    r"(?:.*[-_.+])?(?:(?:no|dont|donot|do[-_.]not|never)[-_.]?(?:re)?(?:ply|answer)|noreply\w*|unattended|bounces?|(?:auto)?notifications?)(?:[-_.+].*)?",
    re.IGNORECASE,
)


def is_unattended(email: str) -> bool:
    """Does an address say by its name that nobody reads what is sent there: no-reply@, a daemon's?"""
    local = email.rpartition("@")[0][:64]
    return bool(_UNATTENDED.fullmatch(local) or _DAEMON_LOCAL.match(local))


_METHOD = re.compile(rb"^METHOD[ \t]*:[ \t]*([A-Za-z]{1,20})", re.MULTILINE | re.IGNORECASE)
_HEAD = 4096  # bytes of a calendar in which its method stands


def types_of(parts: Iterable[Part]) -> frozenset[str]:
    """The media types of the files, as Signs want them."""
    found = set()
    for part in parts:
        method = _METHOD.search(part.data[:_HEAD]) if part.content_type == "text/calendar" else None
        found.add(f"{part.content_type}; method={method[1].decode().lower()}" if method else part.content_type)
    return frozenset(found)


def classify(signs: Signs) -> tuple[Kind, str]:
    """(kind, the header or rule that said so); (PERSONAL, "") where no rule speaks."""
    for kind, rule in RULES:
        why = rule(signs)
        if why:
            return kind, why
    return Kind.PERSONAL, ""
