"""How programs that answer for somebody name their answers: beginnings of subjects, in lower case.

A hint only: people write so, too. It takes a second sign to make a mail an automatic one.
"""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations


def _table(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for line in words.strip().splitlines() for word in line.split(" | "))


# "Automatic reply": what no person calls their own mail.
_PROGRAMS = _table("""
    automatic reply | auto reply | auto-reply | autoreply | auto response | auto-response | autoresponse | automatic response
    automated reply | automated response | automated message | auto: re: | auto: aw: | auto: fw: | auto: fwd: | autoresponder
    out of office autoreply | out of office auto-reply | out of office reply | out of office message | out of office notification
    out-of-office reply | out-of-office message | out-of-office notification | vacation reply | vacation autoreply
    abwesenheitsnotiz | abwesenheitsnachricht | abwesenheitsmeldung | abwesenheitsbenachrichtigung | abwesenheitsassistent
    automatische antwort | automatische rückantwort | automatische abwesenheits | autom. antwort
    réponse automatique | message d'absence | notification d'absence | gestionnaire d'absence
    respuesta automática | respuesta automatica | resposta automática | resposta automatica | resposta automàtica
    mensagem automática | mensaje automático | risposta automatica | risposta automatizzata | messaggio automatico
    automatisch antwoord | automatische antwoord | automatisch bericht | afwezigheidsbericht | afwezigheidsassistent
    automatiskt svar | autosvar | frånvaromeddelande | automatisk svar | fraværsassistent | fraværsmelding | fraværsbesked
    automaattinen vastaus | automaattivastaus | poissaoloilmoitus | poissaoloviesti | sjálfvirkt svar
    odpowiedź automatyczna | automatyczna odpowiedź | autoodpowiedź | automatická odpověď | automatická odpoveď
    automatikus válasz | automatikus üzenet | răspuns automat | mesaj automat | автоматический ответ | автоответ | автоматична відповідь
    автовідповідь | автоматичен отговор | автоматски одговор | аутоматски одговор | αυτόματη απάντηση | otomatik yanıt
    otomatik cevap | automatski odgovor | samodejni odgovor | avtomatski odgovor | automātiska atbilde | automātiskā atbilde
    automatinis atsakymas | automaatvastus | automaatne vastus | erantzun automatikoa | përgjigje automatike
    תשובה אוטומטית | מענה אוטומטי | رد تلقائي | الرد التلقائي | پاسخ خودکار | स्वचालित उत्तर | स्वचालित जवाब
    自動応答 | 自動返信 | 不在通知 | 不在連絡 | 不在メール | 自动回复 | 自動回覆 | 自动答复 | 自動答覆 | 外出时的自动回复 | 자동 회신 | 자동 응답
    자동회신 | 자동응답 | 부재중 자동 | 부재 중 자동 | trả lời tự động | tự động trả lời | balasan otomatis | jawaban otomatis
    jawapan automatik | balasan automatik | ตอบกลับอัตโนมัติ | การตอบกลับอัตโนมัติ
""")
# "Out of office": what people write about themselves, too, unless the subject that is answered follows behind a colon.
_PEOPLE = _table("""
    out of office | out of the office | out-of-office | away from office | away from the office | vacation | on vacation | i am away | i'm away
    ooo: | on holiday | i am out of | i'm out of | i am on | i am currently | auto: | abwesenheit | abwesend | ich bin im urlaub | ich bin nicht im
    ich bin außer | ich bin derzeit | nicht im büro | absence | absent | absence du bureau | en congé | en vacances | je suis absent | fuera de la oficina
    fuera de oficina | ausente | ausencia | estoy fuera | ausência | fora do escritório | estou ausente | fuori sede | fuori ufficio
    assente | assenza | sono assente | afwezigheid | afwezig | niet op kantoor | ik ben afwezig | frånvaro | frånvarande | ej på kontoret
    fravær | fraværende | ikke på kontoret | ikke til stede | poissa | nieobecność | poza biurem | mimo kancelář | nepřítomnost
    neprítomnosť | házon kívül | távollét | absență | lipsă din birou | нет на месте | в отпуске | вне офиса | поза офісом | у відпустці | извън офиса
    отсъствие | εκτός γραφείου | απουσία | ofis dışında | izvan ureda | odsoten | odsutan | fora de l'oficina
    不在 | 外出 | 休假 | 부재중 | 부재 중 | מחוץ למשרד | خارج المكتب | ngoài văn phòng | di luar kantor | ไม่อยู่
""")
# Longer ones first: "out of office reply" before "out of office".
_PEOPLE_FIRST = tuple(sorted(_PEOPLE, key=len, reverse=True))
_COLONS = (":", "\uff1a")


def found(subject: str) -> tuple[str, bool] | None:
    """The beginning that a subject has, and whether programs alone begin it so; None where it has none. Behind a `Re:` a person
    answers to what a ticket is about."""
    said = " ".join(subject.lower().replace("\u2019", "'").split()).lstrip(" [(*")
    word = next((word for word in _PROGRAMS if said.startswith(word)), "")
    if word:
        return word, True
    word = next((word for word in _PEOPLE_FIRST if said.startswith(word)), "")
    if not word:
        return None
    # People write on behind it; and "Auto:" is a car's in German.
    return word, word[-1] != ":" and said[len(word) :].lstrip(" ])*")[:1] in _COLONS
