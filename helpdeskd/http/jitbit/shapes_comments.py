"""Its JSON for comments."""

from __future__ import annotations

import msgspec

from helpdeskd.desk import profiles
from helpdeskd.desk.conversation import Said
from helpdeskd.http.jitbit import words
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.ticket import Ticket


class Comment(msgspec.Struct):
    CommentID: int
    IssueID: int
    UserID: int | None
    UserName: str
    Email: str
    FirstName: str
    LastName: str
    IsSystem: bool
    CommentDate: str
    ForTechsOnly: bool
    Body: str
    TicketSubject: str | None
    Recipients: str


def comment(said: Said, ticket: Ticket, root: str, tokens: TokenKeys) -> Comment:
    """Of somebody we do not know: as their mail calls them."""

    def where(content_id: str) -> str | None:
        found = said.pictures.get(content_id)
        return None if found is None else words.file_url(root, found)

    message, author = said.message, said.author
    if author is None:
        username = email = message.author_email
        first, last = profiles.halves(message.author_name)
    else:
        username, email = author.username, author.person.email
        first, last = author.given_name, author.family_name
    return Comment(
        CommentID=message.id,
        IssueID=ticket.id,
        UserID=message.author_id,
        UserName=username,
        Email=email,
        FirstName=first,
        LastName=last,
        IsSystem=said.system,
        CommentDate=words.moment(message.created_at),
        ForTechsOnly=said.internal,
        Body=words.body(message, tokens, where),
        TicketSubject=ticket.subject,
        Recipients=", ".join(said.recipients),
    )
