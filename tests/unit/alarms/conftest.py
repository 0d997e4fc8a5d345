"""The installation of the audit's tests, for alarms."""

from __future__ import annotations

from tests.unit.audit.conftest import site

__all__ = ["site"]
