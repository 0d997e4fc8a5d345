"""Parsing in a process of its own: bytes of strangers may crash, hang or starve it, and never the daemon."""
