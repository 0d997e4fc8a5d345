"""Where a mail goes and why: one table, no database. Each row is a story, the facts, and what is to be decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from helpdeskd.desk import routing
from helpdeskd.desk.case import Case
from helpdeskd.model.mail import Delivery, Fate, Inbound, Kind, Part, Verdict
from helpdeskd.model.people import Person
from helpdeskd.model.routing import Action, Decision, Evidence, Facts, Reason
from helpdeskd.model.spam import Spam
from helpdeskd.model.ticket import State
from helpdeskd.model.trust import Profile
from tests.unit.desk.routing_cases import (
    ADA,
    BOB,
    BOSS,
    CAROL,
    DAVE,
    EVE,
    GONE,
    facts,
    mail,
    match,
    original,
    passed_on,
    ticket,
)

T, OWN, STORED, NAMED, ROOT, TAG = (
    Evidence.REPLY_TOKEN,
    Evidence.OWN_MESSAGE_ID,
    Evidence.STORED_MESSAGE_ID,
    Evidence.REFERENCED_BY_STORED,
    Evidence.SHARED_ROOT,
    Evidence.SUBJECT_TAG,
)
S, V = Spam.SPAM, Spam.VIRUS
CLOSED = ticket(state=State.CLOSED)
LONG_CLOSED = ticket(state=State.CLOSED, updated=31)
OLD = ticket(updated=31)
SALES = 2
TOLD = ((7, Fate(Delivery.FAILED, "carol@customer.example", "", "5.1.1", "no such user", "mx.example")),)
FILE = Part("bill.pdf", "application/pdf", b"%PDF", "2" * 64)


@dataclass(frozen=True)
class Row:
    story: str
    inbound: Inbound
    facts: Facts
    says: str  # action reason [+reopen] [+ack] [+tell] [->linked ticket]
    verdict: Verdict = Verdict.NONE
    commands: bool = False
    spam: Spam = Spam.HAM


def said(decision: Decision) -> str:
    words = [decision.action.value, decision.reason.value]
    words += ["+reopen"] * decision.reopen + ["+ack"] * decision.acknowledge + ["+tell"] * decision.tell_author
    words += ["+handlers"] * decision.tell_handlers
    if decision.words_as is not None:
        words.append(f"({decision.words_as.value})")
    if decision.link_to is not None:
        words.append(f"->{decision.link_to}")
    return " ".join(words)


def by(author: Person | None, *matches: object, **more: object) -> Facts:
    return facts(*matches, author=author, **more)  # type: ignore[arg-type]


STRICT: dict[str, Any] = {"profile": Profile.STRICT}
SILENT = replace(EVE, name="", email="no-reply@service.example")
CODE = mail(SILENT, subject="Your confirmation code: 4711", references=())
FRESH: dict[str, Any] = {"subject": "Something else", "references": ()}  # a mail that answers nothing
AUTO, GENERATED, LIST, BOUNCE, NULL, LOOP = (
    Kind.AUTO_REPLY,
    Kind.AUTO_GENERATED,
    Kind.LIST,
    Kind.BOUNCE,
    Kind.NULL_PATH,
    Kind.OWN,
)

FORWARD: dict[str, Any] = {**FRESH, "subject": "Fwd: Screen", "forward": passed_on()}
BY_MACHINE: dict[str, Any] = {**FORWARD, "forward": passed_on(kind=GENERATED)}
HIS: dict[str, Any] = {"original": original()}

# fmt: off
TABLE = [
    # new tickets
    Row("somebody we know writes", mail(**FRESH), facts(), "open new +ack"),
    Row("somebody we do not know writes", mail(EVE, **FRESH), by(None), "open new +ack"),
    Row("references that lead nowhere", mail(), facts(), "open new +ack"),
    Row("staff write a request of their own", mail(ADA, **FRESH), by(ADA), "open new +ack"),
    Row("commands in a new mail of staff are text", mail(ADA, **FRESH), by(ADA), "open new +ack", commands=True),
    Row("old mail found in a mailbox is not answered", mail(**FRESH), facts(old_mail=True), "open new"),
    Row("another department opened and answered", mail(**FRESH), facts(elsewhere=(7,), opened_elsewhere=True), "open new"),
    Row("another department has the mail and kept it", mail(**FRESH), facts(elsewhere=(7,)), "open new +ack"),
    Row("a check that passed", mail(**FRESH), facts(), "open new +ack", Verdict.PASS),
    Row("a forged From opens a ticket, its victim hears nothing", mail(**FRESH), facts(), "open unverified", Verdict.FAIL),
    Row("a service asks who reads the address", CODE, by(None), "open verification"),
    Row("a service's code led to a ticket by its requester's token", CODE, by(None, match(T, bound_to=CAROL)), "internal verification"),
    Row("a service that a participant drew in", CODE, by(DAVE, match(STORED)), "internal verification"),
    Row("a forged service is refuted first", CODE, by(None), "open unverified", Verdict.FAIL),
    Row("an invoice of a sender that takes no answers", mail(SILENT, subject="Invoice 4711", references=()), by(None), "open new"),
    Row("no From, but an envelope sender", mail(None, **FRESH), by(None, from_usable=False, sender="x@y.example"), "open no-author"),
    Row("no From and no sender", mail(None, **FRESH), by(None, from_usable=False), "hold no-author"),
    Row("a From nobody can write to", mail(EVE, **FRESH), by(None, from_usable=False), "hold no-author"),
    # what staff pass on
    Row("staff pass on a customer's mail", mail(ADA, **FORWARD), by(ADA, **HIS), "open forwarded +ack", Verdict.PASS),
    Row("one of somebody unknown", mail(ADA, **FORWARD), by(ADA, original=original(None)), "open forwarded +ack", Verdict.PASS),
    Row("a From that is not proven", mail(ADA, **FORWARD), by(ADA, **HIS), "open new +ack"),
    Row("a forged one", mail(ADA, **FORWARD), by(ADA, **HIS), "open unverified", Verdict.FAIL),
    Row("a customer passes a mail on", mail(**FORWARD), facts(**HIS), "open new +ack", Verdict.PASS),
    Row("staff of yesterday pass a mail on", mail(GONE, **FORWARD), by(GONE, **HIS), "open new +ack", Verdict.PASS),
    Row("it is a colleague's mail", mail(ADA, **FORWARD), by(ADA, original=original(BOB)), "open new +ack", Verdict.PASS),
    Row("it is a mail of our own", mail(ADA, **FORWARD), by(ADA, original=original(None, ours=True)), "open new +ack", Verdict.PASS),
    Row("it names nobody who can be written to", mail(ADA, **FORWARD), by(ADA), "open new +ack", Verdict.PASS),
    Row("a machine's is not answered", mail(ADA, **BY_MACHINE), by(ADA, **HIS), "open forwarded", Verdict.PASS),
    Row("nor is one of long ago", mail(ADA, **FORWARD), by(ADA, original=original(old=True)), "open forwarded", Verdict.PASS),
    Row("nor where the forward itself is old", mail(ADA, **FORWARD), by(ADA, old_mail=True, **HIS), "open forwarded", Verdict.PASS),
    Row("nor twice", mail(ADA, **FORWARD), by(ADA, elsewhere=(7,), opened_elsewhere=True, **HIS), "open forwarded", Verdict.PASS),
    Row("into a ticket it goes as ever", mail(ADA, **FORWARD), by(ADA, match(TAG), **HIS), "internal not-your-token +tell", Verdict.PASS),
    Row("the original is a ticket's already", mail(ADA, **FORWARD), by(ADA, match(STORED), **HIS), "internal not-your-token +tell", Verdict.PASS),
    Row("from a participant it is no word to the customer", mail(ADA, **FORWARD), by(ADA, match(STORED, participants=(CAROL, ADA)), **HIS), "internal not-your-token +tell", Verdict.PASS),
    Row("nor is one that names nobody", mail(ADA, **FORWARD), by(ADA, match(STORED, participants=(CAROL, ADA))), "internal not-your-token +tell"),
    Row("by their own token it is an answer", mail(ADA, **FORWARD), by(ADA, match(T, bound_to=ADA), **HIS), "answer reply-token", Verdict.PASS),
    Row("in their own request it is a word of theirs", mail(ADA, **FORWARD), by(ADA, match(STORED, ticket(requester_id=ADA.id), participants=(ADA,)), **HIS), "append stored-message-id", Verdict.PASS),
    Row("a customer passes a mail on into their ticket", mail(forward=passed_on()), facts(match(STORED)), "append stored-message-id", Verdict.PASS),
    Row("a machine passes it on", mail(ADA, kind=GENERATED, **FORWARD), by(ADA, **HIS), "open automatic", Verdict.PASS),
    Row("the same forward twice", mail(ADA, **FORWARD), by(ADA, same_mail=((1, 5),), **HIS), "duplicate same-mail", Verdict.PASS),
    # customers' replies, by evidence
    Row("own reply token", mail(), facts(match(T, bound_to=CAROL)), "append reply-token"),
    Row("our Message-ID", mail(), facts(match(OWN, bound_to=CAROL)), "append own-message-id"),
    Row("our Message-ID, the copy of another participant", mail(), facts(match(OWN, bound_to=DAVE)), "append own-message-id", Verdict.PASS),
    Row("another message's Message-ID", mail(), facts(match(STORED)), "append stored-message-id", Verdict.PASS),
    Row("its answer came before it", mail(**FRESH), facts(match(NAMED)), "append referenced-by-stored", Verdict.PASS),
    Row("a root we never saw", mail(), facts(match(ROOT)), "append shared-root", Verdict.PASS),
    Row("the subject's tag alone, by the requester", mail(references=()), facts(match(TAG)), "append subject-tag", Verdict.PASS),
    Row("the subject's tag alone, by a participant", mail(DAVE, references=()), by(DAVE, match(TAG)), "append subject-tag", Verdict.PASS),
    Row("a participant by reference", mail(DAVE), by(DAVE, match(STORED)), "append stored-message-id", Verdict.PASS),
    Row("the token is stronger than the tag of another ticket", mail(), facts(match(T, bound_to=CAROL), match(TAG, ticket(2))), "append reply-token"),
    Row("a participant with the requester's token", mail(DAVE), by(DAVE, match(T, bound_to=CAROL)), "append reply-token", Verdict.PASS),
    Row("their own token, though no participant any more", mail(EVE), by(EVE, match(T, bound_to=EVE)), "append reply-token"),
    Row("a check that passed", mail(), facts(match(STORED)), "append stored-message-id", Verdict.PASS),
    Row("a customer's #close is text", mail(), facts(match(T, bound_to=CAROL)), "append reply-token", commands=True),
    Row("old mail is appended all the same", mail(), facts(match(STORED), old_mail=True), "append stored-message-id", Verdict.PASS),
    # taking part is known to many: without a pass it gives no voice
    Row("another message's Message-ID, nothing proved", mail(), facts(match(STORED)), "internal no-proof"),
    Row("its answer came before it, nothing proved", mail(**FRESH), facts(match(NAMED)), "internal no-proof"),
    Row("the subject's tag, nothing proved", mail(references=()), facts(match(TAG)), "internal no-proof"),
    Row("a participant, nothing proved", mail(DAVE), by(DAVE, match(STORED)), "internal no-proof"),
    Row("with the requester's token, nothing proved", mail(DAVE), by(DAVE, match(T, bound_to=CAROL)), "internal no-proof"),
    Row("our Message-ID that is no token, nothing proved", mail(), facts(match(OWN, bound_to=CAROL, credential=False)), "internal no-proof"),
    Row("a closed ticket stays so", mail(), facts(match(STORED, CLOSED)), "internal no-proof"),
    Row("after the window, too", mail(), facts(match(STORED, LONG_CLOSED)), "internal no-proof"),
    Row("staff in their own request, nothing proved", mail(ADA), by(ADA, match(STORED, ticket(requester_id=ADA.id), participants=(ADA,))), "internal no-proof"),
    Row("staff in Cc, nothing proved", mail(ADA), by(ADA, match(STORED, participants=(CAROL, ADA))), "internal no-proof"),
    # strangers
    Row("a stranger who knows the number", mail(EVE, references=()), by(EVE, match(TAG)), "internal stranger"),
    Row("an unknown address that knows the number", mail(EVE, references=()), by(None, match(TAG)), "internal stranger"),
    Row("a leaked token", mail(EVE), by(EVE, match(T, bound_to=CAROL)), "internal stranger"),
    Row("a leaked token, a passed check", mail(EVE), by(None, match(T, bound_to=CAROL)), "internal stranger", Verdict.PASS),
    Row("a leaked token of staff", mail(EVE), by(EVE, match(T, bound_to=ADA)), "internal stranger"),
    Row("leaked references", mail(EVE), by(None, match(OWN, bound_to=CAROL)), "internal stranger"),
    Row("references of a message somebody forwarded", mail(EVE), by(EVE, match(STORED)), "internal stranger"),
    Row("a stranger does not reopen", mail(EVE), by(EVE, match(STORED, CLOSED)), "internal stranger"),
    Row("two who answer the same newsletter", mail(EVE), by(EVE, match(ROOT)), "open stranger +ack ->1"),
    Row("their own Message-ID copy is a token where no address carries one", mail(EVE), by(EVE, match(OWN, bound_to=EVE)), "append own-message-id"),
    Row("elsewhere it is not", mail(EVE), by(EVE, match(OWN, bound_to=EVE, credential=False)), "internal stranger"),
    Row("staff of yesterday are strangers", mail(GONE), by(GONE, match(STORED)), "internal stranger"),
    Row("their tokens ended with their account", mail(GONE), by(GONE, match(T, CLOSED, GONE)), "internal stranger"),
    # forged
    Row("a forged requester", mail(), facts(match(STORED)), "internal unverified", Verdict.FAIL),
    Row("a forged requester with the token", mail(), facts(match(T, bound_to=CAROL)), "internal unverified", Verdict.FAIL),
    Row("a forged requester does not reopen", mail(), facts(match(T, CLOSED, CAROL)), "internal unverified", Verdict.FAIL),
    Row("forged staff with the token", mail(ADA), by(ADA, match(T, bound_to=ADA)), "internal unverified", Verdict.FAIL),
    Row("forged staff do not command", mail(ADA), by(ADA, match(T, bound_to=ADA)), "internal unverified", Verdict.FAIL, commands=True),
    Row("nobody's mail in a ticket", mail(None), by(None, match(T, bound_to=CAROL), from_usable=False), "internal no-author"),
    # closed tickets
    Row("a reply reopens", mail(), facts(match(T, CLOSED, CAROL)), "append reply-token +reopen"),
    Row("the subject's tag reopens for the requester", mail(references=()), facts(match(TAG, CLOSED)), "append subject-tag +reopen", Verdict.PASS),
    Row("a reply after the window", mail(), facts(match(T, LONG_CLOSED, CAROL)), "open follow-up-over +ack ->1"),
    Row("after the window, found in a mailbox", mail(), facts(match(STORED, LONG_CLOSED), old_mail=True), "open follow-up-over ->1", Verdict.PASS),
    Row("the window is the department's", mail(), facts(match(T, CLOSED, CAROL), follow_up_days=0), "open follow-up-over +ack ->1"),
    Row("a wider window", mail(), facts(match(STORED, LONG_CLOSED), follow_up_days=90), "append stored-message-id +reopen", Verdict.PASS),
    Row("a stranger after the window", mail(EVE), by(EVE, match(STORED, LONG_CLOSED)), "internal stranger"),
    Row("staff answer what was closed long ago", mail(ADA), by(ADA, match(T, LONG_CLOSED, ADA)), "answer reply-token"),
    Row("a pending ticket needs no reopening", mail(), facts(match(STORED, ticket(state=State.PENDING))), "append stored-message-id", Verdict.PASS),
    # reply addresses remembered as contacts
    Row("a remembered address, closed ticket", mail(**FRESH), facts(match(T, CLOSED, CAROL)), "open token-as-contact +ack ->1"),
    Row("a remembered address, month-old ticket", mail(**FRESH), facts(match(T, OLD, CAROL)), "open token-as-contact +ack ->1"),
    Row("a remembered address, a live ticket", mail(**FRESH), facts(match(T, bound_to=CAROL)), "append reply-token"),
    Row("the same subject", mail(references=()), facts(match(T, CLOSED, CAROL)), "append reply-token +reopen"),
    Row("the same subject in other letters", mail(subject="AW: MY PRINTER", references=()), facts(match(T, CLOSED, CAROL)), "append reply-token +reopen"),
    Row("another subject, but an answer", mail(subject="Something else"), facts(match(T, CLOSED, CAROL)), "append reply-token +reopen"),
    Row("In-Reply-To alone is an answer", mail(**{**FRESH, "in_reply_to": ("x@y",)}), facts(match(T, CLOSED, CAROL)), "append reply-token +reopen"),
    Row("another subject that names the ticket", mail(subject="Now [#100001]", references=()), facts(match(T, CLOSED, CAROL), match(TAG, CLOSED)), "append reply-token +reopen"),
    Row("no subject at all", mail(subject="", references=()), facts(match(T, CLOSED, CAROL)), "open token-as-contact +ack ->1"),
    Row("a stranger who was given the address", mail(EVE, **FRESH), by(EVE, match(T, CLOSED, CAROL)), "open token-as-contact +ack ->1"),
    Row("staff who remember the address", mail(ADA, **FRESH), by(ADA, match(T, CLOSED, ADA)), "open token-as-contact +ack ->1"),
    # staff
    Row("the own token", mail(ADA), by(ADA, match(T, bound_to=ADA)), "answer reply-token"),
    Row("the own copy, where Message-IDs are the tokens", mail(ADA), by(ADA, match(OWN, bound_to=ADA)), "answer own-message-id"),
    Row("the own copy, where they are not", mail(ADA), by(ADA, match(OWN, bound_to=ADA, credential=False)), "internal not-your-token +tell"),
    Row("a colleague's token", mail(BOB), by(BOB, match(T, bound_to=ADA)), "internal not-your-token +tell"),
    Row("a colleague's copy", mail(BOB), by(BOB, match(OWN, bound_to=ADA)), "internal not-your-token +tell"),
    Row("a customer's token", mail(ADA), by(ADA, match(T, bound_to=CAROL)), "internal not-your-token +tell"),
    Row("a colleague's token and the own copy", mail(BOB), by(BOB, match(T, bound_to=ADA), match(OWN, bound_to=BOB)), "answer reply-token"),
    Row("the customer's mail answered directly", mail(ADA), by(ADA, match(STORED)), "internal not-your-token +tell"),
    Row("the number alone", mail(ADA, references=()), by(ADA, match(TAG)), "internal not-your-token +tell"),
    Row("the own token of another ticket", mail(ADA), by(ADA, match(STORED, ticket(1)), match(TAG, ticket(2), ADA)), "internal not-your-token +tell"),
    Row("staff of another department by their own token", mail(ADA), by(ADA, match(T, ticket(department_id=SALES), ADA)), "internal not-your-department +tell"),
    Row("they were assigned all the same", mail(ADA), by(ADA, match(T, ticket(department_id=SALES, assignee_id=ADA.id), ADA)), "answer reply-token"),
    Row("administrators reach every department", mail(BOSS), by(BOSS, match(T, ticket(department_id=SALES), BOSS)), "answer reply-token"),
    Row("a notice's text and no sure cut", mail(ADA, own_text_found=True), by(ADA, match(T, bound_to=ADA)), "internal no-sure-cut +tell"),
    Row("a notice's text below the marker", mail(ADA, own_text_found=True, marker_cut=True), by(ADA, match(T, bound_to=ADA)), "answer reply-token"),
    Row("all of it stands below the notice", mail(ADA, text=" \n-- \nAda", marker_cut=True), by(ADA, match(T, bound_to=ADA)), "internal no-sure-cut +tell"),
    Row("a file says it all", mail(ADA, text="", parts=(FILE,)), by(ADA, match(T, bound_to=ADA)), "answer reply-token"),
    Row("customers may quote our notices", mail(own_text_found=True), facts(match(T, bound_to=CAROL)), "append reply-token"),
    Row("staff in their own request", mail(ADA), by(ADA, match(T, ticket(requester_id=ADA.id), ADA, participants=(ADA,))), "append reply-token"),
    Row("in their own request without a token", mail(ADA), by(ADA, match(STORED, ticket(requester_id=ADA.id), participants=(ADA,))), "append stored-message-id", Verdict.PASS),
    Row("reopening their own request", mail(ADA), by(ADA, match(STORED, ticket(requester_id=ADA.id, state=State.CLOSED), participants=(ADA,))), "append stored-message-id +reopen", Verdict.PASS),
    Row("copied in by the customer, without a token", mail(ADA), by(ADA, match(STORED, participants=(CAROL, ADA))), "append stored-message-id", Verdict.PASS),
    Row("copied in by the customer, with their token", mail(ADA), by(ADA, match(T, bound_to=ADA, participants=(CAROL, ADA))), "answer reply-token"),
    # commands
    Row("commands with the own token", mail(ADA), by(ADA, match(T, bound_to=ADA)), "command commands (answer)", commands=True),
    Row("commands in a closed ticket", mail(ADA), by(ADA, match(T, LONG_CLOSED, ADA)), "command commands (answer)", commands=True),
    Row("commands above a text without a sure cut", mail(ADA, own_text_found=True), by(ADA, match(T, bound_to=ADA)), "command commands (internal)", commands=True),
    Row("commands without the token", mail(ADA), by(ADA, match(STORED)), "internal not-your-token +tell", commands=True),
    Row("commands in another department", mail(ADA), by(ADA, match(T, ticket(department_id=SALES), ADA)), "internal not-your-department +tell", commands=True),
    Row("commands in the own request", mail(ADA), by(ADA, match(T, ticket(requester_id=ADA.id), ADA, participants=(ADA,))), "command commands (append)", commands=True),
    Row("commands as a participant without a token", mail(ADA), by(ADA, match(STORED, participants=(CAROL, ADA))), "internal not-your-token +tell", Verdict.PASS, commands=True),
    Row("commands as a participant with another's token", mail(ADA), by(ADA, match(T, bound_to=CAROL, participants=(CAROL, ADA))), "internal not-your-token +tell", Verdict.PASS, commands=True),
    Row("commands in the own request without a token", mail(ADA), by(ADA, match(STORED, ticket(requester_id=ADA.id), participants=(ADA,))), "internal not-your-token +tell", Verdict.PASS, commands=True),
    Row("commands in the own request to another department", mail(ADA), by(ADA, match(T, ticket(requester_id=ADA.id, department_id=SALES), ADA, participants=(ADA,))), "internal not-your-department +tell", commands=True),
    # what was written to others, and sent on to us by anybody
    Row("a private mail of the assignee", mail(ADA), by(ADA, match(T, ticket(assignee_id=ADA.id), EVE), to_us=False), "internal not-your-token +tell", Verdict.PASS),
    Row("with commands", mail(ADA), by(ADA, match(TAG, ticket(assignee_id=ADA.id)), to_us=False), "internal not-your-token +tell", Verdict.PASS, commands=True),
    Row("a participant's", mail(DAVE), by(DAVE, match(T, bound_to=CAROL), to_us=False), "internal no-proof", Verdict.PASS),
    Row("the requester's", mail(), facts(match(STORED), to_us=False), "internal no-proof", Verdict.PASS),
    Row("a blind copy, by their own token", mail(), facts(match(T, bound_to=CAROL), to_us=False), "append reply-token", Verdict.PASS),
    Row("a new request in a blind copy", mail(**FRESH), facts(to_us=False), "open new +ack", Verdict.PASS),
    # whose ticket it is takes part in it
    Row("the assignee, proved", mail(ADA), by(ADA, match(STORED, ticket(assignee_id=ADA.id))), "answer stored-message-id", Verdict.PASS),
    Row("the assignee by a tag, proved", mail(ADA, references=()), by(ADA, match(TAG, ticket(assignee_id=ADA.id))), "answer subject-tag", Verdict.PASS),
    Row("the assignee commands, proved", mail(ADA), by(ADA, match(STORED, ticket(assignee_id=ADA.id))), "command commands (answer)", Verdict.PASS, commands=True),
    Row("the assignee, nothing proved", mail(ADA), by(ADA, match(STORED, ticket(assignee_id=ADA.id))), "internal not-your-token +tell"),
    Row("a colleague of the assignee, proved", mail(BOB), by(BOB, match(STORED, ticket(assignee_id=ADA.id))), "internal not-your-token +tell", Verdict.PASS),
    # the strict profile
    Row("strict: the own token and a pass command", mail(ADA), by(ADA, match(T, bound_to=ADA), **STRICT), "command commands (answer)", Verdict.PASS, commands=True),
    Row("strict: the own token alone does not", mail(ADA), by(ADA, match(T, bound_to=ADA), **STRICT), "internal commands-need-pass +tell", commands=True),
    Row("strict: not even in the own request", mail(ADA), by(ADA, match(T, ticket(requester_id=ADA.id), ADA, participants=(ADA,)), **STRICT), "internal commands-need-pass +tell", commands=True),
    Row("strict: it answers", mail(ADA), by(ADA, match(T, bound_to=ADA), **STRICT), "answer reply-token"),
    Row("strict: a customer's own token speaks", mail(), facts(match(T, bound_to=CAROL), **STRICT), "append reply-token"),
    Row("strict: nor does a participant", mail(ADA), by(ADA, match(STORED, participants=(CAROL, ADA)), **STRICT), "internal not-your-token +tell", Verdict.PASS, commands=True),
    # machines
    Row("a vacation reply of the requester", mail(kind=AUTO), facts(match(T, bound_to=CAROL)), "internal automatic"),
    Row("the requester writes with a program that sends for many", mail(kind=LIST), facts(match(T, bound_to=CAROL)), "internal automatic +handlers"),
    Row("refuted", mail(kind=LIST), facts(match(T, bound_to=CAROL)), "internal automatic", Verdict.FAIL),
    Row("with another's token", mail(kind=LIST), facts(match(T, bound_to=DAVE)), "internal automatic", Verdict.PASS),
    Row("it does not reopen", mail(kind=AUTO), facts(match(T, CLOSED, CAROL)), "internal automatic"),
    Row("a vacation reply of staff is no answer", mail(ADA, kind=AUTO), by(ADA, match(T, bound_to=ADA)), "internal automatic"),
    Row("nor a command", mail(ADA, kind=GENERATED), by(ADA, match(T, bound_to=ADA)), "internal automatic", commands=True),
    Row("a bounce of a mail of ours", mail(EVE, kind=BOUNCE), by(None, match(OWN, bound_to=CAROL)), "internal automatic"),
    Row("a machine that knows the number", mail(EVE, kind=GENERATED, references=()), by(None, match(TAG)), "internal automatic"),
    Row("a machine with an old token", mail(EVE, kind=GENERATED, **FRESH), by(None, match(T, LONG_CLOSED, CAROL)), "internal automatic"),
    Row("a monitor opens a ticket", mail(EVE, kind=GENERATED, **FRESH), by(None), "open automatic"),
    Row("somebody writes through a list", mail(EVE, kind=LIST, **FRESH), by(None), "open automatic"),
    Row("a vacation reply that belongs nowhere", mail(EVE, kind=AUTO, **FRESH), by(None), "open automatic"),
    Row("a monitor, forged", mail(EVE, kind=GENERATED, **FRESH), by(None), "open automatic", Verdict.FAIL),
    Row("a machine nobody can name", mail(None, kind=GENERATED, **FRESH), by(None, from_usable=False), "hold no-author"),
    Row("a report of a mail of ours", mail(EVE, kind=BOUNCE), by(None, match(OWN, bound_to=CAROL), fates=TOLD), "internal delivery-report"),
    Row("a report of a mail of ours in a closed ticket", mail(EVE, kind=BOUNCE), by(None, match(OWN, CLOSED), fates=TOLD), "internal delivery-report"),
    Row("a report of a mail that belongs to no ticket", mail(EVE, kind=BOUNCE, **FRESH), by(None, fates=TOLD), "hold delivery-report"),
    Row("a bounce that belongs nowhere", mail(EVE, kind=BOUNCE, **FRESH), by(None), "hold automatic"),
    Row("a bounce by weak signs that belongs nowhere", mail(EVE, kind=BOUNCE, weak_bounce=True, **FRESH), by(None), "open automatic"),
    Row("a bounce by weak signs nobody can name", mail(None, kind=BOUNCE, weak_bounce=True, **FRESH), by(None, from_usable=False), "hold no-author"),
    Row("a bounce by weak signs in a ticket", mail(EVE, kind=BOUNCE, weak_bounce=True), by(None, match(OWN, bound_to=CAROL)), "internal automatic"),
    Row("a bounce by weak signs of a mail of ours", mail(EVE, kind=BOUNCE, weak_bounce=True, **FRESH), by(None, fates=TOLD), "hold delivery-report"),
    Row("a bounce by weak signs of a mail to staff", mail(EVE, kind=BOUNCE, weak_bounce=True, **FRESH), by(None, unreached_staff=True), "hold automatic"),
    Row("a forged report of a mail of ours", mail(EVE, kind=BOUNCE), by(None, match(OWN, bound_to=CAROL), fates=TOLD), "internal automatic", Verdict.FAIL),
    Row("a forged report of a mail without a ticket", mail(EVE, kind=BOUNCE, **FRESH), by(None, fates=TOLD), "hold automatic", Verdict.FAIL),
    Row("the same by weak signs", mail(EVE, kind=BOUNCE, weak_bounce=True, **FRESH), by(None, fates=TOLD), "open automatic", Verdict.FAIL),
    Row("a null path that belongs nowhere", mail(EVE, kind=NULL, **FRESH), by(None), "hold automatic"),
    Row("a null path in a ticket", mail(kind=NULL), facts(match(STORED)), "internal automatic"),
    Row("our own mail comes round", mail(EVE, kind=LOOP, **FRESH), by(None), "hold own-address"),
    Row("our own mail comes round into its ticket", mail(EVE, kind=LOOP), by(None, match(OWN)), "internal automatic"),
    Row("From is an address of ours", mail(EVE, **FRESH), by(None, author_is_ours=True), "hold own-address"),
    Row("From is an address of ours, with a token", mail(EVE), by(None, match(T, bound_to=CAROL), author_is_ours=True), "internal automatic"),
    # a copy that had no voice, by a worse verdict, does not stand for this one
    Row("a genuine copy after a forged one", mail(), facts(match(T, bound_to=CAROL), withheld=((1, 5),)), "append reply-token"),
    Row("a genuine copy after one that nothing proved", mail(), facts(match(STORED), withheld=((1, 5),)), "append stored-message-id", Verdict.PASS),
    Row("a genuine copy of a forged new ticket", mail(**FRESH), facts(withheld=((1, 5),)), "open new +ack", Verdict.PASS),
    Row("a copy that has no voice either", mail(EVE), by(EVE, match(STORED), withheld=((1, 5),)), "duplicate same-mail", Verdict.PASS),
    Row("no voice, by the token of another ticket", mail(EVE), by(EVE, match(T, ticket(2), CAROL), withheld=((1, 5),)), "internal stranger", Verdict.PASS),
    Row("two copies, of which one was heard", mail(), facts(match(STORED), withheld=((1, 5),), same_mail=((1, 6),)), "duplicate same-mail", Verdict.PASS),
    Row("a genuine report after a forged one", mail(EVE, kind=BOUNCE), by(None, match(OWN, bound_to=CAROL), fates=TOLD, withheld=((1, 5),)), "internal delivery-report", Verdict.PASS),
    # one that opened a ticket of its own, with a worse verdict and without what it answers
    Row("the genuine reply after it", mail(), facts(match(STORED), same_mail=((9, 5),), lesser=frozenset({9})), "append stored-message-id", Verdict.PASS),
    Row("the same, as good", mail(), facts(match(STORED), same_mail=((9, 5),)), "duplicate same-mail", Verdict.PASS),
    Row("the same, and one as good", mail(), facts(match(STORED), same_mail=((9, 5), (8, 6)), lesser=frozenset({9})), "duplicate same-mail", Verdict.PASS),
    Row("in that ticket it was said", mail(), facts(match(STORED), same_mail=((1, 5),), lesser=frozenset({1})), "duplicate same-mail", Verdict.PASS),
    Row("a genuine mail that belongs to no ticket", mail(**FRESH), facts(same_mail=((9, 5),), lesser=frozenset({9})), "duplicate same-mail", Verdict.PASS),
    Row("a reply without a voice", mail(EVE), by(EVE, match(STORED), same_mail=((9, 5),), lesser=frozenset({9})), "duplicate same-mail", Verdict.PASS),
    Row("a reply that would open another", mail(EVE), by(EVE, match(ROOT), same_mail=((9, 5),), lesser=frozenset({9})), "duplicate same-mail", Verdict.PASS),
    # spam and viruses: who may be held
    Row("spam of a stranger", mail(EVE, **FRESH), by(None), "hold spam", spam=S),
    Row("spam under the name of a customer", mail(**FRESH), facts(), "hold spam", spam=S),
    Row("a suspect goes its way", mail(EVE, **FRESH), by(None), "open new +ack", spam=Spam.SUSPECT),
    Row("the customer's reply with their token", mail(), facts(match(T, bound_to=CAROL)), "append reply-token", spam=S),
    Row("with the token of another of their tickets", mail(), facts(match(STORED), match(T, ticket(2), CAROL)), "internal no-proof", spam=S),
    Row("the customer's reply to our Message-ID", mail(), facts(match(OWN, bound_to=CAROL)), "append own-message-id", spam=S),
    Row("the customer without a token, verified", mail(), facts(match(STORED)), "append stored-message-id", Verdict.PASS, spam=S),
    Row("the customer without a token", mail(), facts(match(STORED)), "hold spam", spam=S),
    Row("a stranger who knows the number, verified", mail(EVE), by(EVE, match(TAG)), "hold spam", Verdict.PASS, spam=S),
    Row("with the token of somebody else", mail(), facts(match(T, bound_to=DAVE)), "hold spam", spam=S),
    Row("with their token, but refuted", mail(), facts(match(T, bound_to=CAROL)), "hold spam", Verdict.FAIL, spam=S),
    Row("staff with their token", mail(ADA), by(ADA, match(T, bound_to=ADA)), "answer reply-token", spam=S),
    Row("staff, verified", mail(ADA, **FRESH), by(ADA), "open new +ack", Verdict.PASS, spam=S),
    Row("staff, not verified", mail(ADA, **FRESH), by(ADA), "hold spam", spam=S),
    Row("staff that left, verified", mail(GONE, **FRESH), by(GONE), "hold spam", Verdict.PASS, spam=S),
    Row("staff that left, with their token", mail(GONE), by(GONE, match(T, bound_to=GONE)), "hold spam", spam=S),
    Row("a machine's spam in a ticket", mail(EVE, kind=AUTO), by(None, match(STORED)), "hold spam", spam=S),
    Row("a report of a mail of ours that quotes spam", mail(EVE, kind=BOUNCE), by(None, match(OWN, bound_to=CAROL), fates=TOLD), "internal delivery-report", spam=S),
    Row("the same, forged", mail(EVE, kind=BOUNCE), by(None, match(OWN, bound_to=CAROL), fates=TOLD), "hold spam", Verdict.FAIL, spam=S),
    Row("a virus of a stranger", mail(EVE, **FRESH), by(None), "hold virus", spam=V),
    Row("a virus in a conversation", mail(), facts(match(T, bound_to=CAROL)), "hold virus", Verdict.PASS, spam=V),
    Row("a virus of staff", mail(ADA), by(ADA, match(T, bound_to=ADA)), "hold virus", Verdict.PASS, spam=V),
    Row("the same spam, which was released", mail(**FRESH), facts(same_mail=((1, 5),)), "duplicate same-mail", spam=S),
    Row("our own mail comes round, as spam", mail(EVE, kind=LOOP, **FRESH), by(None), "hold own-address", spam=S),
    # the same mail again
    Row("the same mail by another door", mail(**FRESH), facts(same_mail=((1, 5),)), "duplicate same-mail"),
    Row("the same reply by another door", mail(), facts(match(STORED), same_mail=((1, 5),)), "duplicate same-mail"),
    Row("the same reply with its token", mail(), facts(match(T, bound_to=CAROL), same_mail=((1, 5),)), "duplicate same-mail"),
    Row("the copy for the token of another ticket", mail(), facts(match(T, ticket(2), CAROL), same_mail=((1, 5),)), "append reply-token"),
    Row("the copy for an old token opens nothing twice", mail(**FRESH), facts(match(T, CLOSED, CAROL), same_mail=((9, 5),)), "duplicate same-mail"),
    Row("another department put it into the token's ticket", mail(), facts(match(T, bound_to=CAROL), elsewhere=(1,)), "duplicate same-mail"),
    Row("the same vacation reply twice", mail(kind=AUTO), facts(match(STORED), same_mail=((1, 5),)), "duplicate same-mail"),
    Row("the same mail here and elsewhere", mail(**FRESH), facts(same_mail=((1, 5),), elsewhere=(2,)), "duplicate same-mail"),
]
# fmt: on


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.story)
def test_table(row):
    decisions = routing.route(row.inbound, row.facts, row.verdict, row.commands, row.spam)
    assert [said(decision) for decision in decisions] == [row.says]
    decision = decisions[0]
    in_ticket = decision.action in {Action.APPEND, Action.ANSWER, Action.COMMAND, Action.INTERNAL, Action.DUPLICATE}
    assert (decision.ticket_id is not None) is in_ticket
    if (
        in_ticket
        and row.facts.matches
        and (decision.action is not Action.DUPLICATE or not (row.facts.same_mail or row.facts.withheld))
    ):
        assert decision.ticket_id == row.facts.matches[0].ticket.id


def test_the_table_knows_every_action_and_reason():
    seen = [row.says.split() for row in TABLE]
    assert {words[0] for words in seen} == {action.value for action in Action}
    assert {words[1] for words in seen} == {reason.value for reason in Reason}


def test_every_step_decides_a_row():
    """A step that never answers first is no step."""
    deciding = set()
    for row in TABLE:
        found = row.facts.matches[0] if row.facts.matches else None
        case = Case(row.inbound, row.facts, row.verdict, row.commands, found, row.spam)
        deciding.add(next(step.__name__ for step in routing.STEPS if step(case) is not None))
    assert deciding == {step.__name__ for step in routing.STEPS}


@pytest.mark.parametrize(("spam", "reason"), [(S, Reason.SPAM), (V, Reason.VIRUS)])
def test_what_is_held_is_held_once(spam, reason):
    """However many tickets' tokens it carries; and what one of them has already is no way in for the others."""
    found = by(
        EVE, match(T, ticket(1), CAROL), match(T, ticket(2), DAVE), match(T, ticket(3), BOB), same_mail=((2, 5),)
    )
    decisions = routing.route(mail(EVE), found, Verdict.NONE, False, spam)
    assert [(each.action, each.reason) for each in decisions] == [
        (Action.HOLD, reason),
        (Action.DUPLICATE, Reason.SAME_MAIL),
    ]


