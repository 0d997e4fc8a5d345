"""How mail programs introduce a quote, in the languages we met: tables for mail.quoting, all in lower case."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations


def _table(words: str) -> tuple[str, ...]:
    """Words between bars; an underscore is a space that counts, a tilde one that does not break."""
    return tuple(word.strip().replace("_", " ").replace("~", "\xa0") for word in words.split("|"))


# An attribution begins with one of these ("On Mon, 1 Jan 2024, Ann wrote:") ...
OPENERS = _table("""
    on_ | am_ | le_ | el_ | il_ | il_giorno_ | em_ | op_ | den_ | d._ | på_ | w_dniu_ | dnia_ | dne_ | dňa_ |
    pe_ | la_data_de_ | în_ | in_data_ | a_ | no_dia_ | kell_ | kuupäeval_ | vt_ | ke_ | ti_ | ma_ | to_ | pt_ |
    vr_ | za_ | zo_ | wo_ | di_ | do_ | lun | mar | mer | jeu | ven | sam | dim | mon | tue | wed | thu | fri |
    sat | sun | pon | wt | śr | czw | pią | sob | nie | ne_ | po_ | út_ | st_ | čt_ | pá_ | so_ | пн | вт | ср |
    чт | пт | сб | вс | нд | на_ | στις_ | vào_ | pada_ | dana_ | u_ | ב- | בתאריך_ | في_ | on~ | tarihinde_ |
    o_luns | o_martes | v_v_ | kuupäev_ | missatge_de_ | ในวันที่ | در_تاریخ_ | wiadomość_napisana_ | i_ | ter | qua | qui | sex | sáb | dom | seg | dj | dl | el_dia_ | lø | lør | søn | man | tir | ons | tor |
    fre | mån | tis
""")
# ... and says that somebody wrote.
VERBS = _table("""
    _wrote | wrote: | _writes: | _said: | _schrieb | _hat_geschrieben | _a_écrit | _écrit: | _écrit_: |
    _escribió | _escribio | _va_escriure | _ha_scritto | _scrive: | _escreveu | _schreef | _geschreven | _skrev |
    _kirjoitti | _napisał | _pisze: | _napsal | _napísal | _ezt_írta | _írta: | _a_scris | _написал | _пишет |
    _писал | _пише | _написав | _написа | _έγραψε | _yazdı | _yazmış | _đã_viết | _menulis | _kirjutas |
    _rakstīja | _rašė | _je_napisal | _je_napisao | _je_pisal | _je_pisao | _כתב | כתב/ה | _كتب | 写道 | 寫道 | 书写 |
    のメール | 書きました | が書いた | 님이_작성 | 작성: | 에_썼 | _เขียน | _idatzi | _escribiu | _ha_escrit | _skrifaði | _scríobh |
    _kirjutas_ | _написао | _napisao | _napisala | _napisano | _napísala | _نوشت | _ने_लिखा | wiadomość_napisana_przez | تمت_كتابة | _เขียนว่า |
    _posted: | _написала | _писав | _hau_idatzi_du | _va_escriure | _skrifar: | _сообщает | _tarihinde_şunu | _écrivait | _ha_escrito
""")
# Lines that other desks put above what they quote.
REPLY_ABOVE = frozenset(
    _table("""
    please_reply_above_this_line | please_type_your_reply_above_this_line | please_write_your_reply_above_this_line |
    reply_above_this_line | type_your_reply_above_this_line | write_your_reply_above_this_line | reply_above_this_line_to_comment |
    bitte_antworten_sie_oberhalb_dieser_linie | bitte_oberhalb_dieser_linie_antworten | antworten_sie_oberhalb_dieser_zeile |
    répondez_au-dessus_de_cette_ligne | responda_acima_desta_linha | responda_por_encima_de_esta_línea |
    rispondi_sopra_questa_riga | antwoord_boven_deze_regel
""")
)
# Between dashes: -----Original Message-----
ORIGINAL_MESSAGE = frozenset(
    _table("""
    oprindelig_besked | opprinnelig_e-post | eredeti_levél |
    algne_kiri | alkuperäinen_viesti | antwort_nachricht | eredeti_üzenet | izvorna_poruka | mensagem_original |
    mensaje_original | mesaj_original | message_d'origine | message_d’origine | message_original |
    messaggio_originale | messaggio_originario | missatge_original | oorspronkelijk_bericht |
    opprinnelig_melding | oprindelig_meddelelse | original_email | original_mail | original_meddelelse |
    original_message | original-nachricht | originalmeddelande | originalnachricht | origineel_bericht |
    orijinal_ileti | oryginalna_wiadomość | pôvodná_správa | původní_zpráva | replied_message | reply_message |
    sākotnējais_ziņojums | ursprungligt_meddelande | ursprüngliche_mail | ursprüngliche_nachricht |
    wiadomość_oryginalna | özgün_ileti | αρχικό_μήνυμα | исходное_сообщение | оригінальне_повідомлення |
    元のメッセージ | 原始邮件 | 原始郵件 | 원본_메시지
