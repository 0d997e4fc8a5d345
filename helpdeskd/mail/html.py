"""HTML of strangers: made safe to show, and made into text."""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass

import inscriptis
import nh3
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_properties import Display
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # what inscriptis lets through of its parser

from helpdeskd.mail import htmlmarks, pictures
from helpdeskd.mail.faults import FAULTS

MAX_BYTES = 2 * 1024 * 1024  # beyond, nothing is cleaned: what cannot be made safe is not shown
_SHORT = 8192  # characters: no square of it is worth a look
_FEW_TAGS = 1000
_MOST_TAGS = 150_000  # each takes some hundred bytes while the page is cleaned
_MAX_DEPTH = 400
_MAX_WORK = 2_000_000
_MAX_COPIED = 50_000_000_000  # characters, half a second: a stretch of text is copied at each & in it

_TAGS = set(
    """
    a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details
    dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp
    rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
    """.split()  # noqa: SIM905 - a table of words is read as words
)
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href", "name"},
    "blockquote": {"type", "cite"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "del": {"datetime"},
    "font": {"color", "face", "size"},
    "hr": {"size", "width"},
    "img": {"alt", "data-remote-src", "height", "src", "width"},
    "ins": {"datetime"},
    "ol": {"start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "width", "summary"},
    "td": {"bgcolor", "colspan", "headers", "height", "rowspan", "width", "nowrap"},
    "th": {"bgcolor", "colspan", "headers", "height", "rowspan", "scope", "width", "nowrap"},
    "tr": {"bgcolor"},
    "ul": {"type"},
}
# Nothing that leaves its place, covers other things or loads anything.
_STYLES = set(
    """
    background-color border border-bottom border-collapse border-color border-left border-right border-spacing border-style
    border-top border-width color direction font-family font-size font-style font-variant font-weight height letter-spacing
    line-height list-style-type margin margin-bottom margin-left margin-right margin-top max-width padding padding-bottom
    padding-left padding-right padding-top text-align text-decoration text-indent text-transform vertical-align white-space
    width word-break word-spacing word-wrap overflow-wrap
    """.split()  # noqa: SIM905  # a list of many words reads better so
)
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]*\Z", re.IGNORECASE)

_REMOTE = re.compile(r"https?://", re.IGNORECASE)


def _attribute(element: str, name: str, value: str) -> str | None:
    """What a picture may be. One from elsewhere is named only: see mail.pictures."""
    scheme = value.strip()[:5].lower()
    if element == "img" and name == "src":
        value = value.strip()
        return value if scheme.startswith(("cid:", "http")) or _DATA_IMAGE.match(value) else None
    if name == "data-remote-src":
        return value if _REMOTE.match(value) else None
    if name in {"href", "cite"} and scheme.startswith(("data:", "cid:")):
        return None
    if name == "style" and ("url(" in value.lower() or "\\" in value):
        return None
    return value


_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={
        "script",
        "style",
        "title",
        "template",
        "noscript",
        "iframe",
        "object",
        "svg",
        "math",
        "textarea",
    },
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    strip_comments=True,
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
    url_relative="deny",
    filter_style_properties=_STYLES,
)

# Elements that may stay open while others follow them: their depth is what the tree builder pays for.
_OPENS = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSED_BY_OTHERS = frozenset(
    """
    area base body br col colgroup dd dt embed head hr html img input li link meta option p param source tbody td tfoot th
    thead title tr track wbr
    """.split()  # noqa: SIM905  # a list of many words reads better so
)
# A tag up to its end as a parser sees it: a `>` inside a quoted value does not end it.
_TAG = re.compile(r"""<[a-zA-Z](?:[^>"']|"[^"]*"|'[^']*')*""")
_SEPARATOR = re.compile(r"""[\s/"']+""")
_IMAGE_BYTES = re.compile(r"""src="data:image/[a-z]{3,4};base64,[A-Za-z0-9+/=]*""")


