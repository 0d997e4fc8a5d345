"""How programs that answer for somebody name their answers: beginnings of subjects, in lower case.

A hint only: people write so, too. It takes a second sign to make a mail an automatic one.
"""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

_TABLE = """
    automatic reply | auto reply | auto-reply | autoreply | auto response | auto-response | autoresponse | automatic response
    automated reply | automated response | out of office | out of the office | out-of-office | away from office | vacation
    on vacation | i am away | i'm away | ooo: | on holiday | auto: | abwesenheit | automatische antwort | automatische rückantwort
    ich bin im urlaub | nicht im büro | réponse automatique | absence du bureau | message d'absence | en congé | absent du bureau
    respuesta automática | respuesta automatica | fuera de la oficina | fuera de oficina | ausente | resposta automática
    ausência | fora do escritório | ausência temporária | risposta automatica | fuori sede | fuori ufficio | assente
    automatisch antwoord | automatische antwoord | afwezigheid | afwezig | niet op kantoor | automatiskt svar | autosvar
    frånvaro | ej på kontoret | automatisk svar | fravær | ikke på kontoret | ikke til stede | automaattinen vastaus
    poissa | odpowiedź automatyczna | automatyczna odpowiedź | nieobecność | poza biurem | automatická odpověď
    automatická odpoveď | mimo kancelář | nepřítomnost | neprítomnosť | automatikus válasz | házon kívül | răspuns automat
    absență | автоматический ответ | автоответ | нет на месте | в отпуске | автоматична відповідь | автовідповідь
    αυτόματη απάντηση | εκτός γραφείου | otomatik yanıt | otomatik cevap | ofis dışında | automatski odgovor | samodejni odgovor
    automātiska atbilde | automatinis atsakymas | automaatvastus | sjálfvirkt svar | תשובה אוטומטית | رد تلقائي | الرد التلقائي
    自動応答 | 自動返信 | 不在 | 自动回复 | 自動回覆 | 自动答复 | 外出 | 자동 회신 | 자동 응답 | 부재중 | trả lời tự động
    tự động trả lời | balasan otomatis | jawapan automatik | ตอบกลับอัตโนมัติ
"""
BEGINNINGS = tuple(word.strip() for line in _TABLE.strip().splitlines() for word in line.split(" | "))


def found(subject: str) -> str:
    """The beginning that a subject has; empty where it has none. Behind a `Re:` a person answers to what a ticket is about."""
    said = " ".join(subject.lower().replace("\u2019", "'").split()).lstrip(" [(*")
    return next((word for word in BEGINNINGS if said.startswith(word)), "")
