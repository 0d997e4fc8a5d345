"""What servers and filters say when they refuse a mail, in their ways, and what is to be understood by it.

Made up after the manner of many programs, and written down before the tables they test were: what is added here later comes
first here, too, and then there.
"""

# ruff: noqa: RUF001 - words in their own alphabets

from __future__ import annotations

import pytest

from helpdeskd.mail.bounce.judge import Said, judge
from helpdeskd.model.mail import Delivery, Fate, Reason, Severity

R = Reason
AT_RCPT, AT_DATA, AT_MAIL = (
    "(in reply to RCPT TO command)",
    "(in reply to end of DATA command)",
    "(in reply to MAIL FROM command)",
)

# The answer to the command that names the recipient. Only here words alone can make an address nobody's.
RCPT: tuple[tuple[str, Reason], ...] = (
    ("550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos (gsmtp)", R.USER_UNKNOWN),
    ("550-5.2.1 The email account that you tried to reach is inactive (gsmtp)", R.DISABLED),
    ("552-5.2.2 The recipient's inbox is out of storage space and inactive. Please direct the recipient to clear it (gsmtp)", R.MAILBOX_FULL),
    ("450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered (gsmtp)", R.TOO_MUCH),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient <> not found by SMTP address lookup", R.USER_UNKNOWN),
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR03.eop-EUR03.prod.protection.outlook.example]", R.USER_UNKNOWN),
    ("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", R.USER_UNKNOWN),
    ("550 5.7.1 Service unavailable, Client host [192.0.2.7] blocked using a list; to request removal visit our page AS(1450)", R.BLOCKED),
    ("550 #5.1.0 Address rejected.", R.USER_UNKNOWN),
    ("554 30 Sorry, your message to <> cannot be delivered. This mailbox is disabled (554.30).", R.DISABLED),
    ("552 1 Requested mail action aborted, mailbox not found", R.USER_UNKNOWN),
    ("550 5.1.1 <> User doesn't exist: carol", R.USER_UNKNOWN),
    ("550 5.1.1 unknown or illegal alias: carol", R.USER_UNKNOWN),
    ("550 Invalid Recipient - https://community.example/docs/550#mimecast", R.USER_UNKNOWN),
    ("550 Administrative prohibition - envelope blocked - https://community.example/550", R.POLICY),
    ("550 permanent failure for one or more recipients (carol:550 5.1.1 no mailbox by that name is currently available)", R.USER_UNKNOWN),
    ("550 No such user - psmtp", R.USER_UNKNOWN),
    ("550 cuda_nsu <>: Recipient address rejected: no such recipient here", R.USER_UNKNOWN),
    ("550 Requested action not taken: mailbox unavailable. For explanation visit our postmaster page, ip=192.0.2.7&c=uu", R.USER_UNKNOWN),
    ("554 Transaction failed. Reject due to policy restrictions. For explanation visit our postmaster page", R.POLICY),
    ("554 IP=192.0.2.7 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.example to clarify.", R.BLOCKED),
    ("550 user unknown; postmaster@x.example (t-online)", R.USER_UNKNOWN),
    ("550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_418", R.USER_UNKNOWN),
    ("550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]", R.FILTERED),
    ("421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104", R.TOO_MUCH),
    ("550 5.1.1 : Compte inexistant / Unknown account", R.USER_UNKNOWN),
    ("550 spam detected, votre adresse est temporairement bloquée", R.CONTENT),
    ("550 Message was not accepted -- invalid mailbox. Local mailbox <> is unavailable: user not found", R.USER_UNKNOWN),
    ("550 5.7.1 No such user!", R.FILTERED),
    ("550 Mailbox not found or access denied", R.USER_UNKNOWN),
    ("550 User not found: carol", R.USER_UNKNOWN),
    ("550 Mail box is not exist or disabled", R.USER_UNKNOWN),
    ("550 Ip frequency limited. http://service.mail.example/cgi-bin/help?id=20022", R.TOO_MUCH),
    ("550 Domain frequency limited", R.TOO_MUCH),
    ("550 MI:NHD too many mails from your host today", R.TOO_MUCH),
    ("553 Mailbox unavailable or access denied: carol, user does not exist", R.USER_UNKNOWN),
    ("550 5.1.1 unknown user <>: host said: Unknown user (docomo)", R.USER_UNKNOWN),
    ("550 Unknown user carol", R.USER_UNKNOWN),
    ("550 5.2.2 Mailbox full, try again when there is room", R.MAILBOX_FULL),
    ("552 5.2.2 Over quota", R.MAILBOX_FULL),
    ("452 4.2.2 The recipient has exceeded their quota", R.MAILBOX_FULL),
    ("550 5.1.1 <>: Recipient address rejected: User unknown in virtual mailbox table", R.USER_UNKNOWN),
    ("450 4.2.0 <>: Recipient address rejected: Greylisted, see http://postgrey.example/help", R.TOO_MUCH),
    ("451 4.7.1 Greylisting in action, please come back later", R.TOO_MUCH),
    ("451 You have been greylisted, please try again in 300 seconds", R.TOO_MUCH),
    ("454 4.7.1 <>: Relay access denied", R.RELAYING),
    ("550 5.7.1 Unable to relay", R.RELAYING),
    ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", R.RELAYING),
    ("550 relay not permitted", R.RELAYING),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", R.RELAYING),
    ("530 5.7.0 Authentication required", R.POLICY),
    ("550 Please turn on SMTP Authentication in your mail client", R.POLICY),
    ("511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", R.USER_UNKNOWN),
    ("550 sorry, no mailbox here by that name", R.USER_UNKNOWN),
    ("550 5.1.1 No such person at this address", R.USER_UNKNOWN),
    ("550 we don't know anybody called carol", R.USER_UNKNOWN),
    ("550 Recipient unknown here", R.USER_UNKNOWN),
    ("550 Account carol has been closed by its owner", R.DISABLED),
    ("550 5.2.1 Mailbox has been suspended for non-payment", R.DISABLED),
    ("550 Dieses Postfach existiert nicht", R.USER_UNKNOWN),
    ("550 El usuario no existe en este servidor", R.USER_UNKNOWN),
    ("550 Utente non trovato", R.USER_UNKNOWN),
    ("550 Пользователь не найден", R.USER_UNKNOWN),
    ("550 Ящик получателя переполнен", R.MAILBOX_FULL),
    ("550 メールアドレスが存在しません", R.USER_UNKNOWN),
    ("550 收件人不存在", R.USER_UNKNOWN),
    ("550 没有此用户", R.USER_UNKNOWN),
    ("550 존재하지 않는 사용자입니다", R.USER_UNKNOWN),
    ("556 5.1.10 Domain does not accept mail (nullMX)", R.HOST_UNKNOWN),
    ("554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation", R.BLOCKED),
    ("553 5.3.0 <>... Your mail server is listed at a blacklist, see http://ipblock.example", R.BLOCKED),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.dnsbl.example; see the query page", R.BLOCKED),
    ("550 5.7.1 rejected because 192.0.2.7 is in a black list at an RBL", R.BLOCKED),
    ("550 5.7.25 The IP address sending this message does not have a PTR record setup", R.BLOCKED),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred due to unexpected volume or user complaints", R.BLOCKED),
    ("421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address", R.TOO_MUCH),
    ("550 5.7.606 Access denied, banned sending IP [192.0.2.7]", R.BLOCKED),
    ("550 Sender verify failed", R.SENDER),
    ("550 5.1.8 <>: Sender address rejected: Domain not found", R.SENDER),
    ("450 4.1.8 Sender address rejected: unverified address", R.SENDER),
    ("550 5.7.23 SPF validation failed", R.AUTHENTICATION),
    ("451 4.3.0 Temporary lookup failure", R.SYSTEM),
    ("451 4.3.2 Please try again later, the system is under maintenance", R.SYSTEM),
    ("452 4.3.1 Insufficient system storage", R.SYSTEM),
    ("421 4.3.2 Service shutting down", R.SYSTEM),
    ("452 4.5.3 Too many recipients", R.TOO_MUCH),
    ("551 User not local; please try carol@new.example", R.USER_UNKNOWN),
    ("551 5.1.6 The recipient has moved, please use another address", R.MOVED),
    ("550 5.1.6 Recipient no longer on server: carol has left the company", R.MOVED),
    ("550 carol no longer works here", R.USER_UNKNOWN),
    ("550 that address has been deactivated", R.DISABLED),
    ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", R.SENDER),
    ("550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", R.POLICY),
    ("450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.7]", R.BLOCKED),
    ("504 5.5.2 <desk>: Helo command rejected: need fully-qualified hostname", R.BLOCKED),
    ("530 5.7.0 Must issue a STARTTLS command first", R.NETWORK),
    # second set
    ("550 - Requested action not taken: no such user here", R.USER_UNKNOWN),
    ("521 5.2.1 : This provider will not accept delivery of this message.", R.DISABLED),
    ("550 5.1.1 RCP-P1 https://www.example.com/postmaster/response_codes?ip=192.0.2.7#rcp", R.USER_UNKNOWN),
    ("554 5.7.1 POL-P6 https://www.example.com/postmaster/response_codes#pol", R.POLICY),
    ("550 5.1.1 Requested mailbox is not available", R.USER_UNKNOWN),
    ("550 5.1.1 <>... Mailbox does not exist: carol", R.USER_UNKNOWN),
    ("550 carol: this account was deleted at the wish of its owner", R.USER_UNKNOWN),
    ("550 5.1.1 Invalid recipient <> (Mode: normal)", R.USER_UNKNOWN),
    ("550 5.1.351 Remote server returned unknown recipient or mailbox unavailable", R.USER_UNKNOWN),
    ("550 5.7.64 TenantAttribution; Relay Access Denied [ValidationStatus of '' is 'EmptyCertificate']", R.RELAYING),
    ("550 5.7.520 Access denied, Your organization does not allow external forwarding.", R.POLICY),
    ("550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", R.TOO_MUCH),
    ("550 5.4.1 [carol]: Recipient address rejected: Access denied", R.USER_UNKNOWN),
    ("550 5.7.193 UnifiedGroupAgent; Delivery failed because the sender isn't a group member or external senders aren't permitted", R.SENDER),
    ("550 5.2.1 STOREDRV; Mailbox disabled, not accepting messages", R.DISABLED),
    ("554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour", R.TOO_MUCH),
    ("550 5.1.1 User Unknown -- spam protection by Fence 4.2", R.USER_UNKNOWN),
    ("550 Callout verification failed: 550 no such person here", R.USER_UNKNOWN),
    ("550 Verification failed for <>: the mail server could not deliver mail to it. The account or domain may not exist, may be blacklisted or miss DNS entries", R.HOST_UNKNOWN),
    ("550-Callback setup failed while verifying sender", R.SENDER),
    ("550 5.1.2 <>: Recipient address rejected: Domain not found", R.HOST_UNKNOWN),
    ("450 4.1.2 <>: Recipient address rejected: Domain not found", R.HOST_UNKNOWN),
    ("550 5.1.1 carol is not a known user on this system", R.USER_UNKNOWN),
    ("550 Not our customer", R.USER_UNKNOWN),
    ("550 Address invalid", R.USER_UNKNOWN),
    ("550 <>: no thank you rejected: Account Unavailable", R.USER_UNKNOWN),
    ("550 5.1.0 Address does not belong to any mailbox", R.USER_UNKNOWN),
    ("554 5.1.1 carol: there is no mailbox for this name", R.USER_UNKNOWN),
    ("550 Benutzer hat das Speichervolumen ueberschritten", R.MAILBOX_FULL),
    ("550 Empfaenger existiert nicht", R.USER_UNKNOWN),
    ("550 Bilinmeyen kullanici / kullanıcı bulunamadı", R.USER_UNKNOWN),
    ("550 Skrzynka odbiorcy nie istnieje", R.USER_UNKNOWN),
    ("550 Boite du destinataire pleine. LPN105_417", R.MAILBOX_FULL),
    ("550 La cuenta de correo que intenta alcanzar no existe", R.USER_UNKNOWN),
    ("550 Mottagaren finns inte", R.USER_UNKNOWN),
    ("550 user inactive for more than a year", R.DISABLED),
    ("550 Sorry, that recipient left us in spring", R.USER_UNKNOWN),
    ("550 5.7.1 Command rejected: bad reputation score", R.BLOCKED),
    ("550 JunkMail rejected - host [192.0.2.7] is in an RBL", R.BLOCKED),
    ("550-rejected: 192.0.2.7 is listed in our private denylist", R.BLOCKED),
    ("421 4.7.1 Intrusion prevention active for [192.0.2.7]", R.POLICY),
    ("451 Temporary local problem - please try later", R.SYSTEM),
    ("432 4.3.2 STOREDRV; mailbox server is too busy", R.SYSTEM),
    ("450 4.3.2 Queue limit of messages reached, too many messages", R.TOO_MUCH),
    ("550 You have sent to too many nonexistent users", R.TOO_MUCH),
    ("553 5.7.1 <>: Sender address rejected: not owned by user support", R.SENDER),
    ("550 5.7.1 SPF check failed for the domain of the sender", R.AUTHENTICATION),
    ("550 Blocked by the recipient", R.POLICY),
    ("550 User has blocked the sender", R.SENDER),
    ("550 5.7.17 sorry, no mailbox here by that name", R.MOVED),
    ("501 Bad address syntax", R.USER_UNKNOWN),
    ("550 Number not registered for this service", R.USER_UNKNOWN),
    # third set
    ("550 5.1.1 Carol's mailbox could not be located", R.USER_UNKNOWN),
    ("550 The person you write to is not with this company", R.USER_UNKNOWN),
    ("550 5.1.1 Unbekannter Teilnehmer", R.USER_UNKNOWN),
    ("550 Empfänger unbekannt", R.USER_UNKNOWN),
    ("550 Postfach gesperrt", R.DISABLED),
    ("550 Annahme verweigert: Ihr Server steht auf einer Blockliste", R.BLOCKED),
    ("550 Adresse de messagerie inexistante", R.USER_UNKNOWN),
    ("550 Nom d'utilisateur incorrect", R.USER_UNKNOWN),
    ("550 Usuário desconhecido", R.USER_UNKNOWN),
    ("552 Caixa postal cheia", R.MAILBOX_FULL),
    ("550 Destinatario sconosciuto", R.USER_UNKNOWN),
    ("550 Почтовый ящик не существует", R.USER_UNKNOWN),
    ("550 Адресат заблокирован", R.DISABLED),
    ("550 该用户不存在", R.USER_UNKNOWN),
    ("550 受信者が見つかりません", R.USER_UNKNOWN),
    ("550 User is not enabled for mail", R.DISABLED),
    ("550 5.2.1 mailbox parked", R.DISABLED),
    ("550 mail for carol is not accepted here any more", R.USER_UNKNOWN),
    ("550 Recipient does not want mail from you", R.SENDER),
    ("550 5.1.3 Malformed recipient address", R.USER_UNKNOWN),
    ("553 5.1.3 Invalid address format", R.USER_UNKNOWN),
    ("550 5.1.2 We do not host that domain", R.HOST_UNKNOWN),
    ("550 Unknown domain", R.HOST_UNKNOWN),
    ("550 This domain is not hosted here", R.HOST_UNKNOWN),
    ("550 domain expired", R.DISABLED),
    ("521 This host never accepts mail", R.HOST_UNKNOWN),
    ("550 Mailbox has exceeded its limit", R.MAILBOX_FULL),
    ("550 5.2.2 user has too much mail", R.MAILBOX_FULL),
    ("451 4.2.2 There is no room in the mailbox", R.MAILBOX_FULL),
    ("450 4.7.0 Your address is unknown to us, come back in a quarter of an hour", R.FILTERED),
    ("550 Mail from your region is not welcome", R.POLICY),
    ("550 5.7.0 Country blocked", R.POLICY),
    ("550 Dynamic address ranges may not send here", R.BLOCKED),
    ("554 No reverse name for your address", R.BLOCKED),
    ("554 5.7.1 <>: Recipient address rejected: Please see the SPF record of your domain", R.AUTHENTICATION),
    ("421 4.4.5 Server busy, try another one", R.TOO_MUCH),
    ("451 4.4.0 DNS query failed", R.NETWORK),
    ("550 5.1.1 User's mail is forwarded nowhere: unknown", R.USER_UNKNOWN),
    ("550 5.1.1 recipient not found in LDAP", R.USER_UNKNOWN),
    ("550 LDAP: no entry for this recipient", R.USER_UNKNOWN),
    ("451 4.3.5 LDAP server is not available", R.SYSTEM),
    ("550 Service unavailable", R.SYSTEM),  # "said" is no "id"
    ("451 invalid state", R.SYSTEM),
    ("450 Requested mail action not taken: mailbox unavailable (busy)", R.DISABLED),
    ("550 attachment name invalid", R.CONTENT),
    ("550 Message-ID not valid", R.CONTENT),
    ("550 URL domain not found in allow list", R.CONTENT),
    ("550 unknown host 192.0.2.7 may not connect", R.BLOCKED),
    ("550 your mail server's name does not exist in DNS", R.BLOCKED),
)  # fmt: skip

