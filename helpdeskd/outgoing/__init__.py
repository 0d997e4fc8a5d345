"""The way out: outbox row -> rendered -> composed -> sent -> the truth recorded."""
