"""Does a mail speak of a delivery that failed? Programs do so under names that no header gives away."""

from __future__ import annotations

import re

from helpdeskd.mail import ids

# What such mails are called. A person who writes about one rarely keeps the very words without a `Re:` or `Fwd:`.
_SUBJECT = re.compile(
    r"undeliver(?:able|ed)|un-?deliverable|returned (?:e-?mail|message|to sender)|return(?:ed|ing) (?:mail|message)|mail returned|"
    r"failure (?:notice|delivery|notification)|(?:mail|message|delivery|e-?mail|system|processing) (?:status )?(?:notification |system )?"
    r"(?:error|failure|failed|delayed)|delivery (?:status|report|notification|problem|unsuccessful|has failed|incomplete|to .{1,80} failed)|"
    r"(?:could|can) ?not (?:be )?(?:deliver|send|sent)|not (?:been )?delivered|mail fail|delivery .{0,30}(?:fail|error|impossible)|"
    r"failed (?:mail|message|delivery)|non-?delivery|\bndn\b|\bndr\b|mail delivery|mailbox full|user unknown|quota exceed|"
    r"unzustellbar|nicht zustellbar|zustell(?:ung|fehler|bericht)|unzustellbarkeit|non (?:remis|distribu|délivr|recapit|consegn)|"
    r"échec de (?:la )?(?:remise|distribution|livraison)|(?:error|fallo|imposible) .{0,20}(?:entrega|env[ií]o)|no se (?:ha )?(?:pudo|podido)|"
    r"não (?:foi )?(?:entregue|pôde)|falha (?:na|de) entrega|mancata consegna|mancato recapito|onbestelbaar|niet (?:afgeleverd|bezorgd)|"
    r"kan inte levereras|kunne ikke leveres|nie dostarczon|niedostarczon|nedoručiteln|nelze doručit|teslim edilemedi|"
    r"недоставлен|не доставлен|не может быть доставлен|ошибка доставки|配信(?:不能|エラー|できません)|送信(?:できません|エラー)|"
    r"メール.{0,6}エラー|エラー(?:メール|通知)|(?:are )?not (?:a )?member|届けられません|未送达|退信|无法投递|投递失败|系统退信|退回|반송|전송 실패",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"(?:can ?not|can't|could ?not|couldn't|was not|wasn't|were not|weren't|has not|have not|hasn't|not (?:yet )?|unable to) (?:yet )?(?:be |been |able to )*"
    r"(?:deliver|sent|send|reach|process|accept|complete)|undeliver|un-?able to deliver|wasn't able to|not able to deliver|"
    r"(?:error|problem|failure|fail(?:ed)?)\b[^.\n]{0,60}deliver|deliver\w*[^.\n]{0,60}(?:fail|error|delayed|impossible|problem|unsuccessful)|"
    r"did not reach|not a member|not member|not reach(?:ed)?|(?:was|were|been|has been|being|been) (?:returned|rejected|refused|bounced|delayed)|"
    r"(?:returned|rejected|refused|failed) (?:recipient|address|mail|message)|(?:unknown|invalid|no such|not a valid) (?:user|recipient|address|mail ?box)|"
    r"(?:user|recipient|mail ?box|address|account)[^.\n]{0,60}(?:unknown|not found|does(?: not|n't) exist|is full|over quota|quota exceeded|disabled|invalid|unavailable|no longer)|"
    r"(?:incorrectly constructed|malformed) |permanent (?:fatal )?(?:error|failure)|had (?:permanent|transient) |had delivery errors|"
    r"encountered an error|error (?:has )?occur|delivery failed|mailbox is full|mailbox full|quota|may not exist|smtp error|remote host said|"
    r"(?:^|\n)[ \t<>]*5\d\d[ -]|[45]\.\d\.\d{1,3} |status: [45]\.|unknown host|host unknown|user unknown|no valid recipients|"
    r"nicht (?:zugestellt|zustellbar|ausgeliefert|übermittelt)|unzustellbar|konnte nicht|n'a pas (?:pu|été)|n'ont pas|impossible de|non (?:remis|distribu|recapit|consegn)|"
    r"no (?:se )?(?:ha |han |pudo|pudieron|puede|podido)|no (?:existe|exista)|quizás no|não (?:pôde|foi|pode)|non è stato|impossibile|niet (?:worden )?(?:afgeleverd|bezorgd)|"
    r"kan (?:inte|ikke) |kunde inte|kunne ikke|nie (?:może|można|został)|nelze|nemohla|teslim edile|"
    r"не (?:может|могло|удалось|было|доставлен|існу)|недоставлен|можливо|送信(?:でき|に失敗|エラー)|配信(?:でき|に失敗|エラー|不能)|届け(?:でき|られ|る)|送達|"
    r"できません|ありません|存在しません|无法|失败|未能|退回|不存在|無法|失敗|실패|반송",
    re.IGNORECASE,
)
_MAX = 16 * 1024
_OPENING = 600  # characters in which a program has said what it is about; a person greets first
_GREETING = re.compile(
    r"\s*(?:hi|hello|dear|hey|hallo|guten tag|sehr geehrte|liebe|bonjour|hola|ciao|olá)\b(?!.{0,40}(?:mailer|qmail|program))",
    re.IGNORECASE,
)


def tells(subject: str, said: str) -> bool:
    """Does this speak of a failure at all? Asked of what headers call a report already."""
    return bool(_SUBJECT.search(subject[:500]) or _SAID.search(said[:_MAX]))


def named(subject: str) -> bool:
    return _SUBJECT.search(subject[:500]) is not None


def looks(subject: str, said: str, *, nameless: bool = False) -> str:
    """Why a mail whose headers do not say so looks like a report; empty where it does not.

    Both its name and how it begins must; `nameless`: the second is enough, for a mail that wants no answer.
    """
    base = ids.base_subject(subject)
    if not subject.lstrip().lower().startswith(base.lower()[:20]) or _GREETING.match(said):
        return ""
    told = _SAID.search(said.lstrip()[:_OPENING])
    match = _SUBJECT.search(subject[:500])
    if told is None or (match is None and not nameless):
        return ""
    return f"Subject: {match[0]}" if match else f"text: {' '.join(told[0].split())}"
