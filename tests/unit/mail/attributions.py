"""Invented heads of quotes, as mail programs write them: a head to a paragraph, wrapped where it has several lines. Tables for
test_replies."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations


def paragraphs(table: str) -> list[str]:
    return [one.strip("\n") for one in table.strip("\n").split("\n\n")]


# "On ... wrote:", with an address or with date and time.
ATTRIBUTIONS = paragraphs("""
On Mon, Nov 30, 2026 at 10:00 AM Ann Example <ann@example.org> wrote:

On Mon, Nov 30, 2026 at 10:00\u202fAM Ann Example <ann@example.org> wrote:

On Mon, Nov 30, 2026 at 10:00 AM Example, Ann (Support) <ann@example.org>
wrote:

On Mon, 30 Nov 2026 at 10:00, "Example, Ann [Support]" <ann@example.org>
wrote:

On Mon, Nov 30, 2026, 10:00 'Ann Example' via Support <
support@desk.example> wrote:

On Nov 30, 2026 10:00 AM, "Ann Example" <ann@example.org> wrote:

On Nov 30, 2026, at 10:00 AM, Ann Example <ann@example.org> wrote:

On Nov 30, 2026, at 10:00, Ann Example <ann@example.org<mailto:ann@example.org>> wrote:

On 30 Nov 2026, at 10:00, Ann Example <mailto:ann@example.org> wrote:

On 30 Nov 2026, 10:00 +0100, Ann Example <ann@example.org>, wrote:

On 30 November 2026 at 10:00:00, Ann Example (ann@example.org) wrote:

On Mon, Nov 30, 2026 at 10:00 AM, Ann Example < ann@example.org > wrote:

On November 30, 2026, Ann Example <ann@example.org> wrote:

On Monday, November 30, 2026 at 10:00:00 AM GMT+1, Ann Example <ann@example.org> wrote:

On Monday, November 30th, 2026 at 10:00 AM, Ann Example <ann@example.org> wrote:

On Monday, 30 November 2026 10:00:00 CET Ann Example wrote:

On Mon, Nov 30, 2026 at 10:00:00AM +0100, Ann Example wrote:

On Mon, 2026-11-30 at 10:00 +0100, Ann Example wrote:

On Mon, November 30, 2026 10:00 am, Ann Example wrote:

On Mon, Nov 30, 2026, at 10:00 AM, Ann Example wrote:

On 30/11/2026 10:00, Ann Example wrote:

On 11/30/26 10:00 AM, Ann Example wrote:

On 2026-11-30 10:00, Ann Example wrote:

On 30-11-2026 10:00, Example, Ann wrote:

Ann Example wrote on 30/11/2026 10:00:

Ann Example <ann@example.org> wrote:

Ann Example <ann@example.org> writes:

At 2026-11-30 10:00:00, "Ann Example" <ann@example.org> wrote:

In a message dated 11/30/2026 10:00:00 AM Eastern Standard Time, ann@example.org writes:

30.11.2026, 10:00 by ann@example.org:

30.11.2026, 10:00, "Ann Example" <ann@example.org>:

Quoting Ann Example <ann@example.org>:

Zitat von Ann Example <ann@example.org>:

Citando Ann Example <ann@example.org>:

*On Mon, Nov 30, 2026 at 10:00 AM Ann Example <ann@example.org> wrote:*

---- On Mon, 30 Nov 2026 10:00:00 +0100 Ann Example <ann@example.org> wrote ----

---- On Mon, 30 Nov 2026 10:00:00 +0100 Ann Example <ann@example.org>
wrote ----

---- Le lun., 30 nov. 2026 10:00:00 +0100 Ann Example <ann@example.org> a écrit ----

---- El lun., 30 nov. 2026 10:00:00 +0100 Ann Example <ann@example.org> escribió ----

---- Am Mo., 30 Nov. 2026 10:00:00 +0100 Ann Example <ann@example.org> schrieb ----

Am Mo., 30. Nov. 2026 um 10:00 Uhr schrieb Ann Example <ann@example.org>:

Am Mo., 30. Nov. 2026 um 10:00 Uhr schrieb Ann Example <
ann@example.org>:

Am 30.11.2026 um 10:00 schrieb Ann Example <ann@example.org>:

Am 30.11.2026 um 10:00 schrieb Ann Example:

Am 30.11.26 um 10:00 schrieb Example, Ann:

Am Montag, 30. November 2026, 10:00:00 CET schrieb Ann Example:

