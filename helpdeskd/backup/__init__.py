"""A backup of a whole installation: made while it runs, checked, and put back on an empty machine."""
