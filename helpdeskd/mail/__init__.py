"""What a mail is: bytes to Inbound, Draft to bytes, and the small sciences between. Pure: no database, no I/O."""