Am Montag, dem 30.11.2026 um 10:00 +0100 schrieb Ann Example:

Am Mo, 30.11.2026, 10:00, schrieb Ann Example:

Am 2026-11-30 10:00, schrieb Ann Example:

Ann Example <ann@example.org> schrieb am Mo., 30. Nov. 2026, 10:00:

Ann Example <ann@example.org> hat am 30.11.2026 10:00 geschrieben:

Ann Example <ann@example.org> hat am 30. November 2026 um 10:00 CET
geschrieben:

Le lun. 30 nov. 2026 à 10:00, Ann Example <ann@example.org> a écrit :

Le lun. 30 nov. 2026 à 10:00, Ann Example <ann@example.org> a
écrit :

Le 30 nov. 2026 à 10:00, Ann Example <ann@example.org> a écrit\u00a0:

Le 30/11/2026 à 10:00, Ann Example a écrit :

Le lundi 30 novembre 2026 à 10:00:00 UTC+1, Ann Example <ann@example.org> a écrit :

Le lundi 30 novembre 2026 à 10:00 +0100, Ann Example a écrit :

El lun, 30 nov 2026 a las 10:00, Ann Example (<ann@example.org>) escribió:

El lun., 30 de noviembre de 2026 10:00 a. m., Ann Example <ann@example.org> escribió:

El 30/11/2026 a las 10:00, Ann Example escribió:

El 30-11-2026, a la(s) 10:00, Ann Example <ann@example.org> escribió:

Il giorno lun 30 nov 2026 alle ore 10:00 Ann Example <ann@example.org> ha
scritto:

Il giorno 30 nov 2026, alle ore 10:00, Ann Example <ann@example.org> ha scritto:

Il 30/11/2026 10:00, Ann Example ha scritto:

Il lunedì 30 novembre 2026 alle ore 10:00:00 CET, Ann Example <ann@example.org> ha scritto:

Em seg., 30 de nov. de 2026 às 10:00, Ann Example <ann@example.org> escreveu:

Ann Example <ann@example.org> escreveu (segunda, 30/11/2026 à(s) 10:00):

Em 30 de nov. de 2026, à(s) 10:00, Ann Example <ann@example.org> escreveu:

No dia 30/11/2026, às 10:00, Ann Example <ann@example.org> escreveu:

Às 10:00 de 30/11/2026, Ann Example escreveu:

Op ma 30 nov 2026 om 10:00 schreef Ann Example <ann@example.org>:

Op 30 nov. 2026 om 10:00 heeft Ann Example <ann@example.org> het volgende
geschreven:

Op 30-11-2026 om 10:00 schreef Ann Example:

Den mån 30 nov. 2026 kl 10:00 skrev Ann Example <ann@example.org>:

30 nov. 2026 kl. 10:00 skrev Ann Example <ann@example.org>:

Den 2026-11-30 kl. 10:00, skrev Ann Example:

Den man. 30. nov. 2026 kl. 10.00 skrev Ann Example <ann@example.org>:

man. 30. nov. 2026 kl. 10:00 skrev Ann Example <ann@example.org>:

På 30. november 2026 kl. 10.00.00, skrev Ann Example <ann@example.org>:

ma 30. marrask. 2026 klo 10.00 Ann Example (ann@example.org) kirjoitti:

Ann Example <ann@example.org> kirjoitti 30.11.2026 kello 10.00:

Ann Example kirjoitti 30.11.2026 klo 10.00:

mán., 30. nóv. 2026 kl. 10:00 skrifaði Ann Example <ann@example.org>:

pon., 30 lis 2026 o 10:00 Ann Example <ann@example.org> napisał(a):

W dniu 30.11.2026 o 10:00, Ann Example pisze:

W dniu pon., 30.11.2026 o 10:00 Ann Example <ann@example.org> napisał(a):

Wiadomość napisana przez Ann Example <ann@example.org> w dniu 30 lis 2026, o godz. 10:00:

Dnia 30 listopada 2026 10:00 Ann Example <ann@example.org> napisał(a):

po 30. 11. 2026 v 10:00 odesílatel Ann Example <ann@example.org> napsal:

Dne 30. 11. 2026 v 10:00 Ann Example napsal(a):

30. 11. 2026 v 10:00, Ann Example <ann@example.org>:

po 30. 11. 2026 o 10:00 Ann Example <ann@example.org> napísal(a):

Dňa 30. 11. 2026 o 10:00 používateľ Ann Example <ann@example.org> napísal:

