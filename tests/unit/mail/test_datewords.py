"""Dates as programs write them for people, above what is forwarded."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.mail.datewords import moment, zone_of

BERLIN = timedelta(hours=1)
WRITTEN = datetime(2026, 2, 3, 8, 12, tzinfo=UTC)  # a Tuesday

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "hu": "január február március április május június július augusztus szeptember október november december",
    "ro": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
}


@pytest.mark.parametrize("language", MONTHS)
def test_every_month(language):
    said = [moment(f"2 {month} 2026 09:12", BERLIN) for month in MONTHS[language].split()]
    assert said == [datetime(2026, month, 2, 8, 12, tzinfo=UTC) for month in range(1, 13)]


@pytest.mark.parametrize(
    "words",
    [
        "Tue, Feb 3, 2026 at 9:12 AM",
        "Tuesday, 3 February 2026 at 09:12",
        "Tue, 3 Feb 2026 09:12:00 +0100",
        "Tue, 3 Feb 2026 03:12:00 -0500 (EST)",
        "3 February 2026 at 09:12:00 CET",
        "3 February 2026 at 08:12:00 GMT",
        "mar. 3 févr. 2026 à 09:12",  # a Tuesday that begins as a March does
        "martes, 3 de febrero de 2026 9:12",
        "mardi 3 février 2026 09h12",
        "2026. február 3., kedd 9:12",
        "2026年2月3日(火) 9:12",
        "2026年2月3日 上午9:12",
        "2026년 2월 3일 화요일 오전 9:12",
        "3.2.2026 klo 9.12",
        "3. 2. 2026 9:12",
        "03/02/2026 09:12",
        "2/3/2026 9:12 AM",
        "2026-02-03 09:12",
    ],
)
def test_shapes(words):
    assert moment(words, BERLIN) == WRITTEN


@pytest.mark.parametrize(
    ("words", "hour"),
    [("2/3/2026 9:12 PM", 20), ("2026年2月3日 下午9:12", 20), ("3 Feb 2026 12:05 AM", -1), ("3.2.2026", 11)],
)
def test_times(words, hour):
    """Without one it is noon."""
    said = moment(words, BERLIN)
    assert said is not None
    assert said.replace(minute=0) == datetime(2026, 2, 3, tzinfo=UTC) + timedelta(hours=hour)


@pytest.mark.parametrize(
    "words", ["", "yesterday", "31.2.2026", "3 Feb", "Feb 2026", "99.99.9999", "3 Feb 0001", "2026-13-01"]
)
def test_no_date(words):
    assert moment(words) is None


@given(st.text(max_size=300), st.timedeltas(timedelta(hours=-14), timedelta(hours=14)))
def test_anything(words, zone):
    said = moment(words, zone)
    assert said is None or said.tzinfo is UTC


@pytest.mark.parametrize(
    ("header", "hours"),
    [("Tue, 3 Feb 2026 10:00:00 +0100", 1), ("Tue, 3 Feb 2026 10:00:00 -0530", -5.5), ("Tue, 3 Feb 2026 10:00:00 GMT", 0), ("+9999", 0), ("", 0)],
)  # fmt: skip
def test_where_the_forwarder_stands(header, hours):
    assert zone_of(header) == timedelta(hours=hours)
