"""The lines that mail programs and telephones put below a letter, in the languages we met: tables for mail.signatures, all
in lower case."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations


def _table(words: str) -> tuple[str, ...]:
    return tuple(word.strip().replace("_", " ") for word in words.split("|"))


# "Sent from my ...": whatever few words follow, it is a thing of the author's.
OPENERS_MY = _table("""
    sent from my | sent via my | sent by my | sent on my | sent using my | gesendet von meinem | gesendet von meiner |
    gesendet mit meinem | envoyé de mon | envoyé de ma | envoyé depuis mon | envoyé à partir de mon | envoyé avec mon |
    enviado desde mi | enviado de mi | enviado do meu | enviado da minha | enviada do meu | enviado a partir do meu |
    enviat des del meu | enviado dende o meu | inviato dal mio | inviata dal mio | inviato da mio | verzonden vanaf mijn |
    verzonden van mijn | verstuurd vanaf mijn | verstuurd vanaf m'n | verzonden met mijn | verzonden via mijn | skickat från min |
    skickat från mitt | sendt fra min | sendt fra mitt | sendt fra mit | lähetetty laitteesta | lähetetty minun |
    wysłane z mojego | wysłano z mojego | odesláno z mého | odoslané z môjho | отправлено с моего | надіслано з мого |
    изпратено от моя | saadetud minu | poslano z mojega | poslano s mog | poslato sa mog | išsiųsta iš mano | nosūtīts no mana |
    发自我的 | 發自我的 | đã gửi từ | được gửi từ | skickades från min | skickades från mitt | sent frá | poslano s mojega | послато са мог | εστάλη από το
""")
# "Sent with ...": only what is known to send mail, at once or nearly.
OPENERS = _table("""
    sent from | sent via | sent with | sent by | sent using | sent through | sent on | from my | written on | typed on | sent securely from |
    gesendet von | gesendet mit | gesendet über | gesendet aus | gesendet vom | versendet mit |
    envoyé depuis | envoyé de | envoyé avec | envoyé via | envoyé à partir de | envoyé par | enviado desde | enviado con | enviado via |
    enviado por | enviado do | enviado com | enviado pelo | inviato da | inviato dal | inviato con | inviato tramite |
    verzonden vanaf | verzonden met | verzonden via | verzonden vanuit | verstuurd met | verstuurd vanaf | skickat från |
    skickat med | skickat via | sendt fra | sendt med | sendt via | sendt frá | lähetetty | wysłane za pomocą | wysłane z | wysłano z |
    odesláno pomocí | odesláno z | odoslané z | отправлено с | отправлено из | отправлено через | надіслано з | изпратено от |
    εστάλη από το | στάλθηκε από το | από το | trimis din | trimis de pe | gửi từ | được gửi từ | elküldve: | elküldve az | elküldve a | dikirim dari | נשלח מה |
    נשלח מ | أرسلت من | مرسل من | 從我的 | 从我的 | 发自 | 寄自 | 傳送自 | ส่งจาก | skickades från | sent frá | poslano z | poslano s |
    poslano iz | poslato sa | послато са | saadetud | išsiųsta iš | nosūtīts no | đã gửi từ | 发送自 | 從 | 从 | أُرسلت من | تم الإرسال من | فرستاده شده از |
    ارسال شده از | 발신 : | 발신: | enviat des de | enviado a través de | enviado através do | envoyé via l'application | bidalia
""")
# Without a verb, or with one that stands last: then nothing follows.
OPENERS_BARE = _table("""
    von meinem | von meiner | from my
""")
# Programs whose names are words: with nothing behind "sent with" but these.
ALONE = frozenset(
    _table("""
    spark | hey | front | missive | shortwave | canary | canary mail | nine | blue | newton | newton mail | tuta | tuta mail | em client | spike | twobird |
    polymail | mimestream | boomerang | edison | mymail | notion mail | postbox | kmail | evolution | roundcube | horde | squirrelmail | rainloop | sogo
""")
)
# Advertisements that stand alone.
LINES = frozenset(
    _table("""
    yahoo mail: search, organize, conquer | yahoo mail: buscar, organizar, conquistar | yahoo mail : rechercher, organiser, conquérir |
    yahoo mail: suchen, organisieren, erobern | yahoo mail: cerca, organizza, conquista
""")
)
# "Get Outlook for Android": a program, and nothing else may follow "get".
GETS = _table("""
    get | download | télécharger | téléchargez | obtenir | obtenez | obtener | obtén | obtenga | descargar | obter | obter o | obtenha o | baixe o | baixar o |
    transferir o | ottieni | scarica | holen sie sich | laden sie | hämta | ladda ned | hent | last ned | skaff deg | hanki | lataa | pobierz | pobierz program |
    pobierz aplikację | stáhnout | získejte | získat | získajte | získať | nabavite | preuzmite | prenesite | скачать | загрузить | получить | отримати | завантажити |
    изтеглете | вземете | λήψη | κατεβάστε το | λήψη του | descărcați | obțineți | letöltés | dapatkan | unduh | tải | tải xuống | รับ | ดาวน์โหลด | احصل على |
    הורד את | קבל את | aconsegueix l' | lortu
""")
# The same where the verb stands last, in words of its own ...
GETS_LAST = frozenset(
    _table("""
    herunterladen | beziehen | holen | downloaden | letöltése | letöltés | edinin | indirin | alın | al