Ann Example <ann@example.org> ezt írta (időpont: 2026. nov. 30., H, 10:00):

2026. 11. 30. 10:00 keltezéssel, Ann Example írta:

2026. nov. 30. dátummal, 10:00 időpontban Ann Example <ann@example.org> írta:

În lun., 30 nov. 2026 la 10:00, Ann Example <ann@example.org> a scris:

Pe 30 nov. 2026, la 10:00, Ann Example <ann@example.org> a scris:

пн, 30 нояб. 2026 г. в 10:00, Ann Example <ann@example.org>:

30 нояб. 2026 г., в 10:00, Ann Example <ann@example.org> написал(а):

30.11.2026 10:00, Ann Example пишет:

Понедельник, 30 ноября 2026, 10:00 +03:00 от Ann Example <ann@example.org>:

пн, 30 лист. 2026 р. о 10:00 Ann Example <ann@example.org> пише:

30 листопада 2026, 10:00:00, від "Ann Example" <ann@example.org>:

На пн, 30.11.2026 г. в 10:00 Ann Example <ann@example.org> написа:

На 30.11.2026 г. в 10:00, Ann Example написа:

Στις Δευ 30 Νοε 2026 στις 10:00 π.μ., ο χρήστης Ann Example <ann@example.org> έγραψε:

30 Νοε 2026, 10:00 π.μ., ο χρήστης «Ann Example <ann@example.org>» έγραψε:

Στις 30/11/2026 10:00 π.μ., ο/η Ann Example έγραψε:

Ann Example <ann@example.org>, 30 Kas 2026 Pzt, 10:00 tarihinde şunu yazdı:

Ann Example <ann@example.org> şunları yazdı (30 Kas 2026 10:00):

30.11.2026 10:00 tarihinde Ann Example yazdı:

pon, 30. stu 2026. u 10:00 Ann Example <ann@example.org> napisao je:

Dana 30.11.2026. u 10:00, Ann Example je napisao/la:

пон, 30. нов 2026. у 10:00 Ann Example <ann@example.org> је написао/ла:

V V pon., 30. nov. 2026 ob 10:00 je oseba Ann Example <ann@example.org> napisala:

Dne 30.11.2026 ob 10:00 je Ann Example napisal(a):

2026-11-30, pr, 10:00 Ann Example <ann@example.org> rašė:

pirmd., 2026. g. 30. nov., plkst. 10:00 — lietotājs Ann Example (<ann@example.org>) rakstīja:

Kuupäev E, 30. november 2026 kell 10:00 kirjutas Ann Example <ann@example.org>:

2026年11月30日(月) 10:00 Ann Example <ann@example.org>:

2026年11月30日(月) 10:00 見本 花子(サポート) <ann@example.org>:

2026/11/30 10:00、Ann Example <ann@example.org>のメール:

Ann Example <ann@example.org> 于2026年11月30日周一 10:00写道：

在 2026年11月30日，10:00，Ann Example <ann@example.org> 写道：

在 2026/11/30 10:00, Ann Example 写道:

在 2026-11-30 10:00:00，"Ann Example" <ann@example.org> 写道：

Ann Example <ann@example.org> 於 2026年11月30日 週一 上午10:00寫道：

2026년 11월 30일 (월) 오전 10:00, Ann Example <ann@example.org>님이 작성:

2026. 11. 30. 오전 10:00, Ann Example <ann@example.org> 작성:

Vào Th 2, 30 thg 11, 2026 vào lúc 10:00 Ann Example <ann@example.org> đã viết:

ในวันที่ จ. 30 พ.ย. 2026 เวลา 10:00 Ann Example <ann@example.org> เขียนว่า:

Pada tanggal Sen, 30 Nov 2026 pukul 10.00 Ann Example <ann@example.org> menulis:

Pada Isn, 30 Nov 2026 pada 10:00 PG Ann Example <ann@example.org> menulis:

\u202bבתאריך יום ב׳, 30 בנוב׳ 2026 ב-10:00 מאת \u202aAnn Example\u202c\u200f <\u202aann@example.org\u202c\u200f>:\u202c

\u200eבתאריך 30 בנוב׳ 2026, בשעה 10:00, Ann Example \u200f<ann@example.org> כתב/ה:

في الاثنين، 30 نوفمبر 2026 في 10:00 ص تمت كتابة ما يلي بواسطة Ann Example <ann@example.org>:

في ٣٠ نوفمبر ٢٠٢٦، الساعة ١٠:٠٠ ص، كتب Ann Example <ann@example.org>:

