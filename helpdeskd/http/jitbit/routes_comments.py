"""What is said in tickets."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_comments, shapes_comments, views_comments

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST",     "/comment /comment/{id}",                 views_comments.create_comment, params=asks_comments.NewComment, result=(int,), files=True),
    Route("POST",     "/updatecomment /updatecomment/{id}",           views_comments.update_comment, params=asks_comments.ChangedComment),
    Route("GET POST", "/comments /comments/{id}", views_comments.list_comments, params=asks.OneById, result=(list[shapes_comments.Comment],)),
    Route("POST",     "/ForwardTicket /ForwardTicket/{id}",           views_comments.forward_ticket, params=asks_comments.Forward, files=True),
)
# fmt: on
