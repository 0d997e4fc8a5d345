"""Kinds of mail by what a file is called: the names are their authors', the table below says in our words what they mean."""

from __future__ import annotations

from fnmatch import fnmatch

from helpdeskd.model.mail import Kind
from tests.corpora import MAILS
from tests.corpora.bounces import OTHERWISE, Measure, read

MACHINE = frozenset(Kind) - {Kind.PERSONAL, Kind.OWN}
# Folder, name of the file, and the kinds it may have.
TABLE = (
    ("discourse", "*bounce*", {Kind.BOUNCE}),
    ("discourse", "auto_generated*", MACHINE),
    ("discourse", "mailinglist*", {Kind.LIST}),
    ("discourse", "*_reply.eml", {Kind.PERSONAL}),
    ("discourse", "inline_*", {Kind.PERSONAL}),
    ("discourse", "forwarded_*", {Kind.PERSONAL}),
    ("discourse", "previous_replies*", {Kind.PERSONAL}),
    ("discourse", "attached_*", {Kind.PERSONAL}),
    ("chatwoot", "auto_reply*", MACHINE),
    ("chatwoot", "bounced*", {Kind.BOUNCE}),
    ("chatwoot", "reply*", {Kind.PERSONAL}),
    ("chatwoot", "support*", {Kind.PERSONAL}),
    ("chatwoot", "mail_with*", {Kind.PERSONAL}),
    ("rt", "multipart-report", {Kind.BOUNCE}),
    ("rt", "new-ticket*", {Kind.PERSONAL}),
    ("rt", "*-signed*", {Kind.PERSONAL}),
    ("mimekit", "bounce.txt", {Kind.BOUNCE}),
    ("mimekit", "delivery-status*.txt", {Kind.BOUNCE}),
    ("mimekit", "feedback-report.txt", {Kind.COMPLAINT}),
    ("mimekit", "disposition-notification*.txt", {Kind.RECEIPT}),
    ("ruby-mail", "*bounce*.eml", {Kind.BOUNCE}),
    ("flufl.bounce", "*_[0-9][0-9].txt", {Kind.BOUNCE}),
    ("sisimai/maildir/bsd", "arf-*.eml", {Kind.COMPLAINT, Kind.AUTO_REPLY}),
    ("sisimai/maildir/bsd", "rfc3834-*.eml", MACHINE),
)


def kinds() -> list[Measure]:
    measure = Measure("kinds by file name", 95)
    for folder, shape, allowed in TABLE:
        for path in sorted((MAILS / folder).rglob("*")):
            # A list passes mails on: it may be both.
            if (
                path.is_file()
                and path.name not in OTHERWISE
                and fnmatch(path.name, shape)
                and not ("mailinglist" in path.name and shape == "*_reply.eml")
            ):
                mail = read(path)
                wanted = "a machine's" if allowed is MACHINE else " or ".join(sorted(allowed))
                measure.count(
                    mail.kind in allowed, f"{folder}/{path.name}: {mail.kind} ({mail.kind_why}), not {wanted}"
                )
    return [measure]


def main() -> None:
    for measure in kinds():
        print(measure)
        for what in measure.wrong:
            print(f"    {what}")