در تاریخ دوشنبه ۳۰ نوامبر ۲۰۲۶ ساعت ۱۰:۰۰ Ann Example <ann@example.org> نوشت:

सोम, 30 नव॰ 2026 को 10:00 am बजे को Ann Example <ann@example.org> ने लिखा:

সোম, ৩০ নভেম্বর, ২০২৬ তারিখে ১০:০০ AM টায় এ Ann Example <ann@example.org> লিখেছেন:

Missatge de Ann Example <ann@example.org> del dia dl., 30 de nov. 2026 a les 10:00:

El 30 nov 2026, a les 10:00, Ann Example <ann@example.org> va escriure:

O luns, 30 nov 2026 ás 10:00, Ann Example (<ann@example.org>) escribiu:

Ann Example <ann@example.org> igorleak hau idatzi du (2026 aza. 30, al. (10:00)):

Op Ma. 30 Nov. 2026 om 10:00 het Ann Example <ann@example.org> geskryf:

Noong Lun, Nob 30, 2026 nang 10:00 AM, isinulat ni Ann Example <ann@example.org> ang:

Mnamo Jumatatu, 30 Novemba 2026, 10:00 Ann Example <ann@example.org> aliandika:

On Mon, Nov 30, 2026 at 10:00 AM Ann Example, Head of Support (Berlin) at Desk
Example GmbH & Co. KG <ann.example-with-a-long-name@support.desk.example>
wrote:

On Monday, November 30, 2026, Ann Example <
ann.example@desk.example>
wrote:
""")

# Blocks of headers, dividers and whatever else stands above a quote without `>`.
BLOCKS = paragraphs("""
From: Ann Example <ann@example.org>
Sent: Monday, November 30, 2026 10:00 AM
To: Support <support@desk.example>
Subject: Printer

________________________________
From: Ann Example <ann@example.org>
Sent: Monday, November 30, 2026 10:00 AM
To: Support; Bob Example
Cc: Carl Example
Subject: RE: Printer

_____________________________________________
From: Ann Example
Sent: Monday, November 30, 2026 10:00
To: Bob Example
Subject: RE: Printer

*From:* Ann Example <ann@example.org>
*Sent:* Monday, November 30, 2026 10:00 AM
*To:* Support <support@desk.example>
*Subject:* Printer

**From:** Ann Example <ann@example.org>
**Date:** Monday, 30 November 2026 at 10:00
**To:** Support <support@desk.example>
**Subject:** Printer

*From: *Ann Example <ann@example.org>
*Date: *Monday, 30 November 2026 at 10:00
*To: *Support <support@desk.example>
*Subject: *Printer

From: Ann Example [mailto:ann@example.org]
Sent: \u200e30/\u200e11/\u200e2026 10:00
To: Support
Subject: Printer

From: "Ann Example"<ann@example.org>
To: <support@desk.example>;
Cc:
Sent: 2026-11-30 (월) 10:00:00 (UTC+09:00)
Subject: Printer

From: Ann Example
Date: Mon, 30 Nov 2026 10:00:00 +0100
Subject: Printer
To: support@desk.example

From:\tAnn Example/ACME
To:\tSupport/ACME@ACME
Date:\t30.11.2026 10:00
Subject:\tPrinter

-----Original Message-----
From: Ann Example
Sent: Monday, November 30, 2026 10:00 AM
To: Support
Subject: Printer

-------- Original message --------
From: Ann Example <ann@example.org>
Date: 30/11/2026 10:00 (GMT+01:00)
To: support@desk.example
Subject: Printer

  Original Message
From: Ann Example
Sent: Monday, November 30, 2026 10:00
To: Support
Reply To: Ann Example
Subject: Printer

------- Original Message -------
On Monday, November 30th, 2026 at 10:00 AM, Ann Example <ann@example.org> wrote:

\u2010\u2010\u2010\u2010\u2010\u2010\u2010 Original Message \u2010\u2010\u2010\u2010\u2010\u2010\u2010
On Monday, November 30, 2026 10:00 AM, Ann Example <ann@example.org> wrote:

------------------ Original ------------------
From: "Ann Example" <ann@example.org>;
Date: Mon, Nov 30, 2026 10:00 AM
To: "Support" <support@desk.example>;
Subject: Printer

------ Original Message ------
From "Ann Example" <ann@example.org>
To support@desk.example
Date 30/11/2026 10:00:00
Subject Printer