# The answer to the mail itself. Who speaks of an unknown user only here is a filter.
DATA: tuple[tuple[str, Reason], ...] = (
    ("552-5.7.0 This message was blocked because its content presents a potential security issue (gsmtp)", R.CONTENT),
    ("550-5.7.26 This mail has been blocked because the sender is unauthenticated. It requires all senders to authenticate with SPF or DKIM", R.AUTHENTICATION),
    ("550 5.7.1 [192.0.2.7] Our system has detected that this message is likely unsolicited mail", R.CONTENT),
    ("550 5.7.515 Access denied, sending domain does not meet the required authentication level", R.AUTHENTICATION),
    ("554 5.7.9 Message not accepted for policy reasons.", R.POLICY),
    ("554 Message not allowed - [PH01] Email not accepted for policy reasons.", R.POLICY),
    ("550 5.7.509 Access denied, sending domain does not pass DMARC verification and has a policy of reject", R.AUTHENTICATION),
    ("571 Message contains a virus or other malware", R.CONTENT),
    ("554 5.7.1 The message was rejected by our antivirus scanner: Eicar found", R.CONTENT),
    ("552 5.3.4 Message size exceeds fixed maximum message size", R.TOO_LARGE),
    ("552 5.2.3 Message exceeds maximum fixed size (10240000)", R.TOO_LARGE),
    ("523 the message is too long for this recipient", R.TOO_LARGE),
    ("550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient", R.TOO_LARGE),
    ("550 5.2.2 STOREDRV.Deliver; mailbox full. The mailbox is over its quota", R.MAILBOX_FULL),
    ("550 Unknown user", R.FILTERED),
    ("550 High probability of spam", R.CONTENT),
    ("550 5.7.1 Message rejected as spam by Content Filtering", R.CONTENT),
    ("554 rejected due to spam content", R.CONTENT),
    ("550 5.7.0 Local policy violation - message refused", R.POLICY),
    ("550 Rejected by header based manually Blocked Senders", R.SENDER),
    ("554 5.6.1 Body type not supported by remote host", R.CONTENT),
    ("550 Messages without a valid Date header are not accepted here", R.CONTENT),
    ("550 5.6.0 Improper MIME structure", R.CONTENT),
    ("550 Attachment type .exe is not allowed", R.CONTENT),
    ("554 5.4.6 Too many hops", R.NETWORK),
    ("554 5.4.14 Hop count exceeded - possible mail loop ATTR34", R.NETWORK),
    ("451 4.3.0 Error: queue file write error", R.SYSTEM),
    ("554 5.3.0 unknown mailer error 255", R.SYSTEM),
    ("451 Requested action aborted: local error in processing", R.SYSTEM),
    ("421 Timeout waiting for data from client", R.NETWORK),
    # second set
    ("554 delivery error: dd This user doesn't have an account here (carol) [0]", R.USER_UNKNOWN),
    ("554 delivery error: dd Sorry your message to carol cannot be delivered. This account has been disabled or discontinued [#102].", R.DISABLED),
    ("550 Unknown user (state 18)", R.FILTERED),
    ("550 5.7.1 Delivery not authorized, message refused", R.CONTENT),
    ("554 5.7.5 Permanent error evaluating DMARC policy", R.AUTHENTICATION),
    ("550 Message held for human verification before permitting delivery", R.POLICY),
    ("554 5.7.1 Spam message rejected", R.CONTENT),
    ("554 Denied (Mode: normal) - banned file extension", R.CONTENT),
    ("552 5.7.0 Our system detected an illegal attachment on your message", R.CONTENT),
    ("552 Message exceeds size limit", R.TOO_LARGE),
    ("550 5.3.4 ROUTING.SizeLimit; message size exceeds fixed maximum size for route", R.TOO_LARGE),
    ("550 maximum allowed size is 20480 kB, yours is bigger", R.TOO_LARGE),
    ("552 5.2.2 <>: user is over the quota. You can try again later.", R.MAILBOX_FULL),
    ("452 4.2.2 Mailbox temporarily out of space", R.MAILBOX_FULL),
    ("554 5.6.0 Invalid header found (see RFC2822 section 3.6)", R.CONTENT),
    ("501 5.6.0 Data format error", R.CONTENT),
    ("550 5.7.1 This message scored 12.3 points and was discarded", R.POLICY),
    ("554 Malicious link in your mail", R.CONTENT),
)  # fmt: skip

