"""Mails that came back: what a report says of each recipient, whatever program wrote it. `read` is the way in."""