-----Ann Example <ann@example.org> wrote: -----
To: support@desk.example
From: Ann Example <ann@example.org>
Date: 11/30/2026 10:00AM
Subject: Printer

---- Replied Message ----
| From | Ann Example<ann@example.org> |
| Date | 11/30/2026 10:00 |
| To | support@desk.example |
| Subject | Printer |

Von: Ann Example <ann@example.org>
Gesendet: Montag, 30. November 2026 10:00
An: Support <support@desk.example>
Betreff: Drucker

Gesendet: Montag, 30. November 2026 um 10:00 Uhr
Von: "Ann Example" <ann@example.org>
An: support@desk.example
Betreff: Drucker

Von:        Ann Example <ann@example.org>
An:        support@desk.example
Kopie:        bob@example.org
Datum:        30.11.2026 10:00
Betreff:        Drucker

-----Ursprüngliche Nachricht-----
Von: Ann Example
Gesendet: Montag, 30. November 2026 10:00
An: Support
Betreff: Drucker

----- Ursprüngliche Mail -----
Von: "Ann Example" <ann@example.org>
An: "Support" <support@desk.example>
Gesendet: Montag, 30. November 2026 10:00:00
Betreff: Drucker

De : Ann Example <ann@example.org>
Envoyé : lundi 30 novembre 2026 10:00
À : Support <support@desk.example>
Objet : Imprimante

----- Mail original -----
De: "Ann Example" <ann@example.org>
À: support@desk.example
Envoyé: Lundi 30 Novembre 2026 10:00:00
Objet: Imprimante

-------- Message d'origine --------
De : Ann Example <ann@example.org>
Date : 30/11/2026 10:00 (GMT+01:00)
À : support@desk.example
Objet : Imprimante

De: Ann Example <ann@example.org>
Enviado el: lunes, 30 de noviembre de 2026 10:00
Para: Support <support@desk.example>
Asunto: Impresora

----- Mensaje original -----
De: "Ann Example" <ann@example.org>
Para: support@desk.example
Enviados: Lunes, 30 de Noviembre 2026 10:00:00
Asunto: Impresora

De: Ann Example <ann@example.org>
Enviada em: segunda-feira, 30 de novembro de 2026 10:00
Para: Support <support@desk.example>
Assunto: Impressora

Da: Ann Example <ann@example.org>
Inviato: lunedì 30 novembre 2026 10:00
A: Support <support@desk.example>
Oggetto: Stampante

Van: Ann Example <ann@example.org>
Verzonden: maandag 30 november 2026 10:00
Aan: Support <support@desk.example>
Onderwerp: Printer

Fra: Ann Example <ann@example.org>
Sendt: 30. november 2026 10:00
Til: Support <support@desk.example>
Emne: Printer

Från: Ann Example <ann@example.org>
Skickat: den 30 november 2026 10:00
Till: Support <support@desk.example>
Ämne: Skrivare

Lähettäjä: Ann Example <ann@example.org>
Lähetetty: maanantai 30. marraskuuta 2026 10.00
Vastaanottaja: Support <support@desk.example>
Aihe: Tulostin

Frá: Ann Example <ann@example.org>
Sent: mánudagur, 30. nóvember 2026 10:00
Til: Support <support@desk.example>
Efni: Prentari

Od: Ann Example <ann@example.org>
Wysłano: poniedziałek, 30 listopada 2026 10:00
Do: Support <support@desk.example>
Temat: Drukarka

Od: Ann Example <ann@example.org>
Odesláno: pondělí 30. listopadu 2026 10:00
Komu: Support <support@desk.example>
Předmět: Tiskárna

Od: Ann Example <ann@example.org>
Odoslané: pondelok 30. novembra 2026 10:00
Komu: Support <support@desk.example>
Predmet: Tlačiareň

Feladó: Ann Example <ann@example.org>
Elküldve: 2026. november 30., hétfő 10:00
Címzett: Support <support@desk.example>
Tárgy: Nyomtató

De la: Ann Example <ann@example.org>
Trimis: luni, 30 noiembrie 2026 10:00
Către: Support <support@desk.example>
Subiect: Imprimantă

От: Ann Example <ann@example.org>
Отправлено: 30 ноября 2026 г. 10:00
Кому: Support <support@desk.example>
Тема: Принтер

Від: Ann Example <ann@example.org>
Надіслано: 30 листопада 2026 р. 10:00
Кому: Support <support@desk.example>
Тема: Принтер

