"""Files of tickets."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, shapes_tickets, views_files

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Attachments /Attachments/{id}", views_files.list_files, params=asks.OneById, result=(list[shapes_tickets.Attachment],)),
    Route("GET POST", "/attachment /attachment/{id}",   views_files.show_file, params=asks.OneById, result=(bytes,)),
    Route("POST",     "/AttachFile /AttachFile/{id}",                    views_files.attach_files, params=asks.OneById, files=True),
    Route("GET POST", "/DeleteFile /DeleteFile/{id}",                    views_files.delete_file, params=asks.OneById),
)
# fmt: on
