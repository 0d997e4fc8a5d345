"""Which addresses are ours: read from the store now and then, asked by the doors at every RCPT without touching it."""

from __future__ import annotations

from collections.abc import Mapping

from helpdeskd.desk import departments
from helpdeskd.errors import Temporary
from helpdeskd.mail.ids import split_detail
from helpdeskd.store.engine import Store


class AddressBook:
    """The departments' addresses as last read. A store that is down leaves the last book in force, so doors stay open."""

    def __init__(self) -> None:
        self._book: Mapping[str, int] | None = None

    def refresh(self, store: Store) -> None:
        """Read it anew. Raises Temporary when the store cannot be read; the old book stays."""
        self._book = store.read(departments.address_book)

    def accepts(self, recipient: str) -> bool:
        """Is mail for this recipient ours? Its +detail does not matter; postmaster of our domains is (RFC 5321 section 4.5.1).

        Raises Temporary while nothing has been read yet.
        """
        if self._book is None:
            raise Temporary("the address book has not been read yet")
        base, _ = split_detail(recipient.lower())
        if base in self._book:
            return True
        local, _, domain = base.rpartition("@")
        return local == "postmaster" and any(address.endswith(f"@{domain}") for address in self._book)

    def is_ours(self, address: str) -> bool:
        """Is this one of our own addresses (with or without +detail)? Nothing is while nothing has been read."""
        return self._book is not None and split_detail(address.lower())[0] in self._book
