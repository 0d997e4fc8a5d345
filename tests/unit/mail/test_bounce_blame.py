"""Does a refusal at RCPT blame the address? What it says about us, about now, or in words that nobody knows, does not.

Made up after the manner of many programs; the first two tables were written down before what they test was mended.
"""

from __future__ import annotations

import pytest

from helpdeskd.mail.bounce.blame import blames
from helpdeskd.mail.bounce.judge import blames_address, judge
from helpdeskd.model.mail import Delivery, Fate, Reason, Severity

BLAMED = (
    "550 5.1.1 <carol@customer.example>: Recipient address rejected: User unknown in local recipient table",
    "550 5.1.1 <carol@customer.example>... User unknown",
    "550 No such user here",
    "550 5.1.1 The email account that you tried to reach does not exist",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient carol@customer.example not found by SMTP address lookup",
    "550 5.1.2 <carol@customer.example>: Recipient address rejected: Domain not found",
    "550 5.4.4 Unable to route: no mail hosts for domain customer.example, domain not found",
    "550 unrouteable address",
    "550 Unknown local part carol in <carol@customer.example>",
    "511 5.1.1 sorry, no mailbox here by that name",
    "550 Invalid recipient <carol@customer.example>",
    "550 5.1.1 carol@customer.example is not a valid mailbox",
    "553 5.3.0 carol@customer.example: unknown user account",
    "550 5.1.6 carol has moved to carol@new.example",
    "551 User not local; please try <carol@new.example>",
    "556 5.1.10 customer.example does not accept mail (null MX)",
    "550 Domain customer.example does not accept mail",
    "550 5.1.1 Mailbox does not exist",
    "550 Requested action not taken: mailbox not found",
    "550 5.1.0 Address rejected: user unknown",
    "550 5.1.1 Empfänger unbekannt",
    "550 Diese E-Mail-Adresse existiert nicht",
    "550 5.1.1 Adresse inconnue",
    "550 El usuario no existe",
    "550 5.1.1 Адресат не существует",
    "550 5.1.3 Bad destination mailbox address syntax",
    "550 Account carol@customer.example was deleted",
    "550 5.1.1 carol has left the company, the address is no longer in use",
    "550 5.7.17 Mailbox owner has changed",
    "550 Host or domain name not found. Name service error for name=customer.example type=MX: Host not found",
)  # fmt: skip
NOT_BLAMED = (
    "550",
    "550 Nope",
    "554 5.0.0 Transaktion fehlgeschlagen",
    "550 5.7.1 Ihr Vertrag ist abgelaufen",
    "550 5.7.1 Client not registered for outbound delivery",
    "550 Your plan does not include outgoing mail",
    "535 5.7.8 Account not found or password wrong",
    "550 5.7.1 Unknown client, recipient not accepted",
    "550 5.5.1 Domain desk.example of the sender is not known on this relay",
    "550 Sender domain desk.example not found in our list of customers",
    "550 Unknown HELO domain: desk.local not found",
    "550 5.7.1 HELO desk.local: no such domain",
    "550 5.1.8 Domain of return path desk.example not found",
    "450 4.1.1 <carol@customer.example>: Recipient address rejected: User unknown in relay recipient table",
    "450 4.1.2 customer.example: Domain not found",
    "550 5.1.1 User unknown (directory server unreachable)",
    "550 5.1.1 user lookup failed: LDAP timeout",
    "550 5.1.1 database error while looking up user, recipient unknown",
    "550 5.4.4 Unable to resolve customer.example: SERVFAIL",
    "550 5.4.4 Host not found: nameserver did not answer",
    "550 carol does not accept mail from people she does not know",
    "550 This address does not accept mail, use our contact form",
    "550 Sender not in the recipient's list of allowed senders",
    "550 5.1.1 You are not on the address's whitelist",
    "550 5.7.1 Recipient policy: domain desk.example is invalid",
    "550 5.2.2 Mailbox full",
    "550 5.2.1 Mailbox disabled",
    "550 5.7.1 Message from unknown user agent",
    "554 5.7.1 Recipient has requested not to receive mail from your domain",
    "550 5.4.0 No route for mail to customer.example at this time",
)  # fmt: skip

# Found by others.
DOUBTFUL = (
    "550 Transaktion abgebrochen",
    "550 Ihr Konto ist nicht freigeschaltet",
    "550 User carol@customer.example does not accept mail from help@desk.example",
    "550 5.1.1 The recipient does not accept e-mail from this sender",
    "550 5.7.1 This mailbox does not accept mail; use the portal",
    "550 Invalid HELO name: domain does not exist",
    "550 5.1.2 EHLO us.local invalid domain",
    "550 <help@desk.example> domain desk.example doesn't exist",
    "550 desk.example does not exist in DNS",
    "550 Domain desk.example does not exist (sender)",
    "450 4.1.1 <carol@customer.example>: Recipient address rejected: unverified address: Address verification in progress",
    "550 5.1.1 <carol@customer.example>: unverified address: connect to backend[10.0.0.1]:25: Connection refused",
    "550 5.1.1 sorry, no mailbox here by that name because the LDAP server is temporarily down",
    "550 5.1.1 User unknown; rejecting (temporary directory failure)",
    "550 5.4.4 [internal] Unable to resolve domain: DNS server failure",
    "550 5.1.1 Recipient not found in whitelist",
    "550 5.4.0 no route for mail",
    "550 policy of recipient domain is invalid",
    "554 5.5.1 Error: no valid recipients",
    "550-Verification failed for <help@desk.example>\n550-No Such User Here\n550 Sender verify failed",
    "550 mail address help@desk.example not found in our customers list; sending denied",
    "550 Zieladresse unbekannt: Datenbank nicht erreichbar",
)
# What names a host or another address, and is about this one all the same.
NAMED = (
    "550 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain",
    "550 5.1.1 <Carol@mx1.customer.example>: user unknown, see https://help.provider.example/550",
    "551 User not local; please try <caroline@new.example>",
    "550 5.1.6 moved: new address is caroline@new.example",
)


@pytest.mark.parametrize("words", (*BLAMED, *NAMED))
def test_the_address_is_to_blame(words):
    assert blames_address("carol@customer.example", words)


@pytest.mark.parametrize("words", (*NOT_BLAMED, *DOUBTFUL))
def test_it_is_not(words):
    assert not blames_address("carol@customer.example", words)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("550 5.1.2 EHLO us.local invalid domain", Reason.BLOCKED),
        ("550 Invalid HELO name: domain does not exist", Reason.BLOCKED),
        ("550 5.1.1 The recipient does not accept e-mail from this sender", Reason.SENDER),
        ("550 5.1.1 Recipient not found in whitelist", Reason.SENDER),
        ("550 5.7.1 This mailbox does not accept mail; use the portal", Reason.FILTERED),
        ("550 Domain customer.example does not accept mail", Reason.HOST_UNKNOWN),
        ("550 5.1.1 no such user (LDAP server is temporarily down)", Reason.SYSTEM),
        ("550 5.4.4 Unable to resolve domain: DNS server failure", Reason.NETWORK),
    ],
)
def test_why(words, reason):
    assert judge(Fate(Delivery.FAILED, "carol@customer.example", "", "", words, "")).reason is reason


def test_what_a_reporter_gave_up_over_is_no_proof():
    """A 4.x.x of the server, failed once the reporter's queue had it for five days."""
    fate = judge(Fate(Delivery.FAILED, "carol@customer.example", "", "4.1.1", "450 4.1.1 user unknown", ""))
    assert (fate.severity, blames("carol@customer.example", fate)) == (Severity.HARD, False)