def is_bearable(html: str) -> bool:
    """Can it be parsed in time and memory that grow with its size? Nesting costs its square, and each element inside
    unclosed formatting (<font><font>...) is built again for each of them (the HTML standard's adoption agency)."""
    if len(html) > MAX_BYTES:
        return False
    if len(html) > _SHORT and not (_few_attributes(html) and _few_entities(html)):
        return False
    tags = html.count("<")
    if tags <= _FEW_TAGS:
        return True
    if tags > _MOST_TAGS:
        return False
    depth: dict[str, int] = {}
    total = work = 0
    for match in _OPENS.finditer(html):
        name = match.group(2).lower()
        if name in _CLOSED_BY_OTHERS:
            work += total
        elif not match.group(1):
            depth[name] = depth.get(name, 0) + 1
            total += 1
            work += total
            if total > _MAX_DEPTH:
                return False
        elif depth.get(name, 0):
            depth[name] -= 1
            total -= 1
        if work > _MAX_WORK:
            return False
    return True


def _few_attributes(html: str) -> bool:
    """Parsers look for doubles among the attributes of a tag: the square of their number. Whatever might separate two
    of them counts, in or out of quotes, since parsers disagree on where quotes begin."""
    work = 0
    for match in _TAG.finditer(html):
        if match.end() - match.start() > 40:
            work += len(_SEPARATOR.findall(_IMAGE_BYTES.sub("", match.group()))) ** 2
            if work > _MAX_WORK * 10:
                return False
    return True


def _few_entities(html: str) -> bool:
    """The cleaner copies a stretch of text again at each `&` in it: the square of their number."""
    if html.count("&") * len(html) <= _MAX_COPIED:
        return True
    return sum(piece.count("&") * len(piece) for piece in html.split("<")) <= _MAX_COPIED


def clean(html: str) -> str:
    """`html` with nothing in it that runs, loads, submits or leaves its place; `cid:` pictures stay, those from elsewhere are off. Empty
    for empty input and for what cannot be cleaned within bounds (`is_bearable`)."""
    if not html.strip() or not is_bearable(html):
        return ""
    return pictures.off(_cleaner.clean(html).strip())


# --- to text --------------------------------------------------------------------------------------------------