# What a sending server or a directory says of its own, to no command at all: hard only where it must know.
OWN: tuple[tuple[str, Severity, Reason], ...] = (
    ("Host or domain name not found. Name service error for name=x.example type=AAAA: Host not found", Severity.HARD, R.HOST_UNKNOWN),
    ("Host or domain name not found. Name service error for name=x.example type=MX: Host not found, try again", Severity.SOFT, R.NETWORK),
    ("Sorry, I couldn't find any host named x.example. (#5.1.2)", Severity.HARD, R.HOST_UNKNOWN),
    ("Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file (#5.4.6)", Severity.SOFT, R.RELAYING),
    ("DNS Error: DNS type 'mx' lookup of x.example responded with code NXDOMAIN Domain name not found: x.example", Severity.HARD, R.HOST_UNKNOWN),
    ("The domain x.example couldn't be found.", Severity.HARD, R.HOST_UNKNOWN),
    ("Unrouteable address", Severity.HARD, R.USER_UNKNOWN),
    ("all relevant MX records point to non-existent hosts", Severity.HARD, R.HOST_UNKNOWN),
    ('unknown user: "carol"', Severity.HARD, R.USER_UNKNOWN),
    ("User carol (carol@x.example) not listed in Domino Directory", Severity.HARD, R.USER_UNKNOWN),
    ("Recipient not in address book; the directory has no such entry", Severity.HARD, R.USER_UNKNOWN),
    ("mail for x.example loops back to myself", Severity.SOFT, R.NETWORK),
    ("connect to mx.x.example[192.0.2.7]:25: Connection timed out", Severity.SOFT, R.EXPIRED),
    ("connect to mx.x.example[192.0.2.7]:25: No route to host", Severity.SOFT, R.NETWORK),
    ("connect to mx.x.example[192.0.2.7]:25: Connection refused", Severity.SOFT, R.NETWORK),
    ("lost connection with mx.x.example[192.0.2.7] while sending end of data", Severity.SOFT, R.NETWORK),
    ("Cannot start TLS: handshake failure", Severity.SOFT, R.NETWORK),
    ("TLS is required, but was not offered by host mx.x.example[192.0.2.7]", Severity.SOFT, R.NETWORK),
    ("I wasn't able to establish an SMTP connection. (#4.4.1) I'm not going to try again; this message has been in the queue too long.", Severity.SOFT, R.NETWORK),
    ("retry timeout exceeded", Severity.SOFT, R.EXPIRED),
    ("#550 4.4.7 QUEUE.Expired; message expired", Severity.SOFT, R.EXPIRED),
    ("Message has been in the queue for 5 days, giving it up", Severity.SOFT, R.EXPIRED),
    ("maildir has overdrawn his diskspace quota", Severity.SOFT, R.MAILBOX_FULL),
    ("can't create user output file", Severity.SOFT, R.SYSTEM),
    ('Command died with status 2: "/usr/bin/procmail"', Severity.SOFT, R.SYSTEM),
    ("The e-mail system was unable to deliver the message, but did not report a specific reason.", Severity.UNDETERMINED, R.UNKNOWN),
    ("Delivery failed", Severity.UNDETERMINED, R.UNKNOWN),
    # second set
    ("550 5.4.310 DNS domain x.example does not exist [Message=InfoDomainNonexistent] [LastAttemptedServerName=x.example]", Severity.HARD, R.HOST_UNKNOWN),
    ("550 5.4.316 Message expired, connection refused(Socket error code 10061)", Severity.SOFT, R.NETWORK),
    ("550 5.4.312 Message expired, DNS query failed(ErrorRetry)", Severity.SOFT, R.NETWORK),
    ("The email address you entered couldn't be found. Please check the recipient's email address and try to resend the message. #550 5.1.10 RESOLVER.ADR.RecipientNotFound", Severity.HARD, R.USER_UNKNOWN),
    ("The e-mail account does not exist at the organization this message was sent to. Check the e-mail address. #5.1.1", Severity.HARD, R.USER_UNKNOWN),
    ("You do not have permission to send to this recipient. For assistance, contact your system administrator. #5.7.1", Severity.SOFT, R.SENDER),
    ("The message reached the recipient's e-mail system, but delivery was refused. Attempt to resend the message.", Severity.SOFT, R.POLICY),
    ("A configuration error in the e-mail system caused the message to bounce between two servers. #5.4.6", Severity.SOFT, R.NETWORK),
    ("This message is larger than the current system limit or the recipient's mailbox is full. #5.2.3", Severity.SOFT, R.TOO_LARGE),
    ("The destination server for this recipient could not be found in DNS. #5.4.4", Severity.HARD, R.HOST_UNKNOWN),
    ("The recipient name is not recognized. MSEXCH:IMS:Org:Site:Server 0 (000C05A6) Unknown Recipient", Severity.HARD, R.USER_UNKNOWN),
    ("No matches to nameserver query for x.example", Severity.HARD, R.HOST_UNKNOWN),
    ("No MX found for domain", Severity.HARD, R.HOST_UNKNOWN),
    ("No such domain.", Severity.HARD, R.HOST_UNKNOWN),
    ("DNS lookup failure: x.example. Try again later.", Severity.SOFT, R.NETWORK),
    ("all host address lookups failed permanently for MX records", Severity.HARD, R.HOST_UNKNOWN),
    ("an MX or SRV record indicated no SMTP service", Severity.HARD, R.HOST_UNKNOWN),
    ("Illegal host/domain name found", Severity.HARD, R.HOST_UNKNOWN),
    ("Remote SMTP server has rejected address; 550 5.1.1 unknown or illegal alias: carol", Severity.HARD, R.USER_UNKNOWN),
    ("Over quota", Severity.SOFT, R.MAILBOX_FULL),
    ("user mailbox full", Severity.SOFT, R.MAILBOX_FULL),
    ("Loop detected", Severity.SOFT, R.NETWORK),
    ("Host not reachable.", Severity.SOFT, R.NETWORK),
    ("mail expired before delivery", Severity.SOFT, R.EXPIRED),
    ("delivery temporarily suspended: lost connection with mx.x.example[192.0.2.7] while receiving the initial server greeting", Severity.SOFT, R.NETWORK),
    ("This user doesn't exist in our system and there is no forwarding address", Severity.HARD, R.MOVED),
    ("The following address is unknown to this server", Severity.HARD, R.USER_UNKNOWN),
    ("Mailbox unknown. Either there is no mailbox associated with this name or you do not have authorization to see it. 5.1.1", Severity.HARD, R.USER_UNKNOWN),
    ("Ihre Nachricht wurde nicht zugestellt, weil der Empfänger im Verzeichnis nicht bekannt ist", Severity.HARD, R.USER_UNKNOWN),
)  # fmt: skip

