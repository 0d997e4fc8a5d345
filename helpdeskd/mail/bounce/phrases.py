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
        insufficient system|system storage|under maintenance|shutting down|out of memory|queue file|no space left on device
        (?:server|system|service)\b.{0,20} (?:is )?(?:temporarily )?(?:overloaded|too busy)|internal (?:server )?error
        \b(?:ldap|directory|database|back-?end|datenbank|verzeichnisdienst)(?: (?:server|service|lookup))?:? (?:is |was |has |ist )?(?:\S{1,20} )?(?:down|un(?:available|reachable)|failure|failed|error|time-?out|timed out|(?:not|nicht) (?:available|reachable|respond\w*|verfügbar|erreichbar))\b
        \b(?:ldap|directory|database|datenbank)(?:fehler|-fehler)|temporary (?:directory|database|ldap|look ?up|verification)|because of maintenance|due to maintenance
        unverified address:? .{0,160}(?:in progress|connect(?:ion)? |timed out|temporar|delivery .{0,20}suspended|\b4(?:\d\d|\.\d\.\d)\b)|could not complete .{0,40}(?:callout|verif)
        """,
    ),
    (
        Reason.NETWORK,
        r"""
        dns (?:server )?failure|(?:resolver|dns|name ?server) (?:is )?(?:unreachable|down|not reachable)
        (?:host|domain|name) not found,? (?:please )?try again|temporary (?:dns|name|resolution)|no route to host|\bservfail\b
        (?:dns|resolver|name service|name ?server)\b.{0,40}(?:temporar\w+|tim(?:e|ed)[ -]?out|try again|(?:not|no) (?:respon|answer))
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
        Reason.BLOCKED,  # the name that we greet by
        r"""
        \b(?:invalid|bad|wrong|unknown|no such|unresolvable)\b.{0,30}\b(?:helo|ehlo)\b|\b(?:helo|ehlo)\b.{0,60}(?:invalid|unknown|no such|not (?:found|exist|known|valid)|doesn't exist)
        """,
    ),
    (
        Reason.SENDER,  # the recipient takes mail from some alone, and not from us
        r"""
        \b(?:you|sender|recipient|address|user|mail ?box)\b.{0,30}\bnot\b(?: \S{1,30}){0,6} (?:white|allow|safe) ?-?list|list of (?:allowed|approved|permitted) senders
        (?:does not|doesn't|do not|don't) accept (?:any )?(?:e-?)?mails? from
        """,
    ),
    (
        Reason.FILTERED,
        r"""
        \b(?:mail ?box|user|recipient|account|address|person)\b(?: <>)? (?:does not|doesn't|do not) accept (?:e-?)?mail
        """,
    ),
    (
        Reason.HOST_UNKNOWN,
        r"""
        no smtp service|no data record of (?:the )?requested type|all host address lookups failed|unknown qualify host
        illegal host/domain|domain doesn't exist|reject all mails
        (?:\b(?:domain|host|site|system|server)|(?<![@\w.-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}) (?:\S{1,80} )?(?:does not|do not|doesn't) accept (?:any )?(?:e-?)?mail
        account or domain may not exist|dns error(?!: could not contact)|host or domain name not found|domain name not found|nxdomain
        (?<![@\w.-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4} (?:does not|doesn't) exist
        (?<!sender )domain (?:name )?(?:does not|doesn't) exist|(?<!policy of )(?<!policy of the )recipient(?:'s)? domain .{0,40}(?:not|unknown|invalid|doesn't)
        (?<!sender )(?<!sending )(?<!sender's )\bdomain \S{1,80} (?:couldn't|could not|cannot|can't) be (?:found|resolved|located)
        """,
    ),
    (
        Reason.AUTHENTICATION,
        r"""
        \bdmarc\b|\bdkim\b|\bspf\b|sender policy framework|unauthenticated e-?mail
        (?:message|mail|e-?mail) (?:is |was )?(?:not authenticated|failed authentication)
        authentication (?:levels?|checks?|results?|fail\w*)|fail\w* (?:to pass )?(?:e-?mail |sender |domain )?authentication|sender is unauthenticated
        """,
    ),
    (
        Reason.BLOCKED,
        r"""
        invalid ip|black ?-?list|block ?-?list|\bdnsbl\b|\brbls?\b|\bspamhaus\b|spamcop|senderbase|barracudacentral|\bsorbs\b
        uceprotect|abuseat|sender ?score|real-?time block|blocked using
        (?:ip|host|server|client|address|network|connection)s?(?: \S{1,60})? (?:is|was|has been|are|were) (?:temporarily |currently |permanently )?(?:blocked|banned|denied|listed|rejected)
        reputation|reverse dns|\brdns\b|\bptr\b|reverse (?:host|lookup|mapping|address|name|record|entry|resolution)
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
        your (?:mail ?)?(?:server|host|helo)\b.{0,60}(?:exist|unknown|not known|not found|invalid|resolv)|(?:unknown|invalid) (?:client )?host \[?\d
        bad ip|ip address \S{3,60} (?:rejected|blocked|refused)|not permitted to (?:connect|send)
        \b(?:sbl|xbl|pbl|cbl|dbl|css|dnsbls?|rhsbl|surbl|uribl)\b|(?:deny|reject|ban) ?list(?:ed)?\b|(?:ip|host|server|client|network)s? (?:is |are |has been |was )?banned
        \bip=[\d.]{7,15} - |(?:spam|abuse) (?:source|complaints)|(?:helo|ehlo)\b.{0,60}(?:invalid|bad|must|need|required|mismatch|qualified|resolv)
        (?:invalid|bad|wrong|need|require\w*)\b.{0,30}\b(?:helo|ehlo)\b|fully[- ]qualified host ?name
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
        blocked senders?\b|sender .{0,40}(?:block|black|deny|ban)(?:ed)? ?list|sendernotauthenticated|permissions? to (?:send|deliver|submit)
        send as (?:this|the)|sender (?:isn't|is not|not)\b|external senders?|callback setup|(?:does not|doesn't) want|verif\w+ (?:of )?(?:the )?sender|block\w* (?:the |this |your )?sender
        sender(?:'s)? (?:address )?(?:call(?:out|back)|could not be verified|is not verified|restrict\w+|reputation)
        (?:not|isn't|aren't) (?:allowed|authori[sz]ed|permitted) to (?:send|e-?mail|write|use)|(?:sender|from|return)[- ]address .{0,40}(?:not (?:exist|found|valid)|doesn't|unknown)
        (?:group|gruppe|groupe|grupo|gruppo|groep|группа|група)\b.{0,200}(?:permission|berechtig|autoris|permiso|permiss|autorizz|rechten|разрешен|дозв)
        google groups
        """,
    ),
    (
        Reason.USER_UNKNOWN,
        r"""
        \buser unknown|\bunknown user\b|\bno such (?:user|recipient|mail ?box|account)\b
        (?:user|recipient|account|mail ?box|address)(?: \S{1,80})? (?:does(?: not|n't)|do(?: not|n't)|is not|not) exist
        """,
    ),
    (
        Reason.POLICY,
        r"""
        \b(?:message|mail|e-?mail|transaction|connection|content|delivery)s?\b.{0,60}\b(?:for|due to|because of|violat\w+) (?:\S{1,20} ){0,3}polic(?:y|ies)
        polic(?:y|ies) (?:reasons?|violations?|restrictions?)
        """,
    ),
    (
        Reason.TOO_MUCH,
        r"""
        (?:unusual|high|excessive) (?:rate|volume|number) of|rate ?-?(?:limit|control)|frequen\w+ (?:is |was )?limit|throttl|slow (?:it )?down
        too (?:fast|frequent\w*|much traffic)|too many (?!hops|received)
        (?:exceed\w*|over|reached) .{0,80}(?:\brate\b|per (?:hour|day|minute|second)|hourly|daily)|(?:hourly|daily) (?:limit|quota|maximum)|limit (?:for|of) the number of (?:messages|mails|recipients)
        trop de (?:connexions|messages|destinataires)
        """,
    ),
    (
        Reason.CONTENT,
        r"""
        \bspam(?!haus|cop)|\bubem?\b|unsolicited|bulk mail|junk ?mail|phish|virus|malware|infected|worm\b|trojan
        (?:message|mail|content|body|header|attachment|file)s? (?:\S{1,40} )?(?:was |is |has been |were |are )?(?:content )?(?:blocked|refused|prohibited|forbidden|suspicious|malformed|not allowed|banned)
        message content rejected|content (?:filter|rejected|restriction)|header error|invalid header|bad header
        (?:attachment|file).{0,40}(?:not (?:allowed|permitted)|potential)
        \b(?:missing|without|lacks?|lacking|duplicate|multiple|invalid|malformed|improper\w*)\b.{0,30}\b(?:headers?|message-?id|mime|date field)\b
        \b(?:malicious|harmful|dangerous|fraud\w*|scam|anti-?(?:spam|virus)|ransomware|macros?|executables?)\b|file (?:types?|extensions?)\b
        (?:attachment|charset|message-? ?id|subject|file ?name|header)\b.{0,30}(?:invalid|not valid|illegal)|\burls?\b
        (?:illegal|bad|forbidden|unsafe|suspicious|unwanted|prohibited) (?:attachment|file|content)|body type|(?:unsupported|not supported) (?:media|character|charset|encoding)|content[- ]type
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
        muito grande|troppo grande|te groot|(?:message|mail|e-?mail|letter)(?: is)? too (?:long|heavy)|\btoo long for
        (?:message|mail|size|attachment)\w*\b.{0,60}(?:maximum|max\.?|limit|allowed|permitted) (?:\S{1,20} ){0,2}(?:size|length|bytes|kb|mb)|recipsizelimit|(?:maximum|max\.?) (?:allowed |message |mail )?(?:size|length)
        слишком (?:больш|велик)|サイズ.{0,20}(?:超|大き)|(?:邮件|郵件|信件|附件).{0,20}(?:过大|過大|太大|超过|超過)
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
        exceeded (?:storage|allocation|its)|full mailbox|out of (?:\S{1,20} ){0,2}(?:space|storage)|overdrawn|too much mail\b|\bquota\b
        \b(?:is|are|was|too|already|almost) full\b|(?:storage|space|disk) (?:is |has been )?(?:full|exceeded|exhausted|used up)
        boite.{0,40}pleine|espace .{0,40}(?:satur|insuffisant|dépass)|\bkvot|dolu\b|megtelt|täynnä|plná|가득|용량.{0,10}(?:초과|부족)|đầy
        (?:postfach|mailbox|speicher|quota|kontingent|limit)\w*\b.{0,40}(?:voll|(?:ü|ue)ber(?:schritten|f(?:ü|ue)llt)|ersch(?:ö|oe)pft)
        bo[iî]te.{0,40}(?:pleine|satur[eé]e)|quota d[eé]pass[eé]|buzón.{0,40}(?:lleno|llena)|cuota.{0,20}(?:excedid|superad)
        caixa (?:postal |de correio |de entrada )?.{0,30}cheia|casella.{0,30}piena|postvak.{0,30}vol
        skrzynka.{0,30}(?:pełna|przepełniona)|переполнен|ящик.{0,30}полон|容量.{0,20}(?:超過|いっぱい|不足|超え)|一杯
        (?:邮箱|郵箱|信箱|空间).{0,20}(?:满|滿|不足)|月の容量
        """,
    ),
    (
        Reason.DISABLED,
        r"""
        account .{0,60}(?:(?:is|was|been|now) closed|cancell?ed)|(?:mail ?box|address|user) .{0,40}(?:is|was|been|now) closed|inactiv(?:e|ity)\b
        \b45\d[ -].{0,60}mail ?box (?:is )?unavailable|not enabled|gesperrt|stillgelegt|(?<!delivery )(?<!temporarily )(?:suspend|deactivat|disabl|terminat)(?:ed|ion)\b|停用|冻结|凍結|휴면|정지|заблокирован|отключ[её]н|ask.ya al|zablokowan|geblokkeerd|bloquead|bloccat
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
        graylist|(?:try|come) (?:again|back) (?:later|in \d|after)|\bin \d+ (?:seconds|minutes)\b
        """,
    ),
    (
        Reason.USER_UNKNOWN,
        r"""
        nobody (?:here|by|of|called|named|with)|any(?:body|one) (?:here|called|named|by|of)|(?:do not|don't|does not|doesn't) (?:know|recogni[sz]e) (?:that|this|the|who|any|user)
        \bleft (?:us|the|our)\b|existiert nicht|nicht (?:vorhanden|existent|bekannt)|no existe|n[ãa]o existe|non esiste|bestaat niet|nie istnieje|finns inte|findes ikke|finnes ikke
        (?:user|person|recipient|addressee)\b.{0,60}\bnot (?:with|at|employed|part of)\b|no longer accepted|not accepted (?:here )?any ?(?:more|longer)|no (?:directory )?(?:entry|record) (?:for|of)\b
        (?:utilisateur|adresse|destinataire|compte)\b.{0,40}(?:incorrect|erron)|(?:usuario|dirección|cuenta)\b.{0,40}incorrect
        nem létezik|neexistuje|\bei ole\b|\byok\b|unknown to (?:this|us|our|the)
        (?:invalid|unknown|bad|wrong|no such|undefined|unassigned|non-?existing|incorrect) (?:user ?name|login|user ?id|rcpt|recip\w*|inbox|e-?mail|(?:mail )?address|destination|mail ?drop|local part)
        (?:cannot|can't|could not|couldn't|unable to|failed to) (?:find|locate|verify|resolve|identify|look ?up) .{0,30}(?:user|recipient|mail ?box|account|address|alias|addressee)
        (?:recipient|address|user|mail ?box)s? (?:cannot|could not|can't|couldn't) be (?:verified|validated|resolved|located)
        (?:recipient|address) (?:address )?(?:verification|verify|validation) (?:fail|error)\w*|unverified (?:recipient|address)|address rejected
        (?:has|have) left (?:the|our|this|us)\b|no longer (?:employed|works?|working|here|in (?:use|service)|used|our|a (?:valid|member|customer)|receiv\w+|monitored)
        (?:account|mail ?box|user|address|recipient|alias)\b.{0,60}\b(?:deleted|removed|purged|erased|retired|abandoned)
        \bnot? exist(?:s|ing)?\b|\bdoesnt exist|existe (?:pas|plus)\b|\binconnue?s?\b|\bintrouvable|\bunbekannt(?!\w* (?:fehler|grund|ursache))|\bonbekend|\bsconosciut|\bdesconocid|\bdesconhecid|\binexist\w+
        ismeretlen|tuntematon|bulunamad|bilinmeyen|không tồn tại|άγνωστ|δεν υπάρχει|nieznan|neznám|necunoscut|nu există|непозна|не знайден|невідом|отсутствует|нет такого
        (?:查无|查無|无此|無此|没有此|沒有此|没有该|沒有該|不存在)|(?:존재하지|등록되지) 않|없는 (?:사용자|주소|계정)|알 수 없는
        not a valid (?:recipient|user|mailbox|address)|this address no longer accepts|invalid final delivery userid|no local user
        name & address book|nicht im .{0,40}(?:verzeichnis|aufgeführt)|nicht .{0,20}(?:aufgeführt|aufgelistet)|répertoire|no figura en|non (?:è )?elencat
        recipnotfound|wasn't found at|couldn't be found|mailbox unavailable|address unknown|unknown address
        (?:unknown|illegal|invalid|bad|no such|nonexist\w+|non-exist\w+|unrouteable|unroutable|undeliverable|unrecognized|unregistered|incorrect) (?:or illegal )?(?:local |virtual |e-?mail |mail |destination |alias |local-?part )?(?:user|recipient|account|mail ?box|address(?!.{0,20}(?:literal|from))|addressee|person|member|customer|alias|name\b|local[- ]part|subscriber)
        \b(?:user|number|recipient|account|mail ?box|address|addressee|alias|person|member|customer|subscriber|local[- ]part|name|(?<!message[- ])id|username|mailbox name)\b.{0,80}?(?:unknown|not (?:be )?(?:found|known|exist|registered|listed|recognized|valid|available|a valid|in (?:our|the|my))|does(?: not|n't) exist|do(?: not|n't) exist|no longer (?:exist|valid|available|active|in|with|at|an|work)|invalid|is not (?:a )?(?:known|valid|local|here|registered)|isn't|couldn't be found|wasn't found|never existed|non-?exist|not local|cannot be found|could not be found|rejected\.?$|unavailable|doesn't have|has no\b|ambiguous)
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
        (?:empf(?:ä|ae)nger|benutzer|postfach|adresse|e-?mail-?adresse|konto|teilnehmer)\b.{0,80}(?:unbekannt|nicht (?:gefunden|bekannt|vorhanden|existier|gültig|verfügbar)|existiert nicht|ungültig)
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
        no match(?:es)? (?:to|for) (?:the )?name ?server|(?:no|couldn't find any) (?:mx|dns|a record|route(?! to host)|valid mx|mail exchanger|host)|domain name not found
        (?:host|domain)(?: name)? (?:is |was )?(?:un(?:resolv\w+|route?able|known)|not (?:resolv\w+|registered|configured|valid|hosted|handled|served|local))|(?:do not|don't|does not) (?:host|serve|handle) (?:that|this|the|any) domain|no such (?:sub)?domain|\bhostnotfound
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
        (?:time ?out|timed out|retry (?:time|limit)|delivery (?:time|attempts?)|queue (?:time|life)|lifetime)\b.{0,40}(?:exceeded|expired|too long|reached)
        message\b.{0,40}(?:exceeded|expired|too long)
        expired|too long|giving up(?! on)|(?:delivery )?failed \d+ attempts|timed out|time-?out|been failing for a long time
        retry timeout|unable to deliver in \d|could not (?:be )?deliver\w* (?:for|within)|not yet been delivered
        will (?:be retried|keep trying|try again|continue)|has been delayed|delayed|did not accept our requests
        (?:in|on) (?:the |our )?queue (?:for|too|since)|giv(?:e|ing) (?:it |this )?up(?! on)|queue\.expired|(?:for|after|in|within) (?:more than )?\d+(?:\.\d+)? ?(?:hours?|days?|h|d)\b
        undelivered after|not able to deliver .{0,40}(?:hours|days)|w?urde nicht innerhalb
        """,
    ),
    (
        Reason.NETWORK,
        r"""
        connection (?:refused|reset|lost|closed|failed|dropped|attempt)|no route
        network (?:error|is unreachable|unreachable)|unreachable|not reachable
        (?:could not|couldn't|cannot|can't|unable to|wasn't able to|not able to) (?:connect|establish|reach|contact)
        (?:tcp|socket|handshake|transport|session|connection)\b.{0,30}(?:error|fail\w*|closed|aborted|timeout)|(?:no|did not|not) (?:answer|respond)\w*|broken pipe|host is down
        establish an smtp connection|peer (?:closed|reset)|\bssl\b|certificate|routing loop|loop\b
        socket error|mail loop|loop(?:s|ing)? (?:back|detected)|too many hops|hop count|lost connection|bad dns
        name server|nameserver|tls\b|starttls
        """,
    ),
    (
        Reason.POLICY,
        r"""
        polic(?:y|ies)|(?:not|un)(?: |-)?(?:authori[sz]ed|authenticated|allowed|permitted|accepted)
        (?:held|waits|waiting) for .{0,30}(?:verification|approval|confirmation|moderat)|not welcome|\bcountr(?:y|ies)\b|smtp auth(?:entication)?|(?:log ?in|authenticat\w+) (?:is )?(?:required|first|needed)|must (?:authenticate|log ?in)|regel|richtlini|polit(?:ique|ica|yk)|политик
        rejet[ée]|refus[ée]|rechaz|rifiutat|recusad|abgelehnt|verweigert|geweigerd|odrzucon|отклон|拒否|拒绝|拒絕|거부
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
    said = _TELLER.sub(" ", said)
    return next((reason for reason, row in _ROWS if row.search(said)), Reason.UNKNOWN)


_ADDRESS = re.compile(r"<?[^\s<>\"'()\[\]:;,@]{1,254}@[^\s<>\"'()\[\]:;,@]{1,255}>?")
# Who said it is no part of it: `host mx.example said: 451 invalid state` knows no invalid host.
_TELLER = re.compile(
    r"\b(?:remote )?(?:host|server)(?: \S{1,255})?(?: \[[0-9a-f.:]{3,45}\])?:? (?:said|(?=smtp error))"
)
_LINK = re.compile(r"https?://\S+")
