"""Every notice in every language, the catalogue, and templates of an operator's own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from helpdeskd import resources
from helpdeskd.alarms import conditions
from helpdeskd.desk import commands, obey
from helpdeskd.desk.commands import HELP
from helpdeskd.errors import ConfigError
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.routing import Reason
from helpdeskd.model.ticket import Priority, State
from helpdeskd.outgoing.render import BrokenTemplate, Renderer, one_line, paragraphs, read_catalogue, shown_size
from tests.unit.outgoing.examples import EXAMPLES, MARKER, UNKNOWN_COMMAND

TEMPLATES = resources.find("templates")
TO_CUSTOMERS = {
    NoticeName.ACKNOWLEDGEMENT,
    NoticeName.STAFF_REPLY,
    NoticeName.FORWARD,
    NoticeName.TICKET_CLOSED,
    NoticeName.FOLLOW_UP_REFUSED,
}
NO_TICKET = {NoticeName.WELCOME, NoticeName.CUSTOMER_WELCOME, NoticeName.PASSWORD_RESET, NoticeName.ALARM}
TO_STAFF = set(NoticeName) - TO_CUSTOMERS - NO_TICKET

# Texts that the desk puts into a context as they are; templates look them up in the catalogue.
OF_THE_DESK = {
    *HELP.values(),
    "unknown command",
    "not carried out",
    "there was no text",
    "the text is an internal note",
    "open",
    "was open already",
    "assigned to nobody",
    "your text",
    "kept as an internal note: the text of one of our notices stands in it, so it was not sent to the customer",
    *conditions.TITLES.values(),
}


@pytest.fixture(scope="module")
def renderer():
    return Renderer(TEMPLATES, None, "en")


every = pytest.mark.parametrize(
    ("notice", "context"),
    [*EXAMPLES.items(), (NoticeName.COMMANDS_DONE, UNKNOWN_COMMAND)],
    ids=[*map(str, EXAMPLES), "unknown_command"],
)
languages = pytest.mark.parametrize("language", ["en", "de"])


class Page(HTMLParser):
    """What an HTML mail shows, and whether its tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.shown = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in {"br", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "title" not in self.open:
            self.shown += data


def test_every_notice_has_its_folder_and_its_example():
    folders = {path.name for path in (TEMPLATES / "mail").iterdir() if path.is_dir()}
    assert folders == {notice.value for notice in NoticeName}
    for notice in NoticeName:
        files = {path.name for path in (TEMPLATES / "mail" / notice).iterdir()}
        assert files == {"subject.txt", "body.txt", "body.html"}
    assert set(EXAMPLES) == set(NoticeName)


@languages
@every
def test_shape(renderer, notice, context, language):
    mail = renderer.render(notice, language, context)
    assert mail.subject == mail.subject.strip()
    assert "\n" not in mail.subject
    if notice not in NO_TICKET:
        assert mail.subject.startswith("[#482915] ")
        assert "Printer <on> fire & more" in mail.subject
    # Plain text: as it is meant, no traces of the template, no ragged blank lines.
    assert "&lt;" not in mail.text
    assert "&amp;" not in mail.text
    assert "{" not in mail.text + mail.html
    assert "\n\n\n" not in mail.text
    assert not re.search(r"(?<!^--)[ \t]+$", mail.text, re.MULTILINE)
    # HTML: small, balanced, inline styles only, nothing from afar.
    page = Page(mail.html)
    assert not page.seen & {"table", "style", "script", "img", "link", "font"}
    assert not page.attributes & {"class", "id", "bgcolor"}
    assert "background" not in mail.html
    assert f'<html lang="{language}">' in mail.html
    assert 'name="color-scheme" content="light dark"' in mail.html


@languages
@every
def test_text_and_html_say_the_same(renderer, notice, context, language):
    if notice is NoticeName.STAFF_REPLY:
        context = {**context, "message": {**context["message"], "html": ""}}
    mail = renderer.render(notice, language, context)

    def words(text):
        return [word for word in re.sub(r"[^\w<>#&%]+", " ", text.replace("\xa0", " ")).split() if word.strip("-_")]

    assert words(Page(mail.html).shown) == words(mail.text)


@languages
@pytest.mark.parametrize("notice", [n for n in NoticeName if n not in NO_TICKET])
def test_the_marker_is_the_first_thing_there_is_to_quote(renderer, notice, language):
    mail = renderer.render(notice, language, EXAMPLES[notice])
    assert mail.text.startswith(MARKER + "\n")
    assert Page(mail.html).shown.split("\n")[0].strip() == "" or Page(mail.html).shown.strip().startswith(MARKER)
    assert Page(mail.html).shown.strip().startswith(MARKER)
    assert mail.text.count(MARKER) == 1


@pytest.mark.parametrize("notice", [NoticeName.WELCOME, NoticeName.CUSTOMER_WELCOME])
def test_nobody_answers_a_welcome(renderer, notice):
    mail = renderer.render(notice, "en", EXAMPLES[notice])
    assert MARKER not in mail.text
    assert "https://desk.example.org/set-password/abc123" in mail.text
    assert 'href="https://desk.example.org/set-password/abc123"' in mail.html
    mail = renderer.render(notice, "en", {**EXAMPLES[notice], "link": ""})
    assert "choose a password" not in mail.text + mail.html


@languages
@pytest.mark.parametrize("notice", sorted(TO_STAFF | {NoticeName.WELCOME}))
def test_staff_are_told_the_commands(renderer, notice, language):
    mail = renderer.render(notice, language, EXAMPLES[notice])
    for text in (mail.text, Page(mail.html).shown):
        for name in HELP:
            assert re.search(rf"#{name}\b", text)


@languages
@pytest.mark.parametrize("notice", sorted(TO_CUSTOMERS))
def test_customers_see_no_commands_and_no_staff_addresses(renderer, notice, language):
    mail = renderer.render(notice, language, EXAMPLES[notice])
    for text in (mail.text, mail.html):
        assert "#note" not in text
        assert "ada@example.org" not in text


@pytest.mark.parametrize("notice", sorted(TO_CUSTOMERS))
def test_all_that_a_customer_gets_has_one_subject(renderer, notice):
    """So that every mail program shows it as one conversation, in any language."""
    for language in ("en", "de"):
        assert renderer.render(notice, language, EXAMPLES[notice]).subject == "[#482915] Printer <on> fire & more"


def test_an_alarm_says_what_begins_and_what_is_over(renderer):
    example = EXAMPLES[NoticeName.ALARM]
    mail = renderer.render(NoticeName.ALARM, "en", example)
    assert mail.subject == "Alarm at Example Desk: a mailbox had no good poll in three intervals"
    assert "\nAlarm: a mailbox had no good poll in three intervals\n  support: no good poll ever" in mail.text
    assert "\nStill so: mails are parked\n" in mail.text
    assert "\nOver: the store is down\n" in mail.text
    assert "since 2026-11-25T10:00:00Z" in mail.text
    over = renderer.render(NoticeName.ALARM, "de", {**example, "alarms": example["alarms"][2:]})
    assert over.subject == "Vorbei bei Example Desk: der Speicher ist nicht erreichbar"


def test_an_acknowledgement_repeats_nothing_of_the_mail(renderer):
    context = {**EXAMPLES[NoticeName.ACKNOWLEDGEMENT], "person": {"name": "Buy now", "email": "x@example.net"}}
    mail = renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", context)
    assert "Buy now" not in mail.text + mail.html
    assert "Printer" not in mail.text
    assert "482915" in mail.text


def test_a_staff_reply_is_the_answer_first_and_then_our_name(renderer):
    mail = renderer.render(NoticeName.STAFF_REPLY, "en", EXAMPLES[NoticeName.STAFF_REPLY])
    assert mail.text == (
        f"{MARKER}\n\nPlease pull the plug.\n\nAda\n\nThese files were too large to be sent by mail:\n"
        "- film.mp4 (99 MB)\n\nThese files were not passed on, for safety:\n- bill.pdf.exe (4 KB)\n- plan.docm (4 KB)\n\n"
        "-- \nExample Support\n"
    )
    assert "<p>Please <b>pull</b> the plug.</p>" in mail.html
    assert "photo.jpg" not in mail.text


def test_german(renderer):
    text = renderer.render(NoticeName.ACKNOWLEDGEMENT, "de", EXAMPLES[NoticeName.ACKNOWLEDGEMENT]).text
    assert "vielen Dank für Ihre Nachricht" in text
    mail = renderer.render(NoticeName.NEW_TICKET, "de", EXAMPLES[NoticeName.NEW_TICKET])
    assert mail.subject == "[#482915] Neu: Printer <on> fire & more"
    assert "Status: neu, Priorität: normal, zugewiesen an: niemanden" in mail.text


def test_words_of_others_are_never_markup(renderer):
    nasty = "<script>alert(1)</script> & {{ 7 * 7 }} %(subject)s 100%"
    for notice in TO_STAFF:
        context = dict(EXAMPLES[notice])
        context["ticket"] = {**context["ticket"], "subject": nasty}
        context["requester"] = {"name": nasty, "email": "x@example.net"}
        context["message"] = {**(context["message"] or {}), "text": nasty} if context.get("message") else None
        mail = renderer.render(notice, "de", context)
        assert "<script>" not in mail.html
        assert nasty in mail.text
        assert "49" not in mail.text.replace("482915", "")


@pytest.mark.parametrize("reason", [*map(str, Reason), "something-new"])
def test_every_reason_has_words(renderer, reason):
    for notice in (NoticeName.KEPT_INTERNAL, NoticeName.CUSTOMER_REPLIED):
        context = {**EXAMPLES[notice], "reason": reason, "internal": True}
        mail = renderer.render(notice, "en", context)
        assert "note" in mail.text


def test_a_forged_mail_comes_with_a_warning(renderer):
    example = EXAMPLES[NoticeName.NEW_TICKET]
    assert "Careful" not in renderer.render(NoticeName.NEW_TICKET, "en", example).text
    for context in (
        {**example, "reason": "unverified"},
        {**example, "message": {**example["message"], "verdict": "fail"}},
    ):
        mail = renderer.render(NoticeName.NEW_TICKET, "en", context)
        assert "Careful" in mail.text
        assert "Careful" in mail.html


def test_the_last_notice_before_a_ceiling_says_so(renderer):
    example = EXAMPLES[NoticeName.CUSTOMER_REPLIED]
    assert "Much has come" not in renderer.render(NoticeName.CUSTOMER_REPLIED, "en", example).text
    mail = renderer.render(NoticeName.CUSTOMER_REPLIED, "de", {**example, "last_for_now": True})
    assert "Hier kam zuletzt viel an" in mail.text
    assert "Hier kam zuletzt viel an" in mail.html


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("priority", Priority)
def test_states_and_priorities_have_names(renderer, state, priority):
    example = EXAMPLES[NoticeName.ASSIGNED]
    ticket = {**example["ticket"], "state": state.value, "priority": priority.value}
    text = renderer.render(NoticeName.ASSIGNED, "de", {**example, "ticket": ticket}).text
    assert "_" not in next(line for line in text.splitlines() if line.startswith("Status"))


# The catalogue


def translatable() -> Iterator[tuple[str, str]]:
    environment: Any = Environment(extensions=["jinja2.ext.i18n"])
    environment.policies["ext.i18n.trimmed"] = True
    for path in sorted(each for each in TEMPLATES.rglob("*") if each.suffix in {".txt", ".html"}):
        for line, _, found in environment.extract_translations(path.read_text("utf-8")):
            for message in found if isinstance(found, tuple) else (found,):
                if message is not None:
                    yield message, f"{path.relative_to(TEMPLATES)}:{line}"


@pytest.mark.parametrize("path", sorted((TEMPLATES / "locale").glob("*.po")), ids=lambda path: path.stem)
def test_the_catalogue_has_every_text_and_no_orphan(path):
    texts = read_catalogue(path)
    wanted = dict(translatable())
    missing = [f"{place}: {message}" for message, place in wanted.items() if message not in texts]
    assert not missing
    assert set(texts) - set(wanted) == OF_THE_DESK - set(wanted)
    for message, translation in texts.items():
        assert sorted(re.findall(r"%\(\w+\)s", message)) == sorted(re.findall(r"%\(\w+\)s", translation)), message


def test_the_texts_of_the_desk_are_still_those():
    source = "".join(inspect.getsource(module) for module in (commands, obey, conditions))
    assert [text for text in OF_THE_DESK if f'"{text}"' not in source] == []


NO_CATALOGUE = "Bonjour = Hello\n"


def test_languages_fall_back(renderer):
    assert renderer.languages == ("de", "en")
    assert [renderer.resolve(each) for each in ("de", "de-AT", "de_CH", "DE", "fr", "")] == [
        "de",
        "de",
        "de",
        "de",
        "en",
        "en",
    ]
    assert Renderer(TEMPLATES, None, "de").resolve("fr") == "de"


def test_a_broken_catalogue_is_said_with_its_place(tmp_path):
    own(tmp_path, "locale/fr.po", NO_CATALOGUE)
    with pytest.raises(ConfigError, match=r"fr\.po"):
        Renderer(TEMPLATES, tmp_path, "en")


# An operator's own


def own(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_file_of_the_operators_wins_and_the_rest_stays_ours(tmp_path):
    own(tmp_path, "mail/acknowledgement/body.txt", "{{ marker }}\n\nAhoy, {{ ticket.number }}!\n")
    renderer = Renderer(TEMPLATES, tmp_path, "en")
    mail = renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", EXAMPLES[NoticeName.ACKNOWLEDGEMENT])
    assert mail.text == f"{MARKER}\n\nAhoy, 482915!\n"
    assert "Thank you" in mail.html
    for notice, context in EXAMPLES.items():  # ours run in the sandbox too, now
        assert renderer.render(notice, "de", context).subject


def test_the_operators_frame_stands_around_our_notices(tmp_path):
    own(tmp_path, "mail/_customer.txt", "{{ marker }}\n{% block body %}{% endblock %}\nThe Shop, Main Street 1\n")
    renderer = Renderer(TEMPLATES, tmp_path, "en")
    for notice in TO_CUSTOMERS:
        assert renderer.render(notice, "en", EXAMPLES[notice]).text.endswith("The Shop, Main Street 1\n")


def test_the_operators_language(tmp_path):
    own(tmp_path, "locale/fr.po", 'msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "Hello,"\nmsgstr "Bonjour,"\n')
    own(tmp_path, "locale/de.po", 'msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "Hello,"\nmsgstr "Moin,"\n')
    renderer = Renderer(TEMPLATES, tmp_path, "en")
    example = EXAMPLES[NoticeName.ACKNOWLEDGEMENT]
    assert "Bonjour," in renderer.render(NoticeName.ACKNOWLEDGEMENT, "fr-CA", example).text
    german = renderer.render(NoticeName.ACKNOWLEDGEMENT, "de", example).text
    assert "Moin," in german
    assert "vielen Dank" in german


def test_reload_reads_again_and_keeps_the_old_on_trouble(tmp_path):
    renderer = Renderer(TEMPLATES, tmp_path, "en")
    example = EXAMPLES[NoticeName.ACKNOWLEDGEMENT]
    own(tmp_path, "mail/acknowledgement/subject.txt", "Ahoy {{ ticket.tag }}")
    assert renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", example).subject.startswith("[#")
    renderer.reload()
    assert renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", example).subject == "Ahoy [#482915]"
    own(tmp_path, "locale/fr.po", NO_CATALOGUE)
    with pytest.raises(ConfigError):
        renderer.reload()
    assert renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", example).subject == "Ahoy [#482915]"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("one\n{{ tickt.number }}\n", "'tickt' is undefined"),
        ("one\n{{ ticket.nummer }}\n", "nummer"),
        ("one\n{% if %}\n", "Expected an expression"),
        ("one\n{{ 1 / 0 }}\n", "division by zero"),
        ("one\n{{ none() }}\n", "not callable"),
        ("one\n{% include 'nowhere.txt' %}\n", "nowhere.txt"),
        ("one\n{{ 'x' | nosuch }}\n", "nosuch"),
        ("one\n{{ ''.__class__.__mro__ }}\n", "unsafe"),
        ("one\n{{ desk.update({'name': 'x'}) }}\n", "unsafe"),
        ("one\n{% for i in range(10000000) %}{% endfor %}\n", "too big"),
    ],
)
def test_a_broken_template_names_its_file_and_line(tmp_path, text, what):
    own(tmp_path, "mail/acknowledgement/body.txt", text)
    renderer = Renderer(TEMPLATES, tmp_path, "en")
    with pytest.raises(BrokenTemplate) as caught:
        renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", EXAMPLES[NoticeName.ACKNOWLEDGEMENT])
    assert what in str(caught.value)
    assert "mail/acknowledgement/body.txt, line 2" in str(caught.value)
    # The others are not touched by it.
    assert renderer.render(NoticeName.STAFF_REPLY, "en", EXAMPLES[NoticeName.STAFF_REPLY]).text


def test_what_the_snapshot_lacks_is_loud(renderer):
    with pytest.raises(BrokenTemplate, match="tag"):
        renderer.render(NoticeName.ACKNOWLEDGEMENT, "en", {"marker": MARKER})


def test_templates_that_are_not_there_are_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError):
        Renderer(tmp_path, None, "en")


# Small things


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a \r\n\tb\x00c\u2028d\u202e e\x85f ", "a b c d e f"),
        ("x" * 300, "x" * 249 + "…"),
        ("", ""),
        ("Grüße 🎉", "Grüße 🎉"),
    ],
)
def test_subjects_are_one_line(text, line):
    assert one_line(text) == line


def test_paragraphs():
    assert paragraphs("a\n\n  b < c\n") == "a<br>\n<br>\n&nbsp;&nbsp;b &lt; c"
    link = paragraphs('see http://a.example/x?y=1&z="2. Or (https://b.example/c), ok')
    assert '<a href="http://a.example/x?y=1&amp;z=" style=' in link
    assert '<a href="https://b.example/c" style=' in link
    assert "javascript" not in paragraphs("javascript:alert(1)") or "<a" not in paragraphs("javascript:alert(1)")


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (1001, "2 KB"), (1_500_000, "2 MB"), (25_000_000_000, "25 GB")],
)
def test_sizes(size, shown):
    assert shown_size(size) == shown
