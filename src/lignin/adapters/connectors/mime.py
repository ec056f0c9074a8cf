"""A mail's bytes to a message, whatever they are: bounded, its plain text alone, nothing opened or run.

The older policy of the standard parser is used on purpose: it takes headers as they are, where the newer one
takes them apart at a cost that a sender can choose.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from email.header import decode_header
from email.message import Message as Mime
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parseaddr, parsedate_to_datetime
from typing import Final

from lignin.domain.events import format_time
from lignin.domain.messages import MAX_TEXT, Message, bounded_message

MAX_MAIL_BYTES: Final = 2**20
MAX_PARTS: Final = 200
MAX_BOUNDARIES: Final = 50
MAX_DELIMITERS: Final = 1000
MAX_HEADER: Final = 2000


def parse_mail(raw: bytes, *, source: str, occurrence: str) -> Message:
    """Return the message of a mail. Never raises: what cannot be read is a message without a text."""
    cut = len(raw) >= MAX_MAIL_BYTES
    raw = raw[:MAX_MAIL_BYTES]
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0][: 64 * 2**10]
    parts = raw.lower().count(b"boundary=") > MAX_BOUNDARIES or raw.count(b"\n--") > MAX_DELIMITERS
    if parts:  # in parts in parts, or more than anybody sends
        raw = head + b"\n\n"
        cut = True
    mail: Mime = Mime()
    with suppress(Exception):  # of a parser that is not ours, on bytes that somebody chose
        mail = BytesParser(policy=compat32).parsebytes(raw)
    text, kinds = "", list[str]()
    with suppress(Exception):
        text, kinds = _text_of(mail)
    labels = ["no text"] if not text and kinds else []
    labels += (
        ["attachments"] if any(kind not in {"text/plain", "text/html"} for kind in kinds) else []
    )
    if _header(mail, "Auto-Submitted").lower() not in {"", "no"}:
        labels.append("automatic")
    name, address = parseaddr(_header(mail, "From"))
    return bounded_message(
        source=source,
        occurrence=occurrence,
        kind="mail",
        at=_date(mail),
        author=address or name,
        subject=_header(mail, "Subject"),
        text=text,
        link=_header(mail, "Message-ID"),
        labels=labels,
        cut=cut,
    )


def _text_of(mail: Mime) -> tuple[str, list[str]]:
    """The first plain text that is no attachment, and the kinds of all parts."""
    text, kinds = "", []
    for part in _parts(mail):
        kind = part.get_content_type()
        kinds.append(kind)
        if kind == "text/plain" and not text and not part.get_filename():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                text = _decoded(payload[: 4 * MAX_TEXT], part.get_content_charset() or "utf-8")
    return text, kinds


def _parts(mail: Mime) -> Iterator[Mime]:
    """The leaves, so many as are looked at; what is forwarded whole is not looked into."""
    waiting, seen = [mail], 0
    while waiting and seen < MAX_PARTS:
        part = waiting.pop(0)
        seen += 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting = [each for each in payload if isinstance(each, Mime)] + waiting
        else:
            yield part


def _header(mail: Mime, name: str) -> str:
    """A header's value as text."""
    try:
        value = str(mail.get(name, ""))[:MAX_HEADER]
        parts = decode_header(value)
        return "".join(
            _decoded(part, coding or "latin-1") if isinstance(part, bytes) else part
            for part, coding in parts
        )
    except Exception:  # of a parser that is not ours
        return ""


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, errors="replace")
    except (LookupError, ValueError, UnicodeError):
        return raw.decode("latin-1")


def _date(mail: Mime) -> str:
    with suppress(Exception):
        at = parsedate_to_datetime(_header(mail, "Date"))
        return format_time(at if at.tzinfo else at.replace(tzinfo=UTC))
    return ""