""")
)
# ... or not.
GETS_WITHIN = _table("""
    入手 | 取得 | 获取 | 下载 | 下載 | 다운로드 | 받기
""")
SYSTEMS = _table("ios | android | windows | mac | iphone | ipad")
PROGRAMS = _table("""
    outlook | yahoo | gmail | spark | bluemail | k-9 | proton | thunderbird | airmail | aol | edison | newton | mailbird
""")
# "... gönderildi": the verb stands last.
ENDINGS = _table("""
    gesendet | gönderildi | からの送信 | から送信 | より送信 | 送信 | 에서 보냄 | 에서 보냈습니다 | 보냄 | 傳送 | 发送 | 發送 | küldve | lähetetty |
    saadetud | gesendet. | gönderilmiştir | yollandı | भेजा गया | সেন্ট | ส่งจาก
""")
ENDING_STARTS = _table(
    "az_ | a_ | von_ | vom_ | mit_ | diese nachricht wurde_ | diese e-mail wurde_ | diese mail wurde_"
)
# What mail is sent from; the beginning of a word is enough, where it has four letters or more.
DEVICES = _table("""
    iphone | iphon | ipad | ipod | ios | android | galaxy | samsung | blackberry | nokia | lumia | windows | htc | xperia | sony | huawei |
    xiaomi | redmi | oppo | oneplus | pixel | nexus | motorola | moto | lg | wiko | alcatel | zte | lenovo | asus | fairphone |
    mobil | mobile | phone | smartphone | cell | cellphone | handheld | tablet | telephone | telefon | telefoon | téléphone |
    teléfono | telefono | telefone | handy | portable | móvil | puhelime | komór | телефон | смартфон | мобільн | мобильн | айфон |
    κινητό | outlook | mailbox | yahoo | gmail | aol | airmail | proton | protonmail | sparrow | thunderbird | k-9 | k9 | inbox |
    mailspring | superhuman | fastmail | tutanota | zoho | web.de | gmx | bluemail | mailbird | apple | macbook | surface | treo |
    l'application | aplikacji | aplikace | aplikácie | приложения | застосунку | aplicación | aplicativo | aplicação | poczta | почты | пошты | courrier | correo | posta | συσκευή |
    携帯 | スマートフォン | 手机 | 手機 | 휴대폰 | 아이폰 | 갤럭시 | mail | e-mail | spark
""")
# Of these one also speaks in a letter: another of the devices must stand behind them.
PLAIN_DEVICES = frozenset(_table("mail | e-mail | spark"))
# What may follow without making a sentence of it.
JOINERS = frozenset(
    _table("""
    for | on | für | auf | unter | pour | sur | para | en | per | su | voor | op | för | på | til | dla | na | pro | для | device | pc | app |
    work | plus | ultra | max | mini | lite | smartphone | client | desktop | lte | 4g | 5g | network | wireless | from | by | with | the | um | aus | para o | systemu | system | rendszerhez | cho | untuk | za | için | لـ | за | για | voor | de | w | aplikaci | aplikacija | dari | pe | az
""")
)
# Behind the thing's name the rest is a sentence, too, unless a joiner stands before these: "on the Example network".
ARTICLES = frozenset(
    _table("the | a | an | my | your | this | die | das | der | mein | le | la | les | el | los | il | het")
)
# What makes a sentence of it: "Sent from my iPhone is what it always says".
NO_NAMES = frozenset(
    _table("""
    is | it | i | we | you | he | she | they | was | are | were | because | since | and | but | so | which | that | when | if | to | ist | war | und | weil | est | et | es | y | è | e
""")
)
# Below a line of dashes or underscores: a footer that a server put there.
FOOTERS = _table("""
    intended recipient | intended solely | solely for the | is confidential | are confidential | confidential and | confidential information | may contain confidential |
    virus-free | for viruses | auf viren | antivirus | anti-virus | sans virus | libre de virus | livre de vírus | priva di virus | unsubscribe | subscribed to the |
    are subscribed to | you are receiving this | you received this | you have received this | for additional commands |
    vertrauliche informationen | vertraulich und | ist vertraulich | sind vertraulich | abbestellen | austragen | confidentiel | désinscrire | désabonner |
    es confidencial | información confidencial | informação confidencial | informações confidenciais | darse de baja | cancelar la suscripción | riservat | informazioni contenute |
    disiscri | vertrouwelijk | afmelden | uitschrijven | konfidentiell | fortrolig | fortrolige | avregistrera | luottamuksellis | poufn | důvěrn | dôvern | bizalmas | confidențial |
    конфиденциальн | конфіденційн | отписаться | поверителн | εμπιστευτικ | gizlidir | gizli bilgi | 机密 | 機密 | 保密 | 配信停止
""")
# "P.S." below the line of a telephone is the author's.
POSTSCRIPTS = _table("p.s | ps: | ps. | ps - | n.b | nb: | pd: | p.d | постскриптум | з.ы | зы")
# Alone in a line: everything below is a lawyer's.
DISCLAIMERS = frozenset(
    _table("""
    disclaimer | confidentiality notice | confidentiality note | legal disclaimer | email disclaimer | e-mail disclaimer |
    haftungsausschluss | vertraulichkeitshinweis | avis de confidentialité | clause de confidentialité | aviso legal |
    aviso de confidencialidad | aviso de confidencialidade | avviso di riservatezza | informativa privacy | ansvarsfraskrivelse |
    klauzula poufności | vertrouwelijkheidsverklaring | отказ от ответственности
""")
)