# Private-use characters mark, inside the text, what the layout engine has no word for.
_QUOTE, _UNQUOTE, _LINK, _TARGET, _END, _CELL = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ue005"
_CUT, _CUT_ENDS, _SIGNED, _SIGNED_ENDS, _POINT = "\ue006", "\ue007", "\ue008", "\ue009", "\ue00a"
_SPACE = " \t\xa0\n"
_MARKS = re.compile(f"[{_QUOTE}-{_POINT}]")
# The same in figures. One that is taken out leaves something in its place, so that what is around it does not become another.
_WRITTEN_MARKS = re.compile(r"&#(?:0*(?:5734[4-9]|5735[0-4])(?![0-9])|x0*e00[0-9a](?![0-9a-f]));?", re.IGNORECASE)
_QUOTE_MARKS = re.compile(f"[ \t]*([{_QUOTE}{_UNQUOTE}])[ \t]*")
_LINKED = re.compile(f"{_LINK}([^{_LINK}{_TARGET}]*){_TARGET}([^{_END}]*){_END}")
_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none", re.IGNORECASE)
_MAX_LAID_OUT = 512 * 1024  # characters, and tags: the layout engine joins strings in square time
_MAX_TAGS = 20_000
_BLANKS = re.compile(r"\n{3,}")
_TAGLIKE = re.compile(r"<[^<>]*>")
_NOT_TEXT = re.compile(r"<(script|style|title|head)\b[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)


def _quote_starts(state: HtmlDocumentState, _attrs: dict[str, str]) -> None:
    state.tags[-1].write(_QUOTE)


def _quote_ends(state: HtmlDocumentState) -> None:
    state.tags[-1].write(_UNQUOTE)


def _box_starts(state: HtmlDocumentState, attrs: dict[str, str]) -> None:
    """A div: perhaps the one in which a program puts the quote, or the signature."""
    if not hasattr(state, "boxes"):
        state.boxes = []
    mark = _box(attrs)
    state.boxes.append(mark)
    if mark:
        state.tags[-1].write(mark)
    else:
        _point(state, attrs)


def _box_ends(state: HtmlDocumentState) -> None:
    mark = state.boxes.pop()
    if mark:
        state.tags[-1].write(_CUT_ENDS if mark == _CUT else _SIGNED_ENDS)


def _box(attrs: dict[str, str]) -> str:
    names = str(attrs.get("class") or "").lower().split()
    named = str(attrs.get("name") or "").lower()
    if named in htmlmarks.QUOTE_NAMES or any(name.endswith(htmlmarks.QUOTE_BOXES) for name in names):
        return _CUT
    own = str(attrs.get("id") or "").lower()
    if {own, named} & htmlmarks.SIGNATURE_IDS or any(name in htmlmarks.SIGNATURE_BOXES for name in names):
        return _SIGNED
    return ""


def _point(state: HtmlDocumentState, attrs: dict[str, str]) -> None:
    """An element behind which nothing but the quote stands."""
    names = str(attrs.get("class") or "").lower().split()
    ids = (str(attrs.get("id") or "").lower(), str(attrs.get("name") or "").lower())
    style = str(attrs.get("style") or "")[:300].lower().replace(" ", "")
    if (
        any(one in htmlmarks.QUOTE_IDS for one in ids)
        or any(name in htmlmarks.QUOTE_POINTS for name in names)
        or str(attrs.get(htmlmarks.MARKER) or "").lower() in htmlmarks.QUOTE_MARKERS
        or all(one in style for one in htmlmarks.OUTLOOK_LINE)
    ):
        state.tags[-1].write(_POINT)


def _link_starts(state: HtmlDocumentState, attrs: dict[str, str]) -> None:
    _point(state, attrs)
    href = str(attrs.get("href") or "").strip()
    # Links do not nest in a parsed tree, so one place to remember the target is enough.
    state.link_target = href if href[:8].lower().startswith(("http://", "https://")) else ""
    if state.link_target:
        state.tags[-1].write(_LINK)


def _link_ends(state: HtmlDocumentState) -> None:
    if state.link_target:
        state.tags[-1].write(f"{_TARGET}{_MARKS.sub('', state.link_target)}{_END}")
        state.link_target = ""


def _cell_ends(state: HtmlDocumentState) -> None:
    state.tags[-1].write(_CELL)


def _nothing(*_: object) -> None:
    """Tables keep their order, not their shape: layout pads every cell to its column's width, and one wide cell
    above many rows would make gigabytes of spaces."""


def _style(value: str, element: HtmlElement) -> None:
    """Of the styles only what hides text counts; padding: 9999999em would fill the memory."""
    if _HIDDEN.search(value):
        element.display = Display.none


_block = HtmlElement(display=Display.block)
_config = ParserConfig(
    css={
        **CSS_PROFILES["strict"],
        "table": _block,
        "tr": _block,
        "caption": _block,
        "hr": _block,
        "dt": _block,
        "dd": _block,
    },
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
        start_tag_mapping={
            "blockquote": _quote_starts,
            "a": _link_starts,
            "div": _box_starts,
            "span": _point,
            "hr": _point,
            **dict.fromkeys(("table", "tr", "td", "th"), _nothing),
        },
        end_tag_mapping={
            "blockquote": _quote_ends,
            "a": _link_ends,
            "div": _box_ends,
            "table": _nothing,
            "td": _cell_ends,
            "th": _cell_ends,
        },
    ),
)
_config.attribute_handler.attribute_mapping = {"style": _style}


@dataclass(frozen=True, slots=True)
class Reading:
    text: str
    quote_at: int | None = None  # the character of `text` at which the program that wrote it put the quote
    boxed: bool = False  # it stands in a box of its own, with nothing below it; else answers may stand in it


def to_text(html: str) -> str:
    """`html` as plain text: lists and tables laid out, link targets in angle brackets where the text does not show
    them, quotations with `> `. What cannot be parsed within bounds loses its tags only. Never raises."""
    return read(html).text


