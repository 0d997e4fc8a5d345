"""Templates and languages: a notice and its context become a subject, a text and an HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.pofile import PoFileError, read_po
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from helpdeskd.errors import ConfigError, HelpdeskdError
from helpdeskd.model.outgoing import NoticeName

SOURCE = "en"  # the language of the templates themselves
MAX_SUBJECT = 250  # characters

# What a template may name, whatever the event; the snapshot of the outbox row and the message are laid over it.
# A name that is not here and not in the snapshot is a mistake in the template, and stops it (StrictUndefined).
NOTHING: Mapping[str, Any] = {
    "desk": {"name": "", "url": ""},
    "department": {"name": "", "address": "", "sender_name": ""},
    "ticket": None,  # number, tag, subject, state, priority, url
    "person": {"name": "", "email": ""},  # the recipient
    "author": None,  # name, email: whose doing it was
    "requester": None,  # name, email
    "assignee": None,  # name
    "message": None,  # text, html, subject, attachments [name, size, attached, withheld, flags]
    "reason": "",
    "internal": False,  # the message was kept as a note
    "last_for_now": False,  # a ceiling keeps back further notices of the ticket
    "old_ticket": None,  # number, subject
    "forwarded": None,  # by, comment: to staff alone
    "lost": None,  # notice, recipient, words: a mail that did not arrive
    "link": "",
    "departments": [],
    "commands": [],  # one line each: what there is
    "changes": [],  # command, done, text: what came of each
    "unknown": [],  # lines that look like commands
    "alarms": [],  # phase, kind, title, words, since
    "host": "",
    "marker": "",
}

# A template is a program, perhaps of somebody else's: what running one can raise.
_FAILURES = (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")


class BrokenTemplate(HelpdeskdError):
    """A template cannot be rendered. The message names file, line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str  # one line
    text: str
    html: str


class Renderer:
    """`builtin` and `override` are folders with mail/<notice>/{subject.txt,body.txt,body.html} and locale/<language>.po.

    A file in `override` wins over ours. As soon as there is one, everything runs in the sandbox: ours may include theirs.
    Any thread. Raises ConfigError when a folder or a catalogue cannot be read.
    """

    def __init__(self, builtin: Path, override: Path | None, language: str) -> None:
        self._builtin = builtin
        self._override = override
        self._language = language
        self._by_language = self._load()

    def reload(self) -> None:
        """Read everything again (SIGHUP). On a ConfigError what was loaded stays."""
        self._by_language = self._load()

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted(self._by_language))

    def resolve(self, language: str) -> str:
        """The language that is used for this one: itself, without its region, the team's, or English."""
        return resolve((language, self._language), self._by_language)

    def render(self, notice: NoticeName, language: str, context: Mapping[str, Any]) -> Rendered:
        """Raises BrokenTemplate."""
        language = self.resolve(language)
        environment = self._by_language[language]
        values = {**NOTHING, **context, "locale": language, "notice": notice.value}
        try:
            subject = one_line(environment.get_template(f"{notice.value}/subject.txt").render(values))
            values["subject"] = subject
            text = environment.get_template(f"{notice.value}/body.txt").render(values)
            html = environment.get_template(f"{notice.value}/body.html").render(values)
        except _FAILURES as error:
            raise BrokenTemplate(_where(error, notice)) from error
        return Rendered(subject, text.strip("\n") + "\n", html.strip() + "\n")

    def _load(self) -> dict[str, Environment]:
        return environments(self._builtin, self._override, "mail")


def resolve(languages: Iterable[str], known: Container[str]) -> str:
    """The first of these languages that is known, itself or without its region; else English."""
    for wanted in languages:
        for each in (wanted, re.split(r"[-_]", wanted, maxsplit=1)[0].lower()):
            if each in known:
                return each
    return SOURCE


def environments(builtin: Path, override: Path | None, folder: str) -> dict[str, Environment]:
    """The templates of one folder in each language there is. Raises ConfigError."""
    ours = _read(builtin / folder)
    if not ours:
        raise ConfigError((f"{builtin / folder}: the templates of this installation are missing",))
    theirs = _read(override / folder) if override is not None else {}
    sources = _Sources({**ours, **theirs})
    return {
        language: _environment(sources, catalogue, sandboxed=bool(theirs))
        for language, catalogue in _catalogues(builtin, override)
    }