def test_each_ticket_of_several_tokens_gets_the_mail():
    found = facts(match(T, ticket(1), CAROL), match(T, ticket(2), CAROL), match(TAG, ticket(3)))
    decisions = routing.route(mail(), found, Verdict.NONE, False)
    assert [(said(each), each.ticket_id) for each in decisions] == [
        ("append reply-token", 1),
        ("append reply-token", 2),
    ]


def test_each_token_is_judged_by_itself():
    found = by(
        ADA,
        match(T, ticket(1), ADA),
        match(T, ticket(2), BOB),
        match(T, ticket(3, State.CLOSED, requester_id=ADA.id), ADA, participants=(ADA,)),
    )
    decisions = routing.route(mail(ADA), found, Verdict.NONE, False)
    assert [said(each) for each in decisions] == [
        "answer reply-token",
        "internal not-your-token +tell",
        "append reply-token +reopen",
    ]


def test_two_people_s_tokens_of_one_ticket_are_one_ticket():
    found = by(BOB, match(T, bound_to=BOB), match(T, bound_to=ADA))
    assert [said(each) for each in routing.route(mail(BOB), found, Verdict.NONE, False)] == ["answer reply-token"]


def test_several_remembered_addresses_open_one_ticket():
    found = facts(match(T, CLOSED, CAROL), match(T, ticket(2, State.CLOSED), CAROL), match(T, ticket(3), CAROL))
    decisions = routing.route(mail(**FRESH), found, Verdict.NONE, False)
    assert [said(each) for each in decisions] == ["open token-as-contact +ack ->1", "append reply-token"]


def test_the_copy_for_two_tokens_fills_in_what_the_first_copy_left():
    found = facts(match(T, ticket(1), CAROL), match(T, ticket(2), CAROL), same_mail=((1, 5),))
    decisions = routing.route(mail(), found, Verdict.NONE, False)
    assert [(said(each), each.ticket_id) for each in decisions] == [
        ("duplicate same-mail", 1),
        ("append reply-token", 2),
    ]


def test_every_evidence_is_told():
    found = facts(match(T, bound_to=CAROL), match(OWN, bound_to=DAVE), match(TAG, ticket(2)))
    (decision,) = routing.route(mail(), found, Verdict.NONE, False)
    assert decision.evidence == (
        "reply-token [#100001] (the author's own)",
        "own-message-id [#100001] (another person's)",
        "subject-tag [#100002]",
    )
