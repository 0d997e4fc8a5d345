"""What tickets do by themselves when their time has come: one rule per file, a row each here. Rules know no database; desk.automation
runs those that are on.
"""

from __future__ import annotations

from helpdeskd.desk.rules import close_quiet, pending_over
from helpdeskd.desk.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    pending_over.RULE,
    close_quiet.RULE,
)
