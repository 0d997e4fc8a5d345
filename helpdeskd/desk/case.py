"""One mail and the one ticket it may belong to: what its author is there, what they may do, and the forms of a decision about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from helpdeskd.desk.authority import Right, Standing, Tie, Who
from helpdeskd.desk.commands import is_signature
from helpdeskd.model.mail import Inbound, Kind, Verdict
from helpdeskd.model.people import Person
from helpdeskd.model.routing import Action, Decision, Evidence, Facts, Match, Reason
from helpdeskd.model.spam import Spam
from helpdeskd.model.ticket import Ticket

ADMINISTRATOR = 3  # the staff level that reaches every department


@dataclass(frozen=True)
class Case:
    """One mail and the one ticket it may belong to (`match`), or no ticket."""

    inbound: Inbound
    facts: Facts
    verdict: Verdict
    has_commands: bool
    match: Match | None
    spam: Spam = Spam.HAM

    @property
    def ticket(self) -> Ticket:
        assert self.match is not None
        return self.match.ticket

    @property
    def author(self) -> Person | None:
        return self.facts.author

    @property
    def automatic(self) -> bool:
        return self.inbound.kind is not Kind.PERSONAL or self.facts.author_is_ours

    @property
    def own_token(self) -> bool:
        """Does the author hold a token of this ticket that was given to them and to nobody else? It ends with their account."""
        who = self.author
        return (
            who is not None
            and who.disabled_at is None
            and any(found.given_to(who) and found.ticket.id == self.ticket.id for found in self.facts.matches)
        )

    @property
    def converses(self) -> bool:
        """A mail that belongs to a conversation: its author holds a token of their own of any ticket; or is known to be one of our
        staff, or of those who take part; or it reports on a mail of ours. Not under a From that is refuted."""
        who = self.author
        if self.verdict is Verdict.FAIL:
            return False
        if self.facts.fates:
            return True
        if who is None or who.disabled_at is not None:
            return False
        matches = self.facts.matches
        if self.verdict is Verdict.PASS and (who.is_staff or any(who.id in found.participants for found in matches)):
            return True
        return any(found.given_to(who) for found in matches)

    @property
    def takes_part(self) -> bool:
        return self.match is not None and self.author is not None and self.author.id in self.match.participants

    @property
    def is_requester(self) -> bool:
        return self.author is not None and self.author.id == self.ticket.requester_id

    @cached_property
    def standing(self) -> Standing:
        """Its place in the table of who may do what."""
        return Standing(self._who, self._tie, self.verdict, self.facts.profile, self.facts.to_us)

    def may(self, right: Right) -> bool:
        return self.standing.may(right)

    @property
    def _who(self) -> tuple[Who, ...]:
        if self.facts.author_is_ours or self.inbound.kind is Kind.OWN:
            return (Who.OURS,)
        found = []
        who = self.author
        if self.match is not None and self.is_requester:
            found.append(Who.REQUESTER)
        elif self.takes_part:
            found.append(Who.PARTICIPANT)
        if who is not None and who.is_staff:
            mine = self.match is not None and self.ticket.assignee_id == who.id
            found.append(Who.ASSIGNEE if mine else Who.STAFF)
        return tuple(found) or (Who.STRANGER,)

    @property
    def _tie(self) -> Tie:
        if self.match is None:
            return Tie.NOTHING
        if self.own_token:
            return Tie.OWN_TOKEN
        if self.match.credential:
            return Tie.OTHERS_TOKEN
        return Tie.TAG if self.match.evidence is Evidence.SUBJECT_TAG else Tie.REFERENCES

    @property
    def as_staff(self) -> bool:
        """A member of staff is a customer of their own request, and of a ticket they were drawn into unless their token says
        otherwise."""
        who = self.author
        return who is not None and who.is_staff and not self.is_requester and (self.own_token or not self.takes_part)

    @property
    def commands_of_staff(self) -> bool:
        return self.has_commands and self.author is not None and self.author.is_staff

    @property
    def works_here(self) -> bool:
        """Is the ticket within the reach of this member of staff?"""
        who = self.author
        return who is not None and (
            who.level >= ADMINISTRATOR
            or self.ticket.department_id in self.facts.staff_departments
            or self.ticket.assignee_id == who.id
        )

    @property
    def sure_cut(self) -> bool:
        return self.inbound.marker_cut or not self.inbound.own_text_found

    @property
    def has_words(self) -> bool:
        files = (part for part in self.inbound.parts if not part.inline and not part.ours)
        return not is_signature(self.inbound.text) or any(files)

    def opens(self, reason: Reason, *, acknowledge: bool = True, link: bool = False) -> Decision:
        """A new ticket. One mail is acknowledged once (by the first department that opens), an old one not at all."""
        return Decision(
            Action.OPEN,
            reason,
            link_to=self.ticket.id if link else None,
            acknowledge=acknowledge and not self.facts.old_mail and not self.facts.opened_elsewhere,
            standing=self.standing.line,
        )

    def keeps(self, reason: Reason, *, tell_author: bool = False) -> Decision:
        return self.does(Action.INTERNAL, reason, tell_author=tell_author)

    def does(self, action: Action, reason: Reason, **more: Any) -> Decision:
        """In its ticket."""
        return Decision(action, reason, ticket_id=self.ticket.id, standing=self.standing.line, **more)