""")
)
# Between dashes, or alone before a colon: what follows is forwarded, not quoted.
FORWARDED = frozenset(
    _table("""
    anfang_der_weitergeleiteten_e-mail | anfang_der_weitergeleiteten_nachricht | begin_doorgestuurd_bericht |
    begin_forwarded_message | doorgestuurd_bericht | début_du_message_réexpédié | début_du_message_transféré |
    edelleenlähetetty_viesti | forwarded_mail | forwarded_message | fwd_message | iletilen_ileti |
    inicio_del_mensaje_reenviado | inizio_messaggio_inoltrato | início_da_mensagem_encaminhada |
    mensagem_encaminhada | mensaje_reenviado | mesaj_redirecționat | message_réexpédié | message_transféré |
    messaggio_inoltrato | preposlaná_správa | przekazana_wiadomość | přeposlaná_zpráva |
    start_of_forwarded_message | továbbított_üzenet | vidarebefordrat_brev | vidarebefordrat_meddelande |
    videresendt_meddelelse | videresendt_melding | weitergeleitete_nachricht | wiadomość_przekazana_dalej |
    yönlendirilmiş_ileti | προωθημένο_μήνυμα | переслане_повідомлення | пересылаемое_сообщение | пересланное_сообщение | 転送メッセージ | 轉寄郵件 |
    转发的邮件 | 转发邮件 | 전달된_메시지 | start_på_videresendt_besked | videresendt_besked | välitetty_viesti_alkaa | välitetty_viesti |
    początek_przekazanej_wiadomości | začátek_přeposílané_zprávy | začiatok_preposlanej_správy | továbbított_levél_kezdete |
    начало_переадресованного_сообщения | перенаправленное_сообщение | початок_переадресованого_повідомлення | iletilen_ileti_başlangıcı |
    転送されたメッセージ | 下面是被转发的邮件 | 以下是被转发的邮件 | 開始轉寄郵件 | 전달된_메시지_시작 | αρχή_προωθημένου_μηνύματος | începutul_mesajului_redirecționat
""")
)
# The labels of a header block above a quote.
_LABELS = {
    "from": """
    from | von | de | da | van | från | fra | lähettäjä | od | od_koho | feladó | от | від | от_кого | kimden |
    gönderen | από | 发件人 | 寄件者 | 寄件人 | 差出人 | 送信元 | 보낸_사람 | 보낸사람 | expéditeur | remitente | mittente | remetente |
    absender | afzender | nadawca | отправитель | מאת | من | saatja | no | nuo | pošiljatelj | de_la | expeditor |
    từ
    """,
    "sent": """
    sent | gesendet | envoyé | envoyé_le | enviado | enviado_el | enviada_em | enviado_em | enviada | inviato | verzonden | skickat |
    sendt | sendt_den | lähetetty | wysłano | wysłane | odesláno | odoslané | elküldve | küldve | отправлено | надіслано | изпратено |
    gönderildi | εστάλη | στάλθηκε | 发送时间 | 傳送時間 | 寄件日期 | 送信日時 | 보낸_날짜 | נשלח | تاريخ_الإرسال | saadetud | trimis |
    poslano | poslato | enviat | đã_gửi | dikirim | nosūtīts | išsiųsta | ส่งเมื่อ
    """,
    "date": """
    date | datum | päiväys | 日付 | fecha | data | dato | päivämäärä | dátum | дата | tarih | ημερομηνία | 日期 | 日時 | 날짜 | 時間 | 时间 | kuupäev | datums |
    תאריך | التاريخ | ngày | tanggal | วันที่ | d. | dagsetning
    """,
    "to": """
    to | an | à | a | para | aan | till | til | vastaanottaja | do | komu | címzett | кому | kime | alıcı | προς |
    收件人 | 收件者 | 宛先 | 받는_사람 | 받는사람 | empfänger | destinataire | destinatario | destinatário | אל | إلى | către |
    za | kellele | per_a | pour | adresat
    """,
    "subject": """
    subject | betreff | objet | sujet | asunto | oggetto | assunto | onderwerp | ämne | emne | aihe | temat | předmět |
    predmet | tárgy | тема | konu | θέμα | 主题 | 主旨 | 主題 | 件名 | 제목 | נושא | الموضوع | teema | subiect | assumpte |
    chủ_đề
    """,
    "cc": """
    cc | bcc | kopie | copie | kopia | копия | копія | 抄送 | 副本 | 참조 | kopi | kópia | másolatot_kap | bilgi
    """,
    # They stand among the others and prove nothing.
    "other": """
    reply-to | reply_to | antwort_an | répondre_à | responder_a | risposta | rispondi_a | svar_till | svar_til | odpowiedź_do |
    importance | wichtigkeit | priority | attachments | anlagen | anhang | allegati | pièces_jointes | adjuntos | message-id | resent-from
    """,
}
HEADER_LABELS = {word: header for header, words in _LABELS.items() for word in _table(words)}