# A status alone, as many reports have no more: RFC 3463 and the registry.
STATUS: tuple[tuple[str, Severity], ...] = (
    ("5.1.1", Severity.HARD), ("5.1.2", Severity.HARD), ("5.1.3", Severity.HARD), ("5.1.6", Severity.HARD), ("5.1.10", Severity.HARD),
    ("5.4.4", Severity.HARD), ("5.1.7", Severity.SOFT), ("5.1.8", Severity.SOFT), ("5.2.1", Severity.SOFT), ("5.2.2", Severity.SOFT),
    ("5.2.3", Severity.SOFT), ("5.3.4", Severity.SOFT), ("4.4.1", Severity.SOFT), ("4.4.7", Severity.SOFT), ("5.4.7", Severity.SOFT),
    ("5.5.2", Severity.SOFT), ("5.6.1", Severity.SOFT), ("5.7.1", Severity.SOFT), ("5.7.9", Severity.SOFT), ("5.7.26", Severity.SOFT),
    ("5.0.0", Severity.UNDETERMINED), ("5.1.9", Severity.SOFT), ("5.2.4", Severity.SOFT), ("5.4.6", Severity.SOFT), ("5.7.27", Severity.SOFT),
)  # fmt: skip

# The answer to RCPT again, in ordinary words: is the address to blame?
PLAIN: tuple[tuple[str, Severity], ...] = (
    ("550 5.1.1 <>: Recipient address rejected: undeliverable address: host said: 550 no such user", Severity.HARD),
    ("550 No mailbox by that name is currently available", Severity.HARD),
    ("550 5.1.1 sorry, this mailbox has been retired", Severity.HARD),
    ("550 5.1.1 mailbox carol not found at this host", Severity.HARD),
    ("550 Invalid mailbox: carol", Severity.HARD),
    ("550 No such local user", Severity.HARD),
    ("550 Unrouteable address", Severity.HARD),
    ("553 no such recipient", Severity.HARD),
    ("550 Recipient not found by the directory service", Severity.HARD),
    ("550 Not a valid recipient", Severity.HARD),
    ("550 Address unknown", Severity.HARD),
    ("550 The recipient cannot be verified. Please check all recipients of this message to verify they are valid.", Severity.HARD),
    ("550 5.7.1 Recipient not authorized, your IP has been found on a block list", Severity.SOFT),
    ("550 5.1.1 mail for this user is not accepted: he does not exist", Severity.HARD),
    ("550-5.1.1 The email account that you tried to reach is over quota", Severity.SOFT),
    ("554 5.2.2 mailbox full; mailbox usage at 102%", Severity.SOFT),
    ("550 Quota exceeded", Severity.SOFT),
    ("550 5.7.1 Mail rejected by organization's rule", Severity.SOFT),
    ("550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy", Severity.SOFT),
    ("554 5.7.1 You are not allowed to connect.", Severity.SOFT),
    ("421 4.7.0 Too many errors on this connection", Severity.SOFT),
    ("550 Connection refused by the remote network filter", Severity.SOFT),
    ("451 4.7.650 The mail server has been temporarily rate limited due to IP reputation", Severity.SOFT),
    ("450 4.7.1 Try again in 10 minutes, service throttled", Severity.SOFT),
    ("550 5.7.1 Virus signature found", Severity.SOFT),
    ("550 #5.7.1 Your access to submit messages to this e-mail system has been rejected.", Severity.SOFT),
    ("554 5.7.1 ACL dns_rbl; Client host blocked using block list", Severity.SOFT),
    ("550 5.7.0 TLS required", Severity.SOFT),
    ("550 mailbox is inactive", Severity.SOFT),
    ("554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException", Severity.SOFT),
    ("550 5.1.1 unknown address", Severity.HARD),
    ("511 5.1.1 unknown address in domain", Severity.HARD),
    ("550 5.1.2 bad destination host", Severity.HARD),
    ("554 5.4.4 unable to route: no mail hosts for domain", Severity.HARD),
    ("550 5.1.1 No such mailbox", Severity.HARD),
    ("550 5.1.1 adresse inconnue", Severity.HARD),
    ("550 5.1.1 Adressat unbekannt", Severity.HARD),
    ("550 RCPT TO: user does not exist on the mail server", Severity.HARD),
    ("550 Message rejected: user not authorized to receive external mail", Severity.SOFT),
    ("550 5.7.1 Access restricted: internal recipients only", Severity.SOFT),
    ("550 5.1.6 recipient no longer on this server", Severity.HARD),
    ("550 no mail service for this account", Severity.SOFT),
    ("554 Email rejected due to security policies - MCSpamSignature", Severity.SOFT),
    ("550 Mailbox unavailable", Severity.HARD),
    ("550 invalid user", Severity.HARD),
    ("550 too many invalid recipients", Severity.SOFT),
)  # fmt: skip

