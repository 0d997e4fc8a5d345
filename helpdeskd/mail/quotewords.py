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
    чт | пт | сб | вс | нд | на_ | στις_ | vào_ | pada_ | dana_ | u_ | ב- | בתאריך_ | في_ | on~ | tarihinde_ | in_a_message_dated_ | às_ | 在_ | 於_ | 于_ | v_ | mnamo_ | noong_ | pada_ | trên_ | tarih_ | ngày_ |
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
    _posted: | _написала | _писав | _hau_idatzi_du | _va_escriure | _skrifar: | _сообщает | _geschrieben | _napisal | _написа | _del_dia_ | _geskryf | isinulat_ni | _aliandika | _লিখেছেন | _shkroi | _գրել_է | _գրեց |
    _დაწერა | _жазды | _yozdi | _yazıb | எழுதியது | _వ్రాశారు | _రాశారు | _लिहिले | _લખ્યું | _ਲਿਖਿਆ | _എഴുതി | _ಬರೆದರು | _har_skrevet | _har_skrivit |
    _ysgrifennodd | _schreift: | 写了 | 写到 | 寫了 | _tarihinde_şunu | _écrivait | _ha_escrito
""")
# "Quoting Ann <ann@example.org>:", of Horde and others.
QUOTERS = _table("""
    quoting_ | zitat_von_ | zitiere_ | citando_ | citando_a_ | citat_från_ | citat_fra_ | citation_de_ | cytowanie_ | cytat_z_ | citace_ |
    citeren_van_ | citaat_van_ | lainaus_ | цитирую_ | цитата_от_ | scrive_
