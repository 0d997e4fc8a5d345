"""How mail programs mark quotes and signatures in HTML: tables for mail.html, all in lower case."""

from __future__ import annotations

# Classes of the box in which a quote stands: Gmail, Yahoo, Proton, Tutanota, Zoho, mail.ru, Front, Infomaniak, Freshdesk, Missive.
QUOTE_BOXES = (
    "gmail_quote",
    "gmail_quote_container",
    "yahoo_quoted",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "mailru-quote",
    "front-blockquote",
    "tmail-quote",
    "ik_mail_quote",
    "freshdesk_quote",
    "missive_quote",
)
# The name of that box: Spark.
QUOTE_NAMES = frozenset({"messagereplysection"})
# What Zimbra calls its parts, in an attribute of its own.
MARKER = "data-marker"
QUOTE_MARKERS = frozenset({"__quoted_text__", "__headers__"})
# Classes and ids of an element behind which nothing but the quote stands: Thunderbird, Outlook (old, new, on telephones, on the
# Mac), Hotmail, Zimbra, GMX (who answer in its box, which has no mark of its own for what is quoted).
QUOTE_POINTS = frozenset({"moz-cite-prefix", "outlookmessageheader", "ms-outlook-mobile-reference-message"})
QUOTE_IDS = frozenset(
    {
        "divrplyfwdmsg",
        "appendonsend",
        "mail-editor-reference-message-container",
        "ms-outlook-mobile-body-separator-line",
        "olk_src_body_section",
        "stopspelling",
        "zwchr",
        "_mailoriginal",
        "reply-intro",
        "lgemailheader",
        "_originalcontent",
        "orimsghtmlseperator",
        "quote",
    }
)
# The line that Outlook draws above the headers of what it quotes: all of these in one style.
OUTLOOK_LINE = ("border:none", "border-top:solid", "padding:3.0pt0")
SIGNATURE_BOXES = frozenset(
    {
        "gmail_signature",
        "moz-signature",
        "ms-outlook-mobile-signature",
        "protonmail_signature_block",
        "tutanota_signature",
        "elementtoproof-signature",
        "bloop_sign",
        "mb_sig",
    }
)
# Ids and names: Outlook, Apple, Samsung, Zoho, Roundcube, Spark.
SIGNATURE_IDS = frozenset(
    {
        "signature",
        "ms-outlook-mobile-signature",
        "applemailsignature",
        "x_signature",
        "composer_signature",
        "zm-_id_-sgn",
        "_rc_sig",
        "messagesignaturesection",
    }
)