def read(html: str) -> Reading:
    """`to_text`, and where the marks of mail programs say that the quote begins; signatures so marked get a line `-- `."""
    if not html.strip():
        return Reading("")
    if len(html) > _MAX_LAID_OUT or html.count("<") > _MAX_TAGS or not is_bearable(html):
        return Reading(_without_tags(html[:MAX_BYTES]))
    try:
        text = inscriptis.get_text(_without_marks(html), _config)
    except (LxmlError, *FAULTS):
        return Reading(_without_tags(html))
    laid_out = _lines(_signed(_quoted(_LINKED.sub(_shown_link, text))))
    cut, boxed = _cut(laid_out)
    above = "" if cut is None else _unmarked(laid_out[:cut])
    return Reading(_unmarked(laid_out), cut if cut is None else len(above) + bool(above), boxed)


def _without_marks(html: str) -> str:
    """Nobody's text holds a mark of ours, neither as it is nor as `&#xe006;`."""
    return _WRITTEN_MARKS.sub("\ufffd", _MARKS.sub("", html).replace("\0", ""))


def _cut(text: str) -> tuple[int | None, bool]:
    """Where the quote is marked to begin, and is it in a box? None where somebody writes below that box."""
    first, point = text.find(_CUT), text.find(_POINT)
    if point >= 0 and not 0 <= first < point:
        return point, False
    if first < 0 or _MARKS.sub("", text[text.rfind(_CUT_ENDS) + 1 :]).strip():
        return None, False
    return first, True


def _signed(text: str) -> str:
    """A line `-- ` above the signature that ends a text, or stands above its quote."""
    place = text.find(_SIGNED)
    end = text.find(_SIGNED_ENDS, place)
    if place < 0 or end < 0:
        return text
    inside, below = text[place:end], text[end:].lstrip(_SIGNED_ENDS + _SPACE)
    words = _MARKS.sub("", inside).strip()
    first = words.split("\n", 1)[0].rstrip()
    if first == "--":  # its space is lost on the way
        inside = inside[inside.index("--") + 2 :].lstrip(_SPACE)
    if (
        not words
        or (words.startswith(("--", ">")) and first != "--")
        or (below and not below.startswith((_CUT, _POINT, ">")))
    ):
        return text
    return f"{text[:place].rstrip()}\n\n-- \n{inside.lstrip(_SIGNED + _SPACE)}{text[end:]}"


def _shown_link(match: re.Match[str]) -> str:
    text, target = match.group(1), match.group(2)
    if not text.strip() or _bare(text) == _bare(target):
        return text
    return f"{text} <{target}>"


def _bare(address: str) -> str:
    """An address as people write it: without scheme and last slash."""
    return address.strip().lower().removeprefix("http://").removeprefix("https://").rstrip("/")


def _quoted(text: str) -> str:
    """Marks of quotations turned into `> ` at the start of each of their lines."""
    if _QUOTE not in text:
        return text
    out: list[str] = []
    depth = 0
    for piece in _QUOTE_MARKS.split(text):
        if piece == _QUOTE:
            depth += 1
        elif piece == _UNQUOTE:
            depth = max(0, depth - 1)
        elif piece.strip():
            prefix = "> " * min(depth, 20)
            lines = piece.strip("\n").split("\n") if depth else [piece]
            out += [prefix + line.rstrip() for line in lines]
    return "\n".join(out)


def _tidy(text: str) -> str:
    return _unmarked(_lines(text))


def _unmarked(text: str) -> str:
    return _BLANKS.sub("\n\n", _MARKS.sub("", text)).strip("\n")


def _lines(text: str) -> str:
    lines = [
        line if line == "-- " else line.rstrip(" \t\xa0")
        for line in text.replace(_CELL, "  ").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    return "\n".join(lines)


def _without_tags(html: str) -> str:
    """The words between the tags, for HTML nobody should parse. Linear."""
    parts: list[str] = []
    place = 0
    while match := _NOT_TEXT.search(html, place):
        parts.append(html[place : match.start()])
        end = html.lower().find(f"</{match.group(1).lower()}", match.end()) if len(parts) < 50 else -1
        place = match.end() if end < 0 else end
    parts.append(html[place:])
    return _tidy(entities.unescape(_TAGLIKE.sub(" ", _BREAK.sub("\n", "".join(parts)))))