From: Ann Example <ann@example.org>
Изпратено: понеделник, 30 ноември 2026 г. 10:00
До: Support <support@desk.example>
Относно: Принтер

Από: Ann Example <ann@example.org>
Αποστολή: Δευτέρα, 30 Νοεμβρίου 2026 10:00
Προς: Support <support@desk.example>
Θέμα: Εκτυπωτής

Kimden: Ann Example <ann@example.org>
Gönderilme: 30 Kasım 2026 Pazartesi 10:00
Kime: Support <support@desk.example>
Konu: Yazıcı

Gönderen: Ann Example
Gönderme Tarihi: 30 Kasım 2026 Pazartesi 10:00
Kime: Support <support@desk.example>
Konu: Yazıcı

Od: Ann Example <ann@example.org>
Poslano: 30. studenoga 2026. 10:00
Prima: Support <support@desk.example>
Predmet: Pisač

Od: Ann Example <ann@example.org>
Poslano: ponedeljek, 30. november 2026 10:00
Za: Support <support@desk.example>
Zadeva: Tiskalnik

Nuo: Ann Example <ann@example.org>
Išsiųsta: 2026 m. lapkričio 30 d., pirmadienis 10:00
Kam: Support <support@desk.example>
Tema: Spausdintuvas

No: Ann Example <ann@example.org>
Nosūtīts: pirmdiena, 2026. gada 30. novembris 10:00
Kam: Support <support@desk.example>
Tēma: Printeris

Saatja: Ann Example <ann@example.org>
Saatmisaeg: esmaspäev, 30. november 2026 10:00
Adressaat: Support <support@desk.example>
Teema: Printer

差出人: Ann Example <ann@example.org>
送信日時: 2026年11月30日 10:00
宛先: Support <support@desk.example>
件名: プリンター

发件人: Ann Example <ann@example.org>
发送时间: 2026年11月30日 10:00
收件人: Support <support@desk.example>
主题: 打印机

------------------ 原始邮件 ------------------
发件人: "Ann Example" <ann@example.org>;
发送时间: 2026年11月30日(星期一) 上午10:00
收件人: "Support" <support@desk.example>;
主题: 打印机

寄件者: Ann Example <ann@example.org>
寄件日期: 2026年11月30日 上午 10:00
收件者: Support <support@desk.example>
主旨: 印表機

보낸 사람: Ann Example <ann@example.org>
보낸 날짜: 2026년 11월 30일 월요일 오전 10:00
받는 사람: Support <support@desk.example>
제목: 프린터

מאת: Ann Example <ann@example.org>
נשלח: יום שני 30 נובמבר 2026 10:00
אל: Support <support@desk.example>
נושא: מדפסת

من: Ann Example <ann@example.org>
تم الإرسال: الاثنين, 30 نوفمبر 2026 10:00
إلى: Support <support@desk.example>
الموضوع: طابعة

از: Ann Example <ann@example.org>
ارسال شده: دوشنبه ۳۰ نوامبر ۲۰۲۶ 10:00
به: Support <support@desk.example>
موضوع: چاپگر

จาก: Ann Example <ann@example.org>
ส่ง: 30 พฤศจิกายน 2569 10:00
ถึง: Support <support@desk.example>
เรื่อง: เครื่องพิมพ์

Từ: Ann Example <ann@example.org>
Đã gửi: Thứ Hai, 30 Tháng Mười Một 2026 10:00
Đến: Support <support@desk.example>
Chủ đề: Máy in

Dari: Ann Example <ann@example.org>
Dikirim: Senin, 30 November 2026 10:00
Kepada: Support <support@desk.example>
Subjek: Pencetak

De: Ann Example <ann@example.org>
Enviat: dilluns, 30 de novembre de 2026 10:00
Per a: Support <support@desk.example>
Assumpte: Impressora

Nork: Ann Example <ann@example.org>
Bidaltze-data: 2026(e)ko azaroaren 30(a) 10:00
Nori: Support <support@desk.example>
Gaia: Inprimagailua

De: Ann Example <ann@example.org>
Enviado: luns, 30 de novembro de 2026 10:00
Para: Support <support@desk.example>
Asunto: Impresora

प्रेषक: Ann Example <ann@example.org>
भेजा गया: 30 नवम्बर 2026 10:00
प्रति: Support <support@desk.example>
विषय: प्रिंटर

Шаље: Ann Example <ann@example.org>
Послато: понедељак, 30. новембар 2026. 10:00
Прима: Support <support@desk.example>
Тема: Штампач
""")
