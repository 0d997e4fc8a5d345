"""Alembic's scripts: one file in versions/ for each change of the schema, written by hand. HEAD is the newest."""

from __future__ import annotations

from pathlib import Path

HEAD = "0005"
SCRIPTS = Path(__file__).resolve().parent