HARD = frozenset({R.USER_UNKNOWN, R.HOST_UNKNOWN, R.MOVED})


def judged(words: str, beside: str = "", status: str = "") -> Fate:
    fate = Fate(Delivery.FAILED, "carol@x.example", "", status, words, "mx.x.example")
    return judge(fate, Said(f"host mx.x.example said: {words} {beside}"))


def severity(reason: Reason) -> Severity:
    return Severity.HARD if reason in HARD else Severity.SOFT


@pytest.mark.parametrize(("words", "reason"), RCPT, ids=[words[:60] for words, _ in RCPT])
def test_a_recipient_is_refused(words, reason):
    found = judged(words, AT_RCPT)
    assert (found.severity, found.reason) == (severity(reason), reason)


@pytest.mark.parametrize(("words", "reason"), DATA, ids=[words[:60] for words, _ in DATA])
def test_the_mail_is_refused(words, reason):
    found = judged(words, AT_DATA)
    assert (found.severity, found.reason) == (severity(reason), reason)


@pytest.mark.parametrize(("words", "how", "reason"), OWN, ids=[words[:60] for words, *_ in OWN])
def test_a_server_says_of_its_own(words, how, reason):
    found = judged(words)
    assert (found.severity, found.reason) == (how, reason)


@pytest.mark.parametrize(("words", "how"), PLAIN, ids=[words[:60] for words, _ in PLAIN])
def test_the_address_is_to_blame_or_not(words, how):
    assert (judged(words, AT_RCPT).severity is Severity.HARD) == (how is Severity.HARD)


@pytest.mark.parametrize(("status", "how"), STATUS, ids=[status for status, _ in STATUS])
def test_a_status_alone(status, how):
    found = judged("", status=status)
    assert (found.severity, found.code) == (how, status)


@pytest.mark.parametrize("words", [words for words, reason in RCPT if reason in HARD][:20])
def test_what_is_only_late_is_never_hard(words):
    assert judge(Fate(Delivery.DELAYED, "carol@x.example", "", "", words, "")).severity is not Severity.HARD