def _catalogues(*roots: Path | None) -> list[tuple[str, NullTranslations]]:
    messages: dict[str, dict[str, str]] = {SOURCE: {}}
    for root in roots:
        for path in sorted((root / "locale").glob("*.po")) if root is not None else ():
            messages.setdefault(path.stem.lower(), {}).update(read_catalogue(path))
    return [(language, _Catalogue(texts)) for language, texts in messages.items()]


def read_catalogue(path: Path) -> dict[str, str]:
    """The translations of a .po file; those marked fuzzy or empty are left out. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
    except (OSError, PoFileError, ValueError, UnicodeError) as error:
        raise ConfigError((f"{path}: {error}",)) from error
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id and not message.fuzzy
        if message.string
    }


def one_line(text: str) -> str:
    """A subject: no line breaks, no control or formatting characters, single spaces, a bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 1].rstrip() + "…"


class _Sources(BaseLoader):
    """Every template as it was when we read it: a mail never mixes files from before and after an edit."""

    def __init__(self, sources: Mapping[str, tuple[str, str]]) -> None:
        self._sources = sources

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:  # noqa: ARG002  # Jinja's signature
        if template not in self._sources:
            raise TemplateNotFound(template)
        source, path = self._sources[template]
        return source, path, lambda: True


def _read(folder: Path) -> dict[str, tuple[str, str]]:
    """Text and path of each template, by its name. Raises ConfigError."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".txt", ".html"} and path.is_file():
            try:
                found[path.relative_to(folder).as_posix()] = (path.read_text("utf-8"), str(path))
            except (OSError, UnicodeError) as error:
                raise ConfigError((f"{path}: {error}",)) from error
    return found


class _Catalogue(NullTranslations):
    """What was read from a .po file, in the shape Jinja's i18n extension asks for. Ours has no plural forms."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def gettext(self, message: str) -> str:
        return self._texts.get(message, message)


def _environment(sources: BaseLoader, catalogue: NullTranslations, *, sandboxed: bool) -> Environment:
    make = ImmutableSandboxedEnvironment if sandboxed else Environment
    environment: Any = make(  # the i18n extension adds methods that no type knows
        loader=sources,
        autoescape=_is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(catalogue, newstyle=True)
    environment.filters.update(paragraphs=paragraphs, bytes=shown_size, person=person, translated=catalogue.gettext)
    made: Environment = environment
    return made


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


def _where(error: Exception, notice: NoticeName) -> str:
    """`mail/acknowledgement/body.txt, line 7: 'tickt' is undefined`: the innermost line of a template."""
    what = error.message if isinstance(error, TemplateError) and error.message else f"{type(error).__name__}: {error}"
    name, line = getattr(error, "filename", None) or getattr(error, "name", None), getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        # Jinja rewrites tracebacks so that frames of a template carry its file and line.
        file = trace.tb_frame.f_code.co_filename
        if file.endswith((".txt", ".html")):
            name, line = file, trace.tb_lineno
        trace = trace.tb_next
    place = f"{name}, line {line}" if name and line else str(name or f"mail/{notice.value}")
    return f"template {place}: {what}"


# Filters


def paragraphs(text: str) -> Markup:
    """Plain text as HTML that keeps its lines and indents in every mail program; addresses of pages become links."""
    out = []
    for line in str(text).strip("\n").expandtabs(4).split("\n"):
        bare = line.lstrip(" ")
        out.append("&nbsp;" * (len(line) - len(bare)) + _linked(bare))
    return Markup("<br>\n".join(out))  # noqa: S704 - every piece is escaped in _linked


def _linked(line: str) -> str:
    out, end = [], 0
    for match in _LINK.finditer(line):
        url = escape(match.group())
        out += [escape(line[end : match.start()]), f'<a href="{url}" style="color:#2563eb">{url}</a>']
        end = match.end()
    return "".join(map(str, [*out, escape(line[end:])]))


def shown_size(size: int) -> str:
    """A file's size, in whole units: the same in every language."""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size} {unit}"
        size = -(-size // 1000)
    return f"{size} GB"


def person(who: Mapping[str, str] | None) -> str:
    """`Jane Doe <jane@example.org>`, or what there is of it."""
    if not who:
        return ""
    name, email = who.get("name", ""), who.get("email", "")
    return f"{name} <{email}>" if name and email else name or email
