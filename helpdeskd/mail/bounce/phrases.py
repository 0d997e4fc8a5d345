"""What servers say, and what they mean by it. One row per reason; the first row that fits decides, so the rows that speak of
something narrower stand above those that use the same words for something wider.

The words are looked at in lower case, runs of white space as one space, typographic apostrophes as plain ones.
"""

from __future__ import annotations

import re

from helpdeskd.model.mail import Reason

_TABLE: tuple[tuple[Reason, str], ...] = (
    (
        Reason.SYSTEM,
        r"""
        lowest numbered mx|remote host address is the local host|returned (?:69|70|71|72|73|74|75)\b|local delivery failed|could mean
        unknown mailer error|(?:can't|couldn't|cannot|could not) create|mailer error|command died|command output|x-unix
        """,
    ),
    (
        Reason.MOVED,
        r"""
        (?:mailbox|user|recipient|account|address) has (?:been )?(?:moved|changed)|has moved(?:,| to| away)
        moved, no forwarding|no forwarding address|no longer at this address|user has moved
        new (?:e-?mail )?address is|address has been changed|neue (?:e-?mail-?)?adresse lautet
        nouvelle adresse (?:est|:)
        """,
    ),
    (
        Reason.HOST_UNKNOWN,
        r"""
        no smtp service|no data record of (?:the )?requested type|all host address lookups failed|unknown qualify host
        illegal host/domain|domain doesn't exist|reject all mails|does not accept (?:e-?)?mail|do not accept (?:e-?)?mail
        account or domain may not exist|dns error(?!: could not contact)|host or domain name not found|domain name not found|nxdomain
        (?<!sender )domain (?:name )?(?:does not|doesn't) exist
        """,
    ),
    (
        Reason.AUTHENTICATION,
        r"""
        \bdmarc\b|\bdkim\b|\bspf\b|sender policy framework|unauthenticated e-?mail
        (?:message|mail|e-?mail) (?:is |was )?(?:not authenticated|failed authentication)
        """,
    ),
    (
        Reason.BLOCKED,
        r"""
        invalid ip|black ?-?list|block ?-?list|\bdnsbl\b|\brbls?\b|\bspamhaus\b|spamcop|senderbase|barracudacentral|\bsorbs\b
        uceprotect|abuseat|sender ?score|real-?time block|blocked using
        (?:ip|host|server|client|address|network|connection)s?(?: \S{1,60})? (?:is|was|has been|are|were) (?:temporarily |currently |permanently )?(?:blocked|banned|denied|listed|rejected)
        reputation|reverse dns|\brdns\b|\bptr\b|reverse (?:host|lookup|mapping|address)
        cannot find your (?:reverse )?hostname|ip name lookup|unverifyable sending|cannot resolve your
        does not resolve|forward-confirmed|fcrdns
        (?:client host|helo(?: command)?|connection) (?:\S{1,80} )?(?:rejected|refused by policy)
        no access from mail server|open relay|open proxy|dynamic(?:ally)? (?:ip|assigned|address)|dial-?up|residential
        may not be mail exchanger|smtp server of your (?:isp|provider)|use your (?:isp|provider)'s
        contact your internet service provider|messages? from \S{3,45} (?:weren't|were not|was not|wasn't) sent
        refused to talk to me|access denied.{0,60}(?:ip|host|server)
        your (?:ip|host|server|network)\b.{0,60}(?:denied|blocked|rejected|refused|not allowed|unauthorized)
        (?:connections? )?not accepted from (?:servers|hosts|your)
        (?:temporarily )?deferred due to (?:user complaints|unexpected volume)|\[ts0\d\]|\[tss?\d\d\]
        part of their network is on|mail from \S{3,60} (?:is )?(?:refused|rejected|denied|blocked)|banned sending ip
        bad ip|ip address \S{3,60} (?:rejected|blocked|refused)|not permitted to (?:connect|send)
        you are not allowed to connect
        """,
    ),
    (
        Reason.SENDER,
        r"""
        [eé]metteur|exp[eé]diteur.{0,40}(?:invalide|refus|rejet)|absender.{0,40}(?:abgelehnt|ungültig|unbekannt)
        not (?:a )?(?:member|subscriber)|non-?member|members only
        sender (?:address |domain |e-?mail |mail )?(?:\S{1,80} )?(?:was |is |has been )?(?:rejected|refused|denied|blocked|invalid|unknown|not (?:allowed|found|accepted|valid|exist))
        domain of sender|sender'?s? (?:address |domain )?(?:does not|doesn't|must|cannot|could not|verify|domain)
        sender verif(?:y|ication)
        (?:invalid|unknown|bad|unresolvable|illegal|malformed) (?:sender|return[- ]path|from)
        (?:invalid|bad) address in (?:the )?from|from: ?domain is invalid|valid from
        return path .{0,30}(?:invalid|rejected)|(?:null|empty|blank) (?:sender|envelope|return path)
        does not accept bounces|you are not allowed to post|may not have permission to post
        not (?:allowed|authorized|permitted) to (?:post|send) (?:messages? |mail )?to (?:this|the)
        only (?:members|subscribers)
        (?:group|gruppe|groupe|grupo|gruppo|groep|группа|група)\b.{0,200}(?:permission|berechtig|autoris|permiso|permiss|autorizz|rechten|разрешен|дозв)
        google groups
        """,
    ),
    (
        Reason.CONTENT,
        r"""
        \bspam(?!haus|cop)|\bubem?\b|unsolicited|bulk mail|junk ?mail|phish|virus|malware|infected|worm\b|trojan
        (?:message|mail|content|body|header|attachment|file)s? (?:\S{1,40} )?(?:was |is |has been |were |are )?(?:content )?(?:blocked|refused|prohibited|forbidden|suspicious|malformed|not allowed|banned)
        message content rejected|content (?:filter|rejected|restriction)|header error|invalid header|bad header
        (?:attachment|file).{0,40}(?:not (?:allowed|permitted)|potential)
        contains? (?:a )?(?:url|link|banned|prohibited)|8-?bit .{0,40}(?:headers?|data|not)|bare (?:lf|cr)|rfc ?2822
        rfc ?5322|\bmime\b.{0,40}(?:error|invalid|malformed)
        """,
    ),
    (
        Reason.RELAYING,
        r"""
        relay(?:ing)?(?: access| to \S{1,80}| mail| of mail)? (?:is )?(?:denied|not (?:permitted|allowed)|prohibited|refused|rejected)
        (?:do(?:es)? not|don't|unable to|cannot|not permitted to|not allowed to|refus\w+ to) relay
        relaying (?:denied|disallowed)|not (?:a |an |our )?(?:relay|gateway)\b|in my list of allowed rcpthosts
        isn't in my (?:control/)?(?:locals|rcpthosts)
        """,
    ),
    (
        Reason.TOO_LARGE,
        r"""
        (?:message|mail|e-?mail|size|attachment)s?\b.{0,60}(?:too (?:big|large)|exceed\w* .{0,60}(?:size|maximum|limit|length)|(?:size|length) (?:limit )?(?:exceed|restriction))
        (?:size|length) limit exceeded|mail size limit|too large|too big|message (?:size|length) exceeds
        exceed\w* (?:the )?(?:maximum|fixed|max\.?) (?:message |allowed )?(?:size|length)|larger than
        überschreitet .{0,40}größe|nachricht(?:.{0,20})? zu groß|trop (?:volumineux|gros)|demasiado grande
        muito grande|troppo grande|te groot
        """,
    ),
    (
        Reason.MAILBOX_FULL,
        r"""
        (?:mail ?box|mail ?folder|mail ?spool|account|user|recipient|inbox|disk|storage|maildir|mail ?drop)\b.{0,60}(?:\bfull\b|over(?:[- ]?(?:its |the |their )?quota)|quota|exceed\w* .{0,30}(?:limit|space|storage|allocat|allow|size)|out of space)
        quota (?:exceed|violat|full|limit)
        (?:over|exceed\w*|out of|above) (?:the |its |their |his |your |disk |storage |mail ?box |mail |e-?mail |allocated |allowed |maximum |space |size )*quota
        disk quota|overquota|quota for|insufficient (?:system |disk )?storage
        not enough (?:storage |disk |mail ?box )?space|no (?:more )?(?:space|room) (?:left|available|for)
        box space not enough|too many messages in|mailbox size|maximum (?:allowed )?(?:mail ?box|storage)
        exceeded (?:storage|allocation|its)|full mailbox
        (?:postfach|mailbox|speicher|quota|kontingent)\b.{0,40}(?:voll|über(?:schritten|füllt)|erschöpft)
        bo[iî]te.{0,40}(?:pleine|satur[eé]e)|quota d[eé]pass[eé]|buzón.{0,40}(?:lleno|llena)|cuota.{0,20}(?:excedid|superad)
        caixa (?:postal |de correio |de entrada )?.{0,30}cheia|casella.{0,30}piena|postvak.{0,30}vol
        skrzynka.{0,30}(?:pełna|przepełniona)|переполнен|ящик.{0,30}полон|容量.{0,20}(?:超過|いっぱい|不足|超え)|一杯
        (?:邮箱|郵箱|信箱|空间).{0,20}(?:满|滿|不足)|月の容量
        """,
    ),
    (
        Reason.DISABLED,
        r"""
        archivée?|archived recipient|mailbox is disabled|dormant|closed account|account closed|on hold
        (?:account|mail ?box|user|recipient|address|e-?mail|domain)\b.{0,80}(?:disabled|suspended|inactive|deactivated|locked|frozen|discontinued|expired|terminated|not active|temporarily unavailable|blocked for)
        account (?:that )?you tried to reach is disabled
        (?:disabled|suspended|inactive|deactivated|locked|frozen) (?:account|user|mail ?box|recipient|address)
        not active|is (?:currently )?(?:suspended|disabled|deactivated|inactive)|konto .{0,40}(?:gesperrt|deaktiviert)
        (?:compte|bo[iî]te) .{0,40}(?:d[eé]sactiv|suspendu)|cuenta .{0,40}(?:desactiv|suspend)
        """,
    ),
    (
        Reason.TOO_MUCH,
        r"""
        too many (?:connections|recipients|messages|mails|concurrent|sessions|errors|hops (?!.)|invalid)|rate ?-?limit
        sending rate|throttl|exceeded .{0,40}(?:hourly|daily|per (?:hour|day|minute)|rate|connections)
        max(?:imum)? (?:number of )?(?:connections|recipients|messages|defers)|receiving mail at a rate|grey-?list
        graylist|try again (?:later|in \d)
        """,
    ),
    (
        Reason.USER_UNKNOWN,
        r"""
        not a valid (?:recipient|user|mailbox|address)|this address no longer accepts|invalid final delivery userid|no local user
        name & address book|nicht im .{0,40}(?:verzeichnis|aufgeführt)|nicht .{0,20}(?:aufgeführt|aufgelistet)|répertoire|no figura en|non (?:è )?elencat
        recipnotfound|wasn't found at|couldn't be found|mailbox unavailable|address unknown|unknown address
        (?:unknown|illegal|invalid|bad|no such|nonexist\w+|non-exist\w+|unrouteable|unroutable|undeliverable|unrecognized|unregistered|incorrect) (?:or illegal )?(?:local |virtual |e-?mail |mail |destination |alias |local-?part )?(?:user|recipient|account|mail ?box|address(?!.{0,20}(?:literal|from))|addressee|person|member|customer|alias|name\b|local[- ]part|subscriber)
        (?:user|recipient|account|mail ?box|address|addressee|alias|person|member|customer|subscriber|local[- ]part|name|id|username|mailbox name)\b.{0,80}?(?:unknown|not (?:be )?(?:found|known|exist|registered|listed|recognized|valid|available|a valid|in (?:our|the|my))|does(?: not|n't) exist|do(?: not|n't) exist|no longer (?:exist|valid|available|active|in|with|at|an|work)|invalid|is not (?:a )?(?:known|valid|local|here|registered)|isn't|couldn't be found|wasn't found|never existed|non-?exist|not local|cannot be found|could not be found|rejected\.?$|unavailable|doesn't have|has no|ambiguous)
        (?:no|not a|isn't a|not have) (?:such |valid |known |existing |local )?(?:user|recipient|mail ?box|account|person|addressee|address|customer|subscriber|alias|one by that name)\b
        no (?:mailbox|user|account) (?:here|by|with|of|found)|user_unknown|\bnot our customer\b|not listed in
        unknown in (?:local|virtual|relay)|(?:doesn't|does not) have (?:a|an) \S{1,80} account
        does not like recipient(?!.{0,200}\b[245]\d\d)|(?:who are you|who is)[ ]|no valid recipients?
        recipientnotfound|resolver\.adr|no mail ?box|mail ?box (?:is )?(?:unavailable|not found|unknown)
        not a (?:local|final)[ ]|final email delivery point|(?:isn't|is not) (?:a )?(?:listed|in)[ ]
        there is no (?:such )?(?:user|one)|delivery to the .{0,20}is not authori[sz]ed
        recipient (?:name )?(?:is )?(?:not recognized|no longer)
        recipient address rejected(?:\.?$|[:;.,]? (?:user|undeliver|unverif|access denied|account|no such|unknown|\())
        000c05a6|unbekannter empf|(?:not|never) (?:been )?listed in .{0,40}(?:directory|address book|name)
        sorry, i couldn't find (?:any )?(?:mailbox|user)
        (?:empfänger|benutzer|postfach|adresse|e-?mail-?adresse|konto|teilnehmer)\b.{0,80}(?:unbekannt|nicht (?:gefunden|bekannt|vorhanden|existier|gültig|verfügbar)|existiert nicht|ungültig)
        unbekannte[rns]? (?:empf|benutzer|adress|teilnehmer)
        (?:adresse|destinataire|utilisateur|compte|bo[iî]te).{0,80}(?:n'existe (?:pas|plus)|inconnue?|introuvable|invalide|non recens)
        non recensé
        (?:dirección|usuario|destinatario|cuenta|buzón).{0,80}(?:no existe|desconocid|inválid|no (?:se )?encontr)
        (?:endereço|usuário|destinatário|conta).{0,80}(?:não existe|desconhecid|inválid|inexistente|não encontrad)
        (?:indirizzo|utente|destinatario|casella).{0,80}(?:non esiste|sconosciut|inesistente|non trovat)
        (?:gebruiker|adres|ontvanger).{0,60}(?:onbekend|bestaat niet|niet gevonden)
        (?:adres|użytkownik|odbiorca|konto).{0,60}(?:nie istnieje|nieznany)|uzivatel neexistuje|neexistuje
        (?:användare|mottagare|adress|bruger|modtager|bruker|mottaker).{0,60}(?:finns inte|okänd|findes ikke|ukendt|ukjent|finnes ikke)
        не существует|не найден|неизвестн|не існує|見つかりません|ディレクトリ.{0,20}ありません|(?:アドレス|宛先|ユーザ|受信者).{0,30}(?:存在し|見つから|不明|ありません)
        (?:用户|用戶|收件人|邮箱|地址|账号).{0,20}(?:不存在|无效|找不到)|(?:사용자|수신자|주소).{0,20}(?:없|찾을 수)
        """,
    ),
    (
        Reason.HOST_UNKNOWN,
        r"""
        (?:host|domain|server|site|system)\b.{0,60}?(?:unknown|not (?:be )?(?:found|known|exist|resolve|recogni[sz]ed)|does(?: not|n't) exist|couldn't be found|invalid|is not (?:valid|known)|no longer exist)
        (?:unknown|no such|invalid|illegal|bad|nonexistent|non-existent|unresolvable|unrouteable|unroutable) (?:mail )?(?:host|domain|destination|server|site)
        host or domain name not found|name service error|nxdomain
        (?:no|couldn't find any) (?:mx|dns|a record|route|valid mx|mail exchanger|host)|domain name not found
        name or service not known|dns error|mx .{0,40}(?:not found|lookup fail|invalid|does not exist)|nullmx|null mx
        couldn't find any host (?:named|by that name)|unable to (?:resolve|find|look ?up)|cannot resolve
        no hosts? (?:found|named)|domain (?:does not|doesn't) accept mail
        all relevant mx records point to non-existent|domain .{0,40}nicht gefunden|unbekannte dom
        domaine .{0,40}(?:inconnu|n'existe)|dominio .{0,40}(?:no existe|non esiste)
        """,
    ),
    (
        Reason.EXPIRED,
        r"""
        (?:time ?out|timed out|retry (?:time|limit)|delivery (?:time|attempts?)|queue (?:time|life)|message|lifetime)\b.{0,40}(?:exceeded|expired|too long|reached)
        expired|too long|giving up(?! on)|(?:delivery )?failed \d+ attempts|timed out|time-?out|been failing for a long time
        retry timeout|unable to deliver in \d|could not (?:be )?deliver\w* (?:for|within)|not yet been delivered
        will (?:be retried|keep trying|try again|continue)|has been delayed|delayed|did not accept our requests
        undelivered after|not able to deliver .{0,40}(?:hours|days)|w?urde nicht innerhalb
        """,
    ),
    (
        Reason.NETWORK,
        r"""
        connection (?:refused|reset|lost|closed|failed|dropped|attempt)|no route
        network (?:error|is unreachable|unreachable)|unreachable
        (?:could not|couldn't|cannot|can't|unable to|wasn't able to|not able to) (?:connect|establish|reach|contact)
        socket error|mail loop|loop(?:s|ing)? (?:back|detected)|too many hops|hop count|lost connection|bad dns
        name server|nameserver|tls\b|starttls
        """,
    ),
    (
        Reason.POLICY,
        r"""
        polic(?:y|ies)|(?:not|un)(?: |-)?(?:authori[sz]ed|authenticated|allowed|permitted|accepted)
        authentication required|authrequired|access denied|administrative(?:ly)? prohibit|prohibited|forbidden
        security|restricted|protocol violation|rejected|refused|denied|not accepting|blocked|suspicious
        """,
    ),
    (
        Reason.SYSTEM,
        r"""
        (?:system|server|service|local|internal|mailer|processing|configuration|config|operating system|resources?|software)\b.{0,40}(?:error|fail\w*|unavailable|problem|trouble|down|busy)
        service (?:currently )?(?:not|un)available|command (?:died|failed|output)|can'?t create
        cannot (?:open|create|write)|i/o error|temporary (?:error|failure|problem|lookup)|child process|aliasing
        recursive|closing (?:transmission|connection)|insufficient
        """,
    ),
)


def any_of(table: str) -> str:
    """One expression of a table that has its alternatives line by line."""
    return "|".join(line.strip() for line in table.strip().split("\n"))


_ROWS = tuple((reason, re.compile(any_of(row))) for reason, row in _TABLE)
_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'", "\u00b4": "'"})
_MAX = 4000  # characters that are looked at


def normal(words: str) -> str:
    return _SPACE.sub(" ", words[:_MAX].lower().translate(_QUOTES)).strip()


def reason_of(words: str) -> Reason:
    """What these words say, addresses left out: `unknown@example.org` is nobody's fault."""
    said = normal(_ADDRESS.sub(" <> ", _LINK.sub(" ", words[:_MAX])))
    return next((reason for reason, row in _ROWS if row.search(said)), Reason.UNKNOWN)


_ADDRESS = re.compile(r"<?[^\s<>\"'()\[\]:;,@]{1,254}@[^\s<>\"'()\[\]:;,@]{1,255}>?")
_LINK = re.compile(r"https?://\S+")
