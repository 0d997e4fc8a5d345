"""Where tickets live: SQLAlchemy Core on SQLite or PostgreSQL, and blobs as files named by their SHA-256."""
