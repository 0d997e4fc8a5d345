"""The only floor that changes a ticket: rows, history and outbox rows in one transaction. Plain synchronous functions."""