""")
# Lines that other desks put above what they quote.
REPLY_ABOVE = frozenset(
    _table("""
    please_reply_above_this_line | please_type_your_reply_above_this_line | please_write_your_reply_above_this_line |
    reply_above_this_line | type_your_reply_above_this_line | write_your_reply_above_this_line | reply_above_this_line_to_comment |
    bitte_antworten_sie_oberhalb_dieser_linie | bitte_oberhalb_dieser_linie_antworten | antworten_sie_oberhalb_dieser_zeile |
    répondez_au-dessus_de_cette_ligne | responda_acima_desta_linha | responda_por_encima_de_esta_línea |
    rispondi_sopra_questa_riga | antwoord_boven_deze_regel |
    please_type_your_response_above_this_line | type_your_response_above_this_line | please_enter_your_reply_above_this_line | enter_your_reply_above_this_line |
    only_text_above_this_line_will_be_added | please_do_not_write_below_this_line | do_not_write_below_this_line | please_do_not_edit_below_this_line | do_not_reply_below_this_line | write_above_this_line |
    write_above_this_line_to_reply | write_above_this_line_to_post_a_reply | write_above_this_line_to_post_a_new_comment | to_reply,_type_above_this_line | please_add_your_reply_above_this_line | add_your_reply_above_this_line |
    antworten_sie_über_dieser_zeile | bitte_antworten_sie_über_dieser_zeile | bitte_über_dieser_zeile_antworten | bitte_schreiben_sie_ihre_antwort_über_diese_zeile | antworten_oberhalb_dieser_linie |
    antworten_bitte_oberhalb_dieser_zeile | bitte_geben_sie_ihre_antwort_über_dieser_zeile_ein | veuillez_répondre_au-dessus_de_cette_ligne | répondre_au-dessus_de_cette_ligne | merci_de_répondre_au-dessus_de_cette_ligne |
    veuillez_saisir_votre_réponse_au-dessus_de_cette_ligne | por_favor,_responda_por_encima_de_esta_línea | responda_encima_de_esta_línea | escriba_su_respuesta_por_encima_de_esta_línea | responda_sobre_esta_línea |
    por_favor,_responda_acima_desta_linha | por_favor_responda_acima_desta_linha | digite_sua_resposta_acima_desta_linha | si_prega_di_rispondere_sopra_questa_riga | rispondere_sopra_questa_riga |
    digita_la_tua_risposta_sopra_questa_riga | antwoord_boven_deze_lijn | typ_uw_antwoord_boven_deze_regel | reageer_boven_deze_lijn | svara_ovanför_denna_rad | svar_over_denne_linje | svar_over_denne_linjen |
    skriv_ditt_svar_ovanför_denna_rad | vastaa_tämän_rivin_yläpuolelle | odpowiedz_powyżej_tej_linii | prosimy_o_odpowiedź_powyżej_tej_linii | odpovězte_nad_tímto_řádkem | prosím_odpovězte_nad_tento_řádek |
    válaszát_e_sor_fölé_írja | vă_rugăm_să_răspundeți_deasupra_acestei_linii | пожалуйста,_пишите_ответ_выше_этой_линии | ответьте_выше_этой_линии | напишите_ответ_выше_этой_строки | lütfen_cevabınızı_bu_satırın_üzerine_yazın |
    この行より上に返信してください | この行より上にご返信ください | 请在此行上方回复 | 이_줄_위에_회신해_주십시오
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
    元のメッセージ | 原始邮件 | 原始郵件 | 원본_메시지 |
    original_nachricht | originale_nachricht | originalmail | ursprungligt_mail | mail_original | courriel_original | message_initial | correo_original | e-mail_original | messaggio_original |
    originele_bericht | oorspronkelijke_bericht | originaalteade | algne_teade | originalna_poruka | originalno_sporočilo | izvirno_sporočilo | pôvodná_e-mailová_správa | wiadomość_pierwotna |
    sākotnējā_ziņa | pirminis_laiškas | originalus_laiškas | оригинално_съобщение | оригинална_порука | оригинальное_сообщение | исходное_письмо | вихідне_повідомлення | orijinal_mesaj |
    orjinal_mesaj | upprunaleg_skilaboð | missatge_original | jatorrizko_mezua | mensaxe_orixinal | הודעה_מקורית | الرسالة_الأصلية | رسالة_أصلية | پیام_اصلی | ข้อความต้นฉบับ | ข้อความเดิม | thư_gốc |
    tin_nhắn_gốc | pesan_asli | mesej_asal | オリジナルメッセージ | 元メッセージ | 回复的原邮件 | 原邮件 | 原始信件 | 原始訊息 | 원본_메일 | 원본메일 | मूल_संदेश
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
    转发的邮件 | 转发邮件 | 전달된_메시지 | forwarded_email | weitergeleitete_mail | weitergeleitete_e-mail | message_transmis | e-mail_transféré |
    courriel_transféré | correo_reenviado | e-mail_encaminhado | email_encaminhado | mensagem_reencaminhada | e-mail_inoltrata | doorgestuurde_mail |
    vidarebefordrat_mejl | videresendt_e-mail | edelleen_lähetetty_viesti | välitetty_viesti | proslijeđena_poruka | prosleđena_poruka |
    posredovano_sporočilo | edastatud_kiri | edastatud_teade | pārsūtīts_ziņojums | pārsūtīta_ziņa | persiųstas_laiškas | препратено_съобщение |
    прослеђена_порука | пересланное_письмо | пересылаемое_письмо | переслане_повідомлення | початок_переадресованого_повідомлення |
    начало_переадресованного_сообщения | începe_mesajul_redirecționat | mesaj_redirecţionat | framsend_skilaboð | missatge_reenviat |
    mensaxe_reenviada | birbidalitako_mezua | הודעה_שהועברה | رسالة_مُعاد_توجيهها | رسالة_معاد_توجيهها | پیام_هدایت‌شده | ข้อความที่ส่งต่อ |
    thư_được_chuyển_tiếp | tin_nhắn_được_chuyển_tiếp | pesan_terusan | pesan_yang_diteruskan | mesej_dimajukan | 転送されたメッセージ | 転送されたメール | 转发的消息 |
    轉寄的郵件 | 轉寄訊息 | 전달된_메일 | 전달_메일 | अग्रेषित_संदेश | dirigerat_meddelande | przekazywana_wiadomość | początek_przekazywanej_wiadomości |
    začátek_přeposlané_zprávy | továbbított_levél | iletilmiş_mesaj | start_på_videresendt_besked | videresendt_besked | välitetty_viesti_alkaa |
    początek_przekazanej_wiadomości | začátek_přeposílané_zprávy | začiatok_preposlanej_správy | továbbított_levél_kezdete |
    перенаправленное_сообщение | iletilen_ileti_başlangıcı | 下面是被转发的邮件 | 以下是被转发的邮件 | 開始轉寄郵件 | 전달된_메시지_시작 | αρχή_προωθημένου_μηνύματος |
    începutul_mesajului_redirecționat
