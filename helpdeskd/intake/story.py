"""The story of a mail that has come in, as the log and the counters tell it."""

from __future__ import annotations

from collections import Counter

from helpdeskd import log, metrics
from helpdeskd.desk import receive
from helpdeskd.log import Event
from helpdeskd.model.mail import Door
from helpdeskd.model.outgoing import Ceiling
from helpdeskd.model.routing import Outcome

_log = log.get("intake")

_EVENTS = {
    Outcome.OPENED: Event.OPENED,
    Outcome.APPENDED: Event.APPENDED,
    Outcome.COMMAND: Event.COMMANDED,
    Outcome.DUPLICATE: Event.DUPLICATE,
}


def tell(arrived: receive.Arrived, results: tuple[receive.Received, ...]) -> None:
    """The mail's story, once it is true: for each ticket the decision and what came of it, then the mails it caused."""
    mail = {"spool": arrived.spool_id, "message": arrived.inbound.message_id}
    if arrived.door is Door.PIPE and not results[0].replayed:  # the other doors say so themselves, when it is true
        metrics.received(arrived.door.value)
        _log.info(
            Event.RECEIVED,
            spool=arrived.spool_id,
            door=arrived.door.value,
            sender=arrived.sender,
            recipients=len(arrived.recipients),
            size=arrived.inbound.size,
        )
    for result in results:
        if result.replayed:
            _log.info(Event.DUPLICATE, **mail, reason="replay", outcome=result.outcome.value, ticket=result.number)
        else:
            metrics.settled(arrived.door.value, result.outcome.value)
        for done in result.done:
            decision = done.decision
            known = {
                **mail,
                "department": result.department,
                "ticket": done.number,
                "reason": decision.reason.value,
            }
            evidence = ", ".join(decision.evidence)
            _log.info(
                Event.ROUTED,
                **known,
                door=arrived.door.value,
                action=decision.action.value,
                verdict=arrived.verdict.value,
                evidence=evidence,
            )
            _log.info(_EVENTS.get(done.outcome, Event.KEPT), **known, outcome=done.outcome.value)
        for back in result.told.bounced:
            _log.warning(
                Event.BOUNCED,
                spool=arrived.spool_id,
                ticket=result.number,
                outbox=back.mail.id,
                notice=back.mail.notice.value,
                recipient=back.mail.recipient,
                message=back.mail.mail_id,
                reason=back.words,
                **({"muted": True} if back.muted else {}),
            )
        for mail_out in result.told.queued:
            _log.info(
                Event.QUEUED,
                spool=arrived.spool_id,
                ticket=mail_out.number,
                notice=mail_out.notice.value,
                recipient=mail_out.recipient,
                message=mail_out.mail_id,
            )
        kept_back = Counter((each.notice, each.why) for each in result.told.skipped if isinstance(each.why, Ceiling))
        for (notice, why), count in kept_back.items():
            _log.warning(
                Event.WITHHELD,
                spool=arrived.spool_id,
                ticket=result.number,
                notice=notice.value,
                reason=why.value,
                count=count,
            )
        for skip in result.told.skipped:
            _log.debug(
                Event.SKIPPED,
                spool=arrived.spool_id,
                ticket=result.number,
                notice=skip.notice.value,
                recipient=skip.recipient,
                reason=skip.why.value,
            )
