"""Frozen records and enums that all floors speak, split by noun. No logic beyond what a record says of itself."""