""")
)
# The labels of a header block above a quote.
_LABELS = {
    "from": """
    from | von | de | da | van | från | fra | lähettäjä | od | od_koho | feladó | от | від | от_кого | kimden |
    gönderen | από | 发件人 | 寄件者 | 寄件人 | 差出人 | 送信元 | 보낸_사람 | 보낸사람 | expéditeur | remitente | mittente | remetente |
    absender | afzender | nadawca | отправитель | מאת | من | saatja | no | nuo | pošiljatelj | de_la | expeditor |
    từ |
    frá | dari | daripada | จาก | از | nork | шаље | пошиљалац | प्रेषक | sender | šalje | von | siuntėjas | sūtītājs | nga | відправник | подател | expéditeur_:
    """,
    "sent": """
    sent | gesendet | envoyé | envoyé_le | enviado | enviado_el | enviada_em | enviado_em | enviada | inviato | verzonden | skickat |
    sendt | sendt_den | lähetetty | wysłano | wysłane | odesláno | odoslané | elküldve | küldve | отправлено | надіслано | изпратено |
    gönderildi | εστάλη | στάλθηκε | 发送时间 | 傳送時間 | 寄件日期 | 送信日時 | 보낸_날짜 | נשלח | تاريخ_الإرسال | saadetud | trimis |
    poslano | poslato | enviat | đã_gửi | dikirim | nosūtīts | išsiųsta | ส่งเมื่อ |
    αποστολή | gönderilme | gönderilme_tarihi | gönderme_tarihi | gönderme_zamanı | gönderildiği_tarih | saatmisaeg | saatmise_aeg | تم_الإرسال | أُرسلت | ارسال_شده | ส่ง | bidaltze-data | bidalita | भेजा_गया |
    послато | skickades | enviat_el | enviados | dihantar | enviado_o | envoyée | inviata | inviato_il | lähetyspäivä | elküldve | dátum_odoslania | sendt_dato | 傳送日期 | 送信日 | 보낸_시간 | wysłane_dnia
    """,
    "date": """
    date | datum | fecha | data | dato | päivämäärä | dátum | дата | tarih | ημερομηνία | 日期 | 日時 | 날짜 | 時間 | 时间 | kuupäev | datums | תאריך |
    التاريخ | ngày | tanggal | วันที่ | d. | dagsetning | dáta | données | ημ/νία | 发送日期 | datë | tarikh | päiväys | 日付
    """,
    "to": """
    to | an | à | a | para | aan | till | til | vastaanottaja | do | komu | címzett | кому | kime | alıcı | προς |
    收件人 | 收件者 | 宛先 | 받는_사람 | 받는사람 | empfänger | destinataire | destinatario | destinatário | אל | إلى | către |
    za | kellele | per_a | kam | adressaat | saaja | saajad | ถึง | kepada | ke | đến | tới | به | nori | до | прима | प्रति | prima | primatelj |
    til | recipients | gavėjas | أرسل_إلى | ontvanger | 受信者 | 宛て先 | mottagare | mottaker | modtager | príjemca | příjemce | příjemci | príjemcovia |
    destinatari | pour | adresat
    """,
    "subject": """
    subject | betreff | objet | sujet | asunto | oggetto | assunto | onderwerp | ämne | emne | aihe | temat | předmět |
    predmet | tárgy | тема | konu | θέμα | 主题 | 主旨 | 主題 | 件名 | 제목 | נושא | الموضوع | teema | subiect | assumpte |
    chủ_đề |
    efni | относно | zadeva | tēma | tema | предмет | موضوع | subjek | perihal | gaia | विषय | เรื่อง | asunto | ogg | hal | naslov | lëndë
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
