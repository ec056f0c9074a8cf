"""A mailbox: mail out by SMTP, mail in by IMAP, which is only ever looked at.

Everything but the conversation is elsewhere: connections are made to checked addresses, receivers were
granted. A mail has the delivery's key as its Message-ID; whether one arrived, no mail server says later.
"""

import imaplib
import json
import re
import smtplib
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Any, Final

from lignin.adapters.connectors.mime import MAX_MAIL_BYTES, parse_mail
from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.messages import Message, Posting
from lignin.ports.broker import SecretValue
from lignin.ports.connector import Batch, Certainty, Delivered, Probed, Wire

TIMEOUT_S: Final = 15.0
MAX_RECEIVERS: Final = 50
MAX_LITERAL: Final = MAX_MAIL_BYTES + 2**16
MAX_UIDS: Final = 100_000
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose mailbox it is, and how one logs in."""

    address: str
    user: str
    secret: SecretValue | None
    tls: str


class MailOut:
    """See `lignin.ports.connector.Sink`.

    Args:
        name: The connector's.
        wire: Reaches the SMTP server.
        may_receive: Whether a mail may go to an address.
        now: The time here.
    """

    def __init__(
        self,
        name: str,
        account: Account,
        wire: Wire,
        *,
        may_receive: Callable[[str], bool],
        is_repeatable: bool,
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._account, self._wire = name, account, wire
        self._may_receive, self._is_repeatable, self._now = may_receive, is_repeatable, now

    def probe(self) -> None:
        """Log in, and nothing else."""
        with self._session() as smtp:
            smtp.noop()

    def certainty(self, posting: Posting) -> Certainty:
        """As the user's grant says of the receivers."""
        if posting.kind != "message":
            raise InvalidRequestError(f"a mailbox takes no {posting.kind}", hint="--to, --subject")
        if not posting.to or len(posting.to) > MAX_RECEIVERS or not posting.subject.strip():
            raise InvalidRequestError(
                f"a mail has a subject and 1 to {MAX_RECEIVERS} receivers", hint="--to, --subject"
            )
        for address in posting.to:
            if not self._may_receive(address):
                raise DeniedError(
                    f"{address!r:.80} is none of the granted receivers",
                    hint="receivers in your grants file",
                )
        return "repeatable" if self._is_repeatable else "none"

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:  # noqa: ARG002 -- of the port
        """Nobody can look."""
        raise UnavailableError("no mail server says what became of a mail")

    def send(self, posting: Posting, key: str) -> Delivered:
        """Hand one mail over, to all receivers or to none."""
        self.certainty(posting)
        reference = self._message_id(key)
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"], mail["To"] = self._account.address, ", ".join(posting.to)
        mail["Subject"], mail["Message-ID"] = posting.subject, reference
        mail["Date"] = format_datetime(self._now())
        mail["Auto-Submitted"] = "auto-generated"  # so that no machine answers
        mail.set_content(posting.text)
        with self._session() as smtp:
            self._envelope(smtp, posting.to)
            self._hand_over(smtp, mail.as_bytes())
        return Delivered(reference=reference)

    def _message_id(self, key: str) -> str:
        return f"<{key}@{self._account.address.rpartition('@')[2]}>"

    def _envelope(self, smtp: smtplib.SMTP, receivers: tuple[str, ...]) -> None:
        code, _ = smtp.mail(self._account.address)
        if code != 250:
            raise _refused(self._name, code)
        for address in receivers:
            code, _ = smtp.rcpt(address)
            if code not in {250, 251}:
                raise _refused(self._name, code)

    def _hand_over(self, smtp: smtplib.SMTP, content: bytes) -> None:
        try:
            code, _ = smtp.data(content)
        except smtplib.SMTPDataError as error:  # refused before a byte of it was sent
            raise _refused(self._name, error.smtp_code) from None
        except (OSError, smtplib.SMTPException):
            raise UnavailableError(
                f"{self._name} was cut off while the mail was handed over", is_uncertain=True
            ) from None
        if code != 250:
            raise _refused(self._name, code)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        wire, account = self._wire, self._account
        with _spoken(self._name):
            smtp = _Smtp(wire)
            try:
                smtp.ehlo_or_helo_if_needed()
                if account.tls == "starttls":
                    smtp.starttls(context=_securing(wire))
                if account.secret is not None:
                    smtp.login(account.user, account.secret.reveal())
                yield smtp
            finally:
                with suppress(OSError, smtplib.SMTPException):
                    smtp.quit()
                smtp.close()


class MailIn:
    """See `lignin.ports.connector.Source`. The first poll only notes where the mailbox ends."""

    def __init__(
        self, name: str, account: Account, wire: Wire, *, mailbox: str, now: Callable[[], datetime]
    ) -> None:
        self._name, self._account, self._wire = name, account, wire
        self._mailbox, self._now = mailbox, now

    def probe(self) -> int:
        """Log in, look at the mailbox and return how many mails it has."""
        with self._session() as imap:
            return self._examined(imap)[2]

    def poll(self, cursor: str, *, most: int) -> Batch:
        """What came since the cursor.

        Where the server numbers its mails anew, those since the day of the last look come once more.
        """
        before = _parse_cursor(cursor)
        today = _day(self._now())
        with self._session() as imap:
            validity, following, count = self._examined(imap)
            if before is None:
                last = following - 1
                return Batch(messages=(), cursor=_cursor(validity, max(last, 0), today))
            if before[0] == validity:
                last = before[1]
                uids = self._search(imap, f"UID {last + 1}:*") if count else []
            else:
                last = 0
                uids = self._search(imap, f"SINCE {before[2]}") if count else []
            wanted = sorted(
                uid for uid in uids if uid > last
            )  # `n:*` names the last one in any case
            found = [self._fetched(imap, validity, uid) for uid in wanted[:most]]
        if wanted:
            last = wanted[: len(found)][-1] if found else last
        elif before[0] != validity:
            last = max(following - 1, 0)
        more = len(wanted) > len(found)
        day = before[2] if more and before[0] != validity else today
        kept = tuple(each for each in found if each is not None)
        return Batch(messages=kept, cursor=_cursor(validity, last, day), more=more)

    def _examined(self, imap: imaplib.IMAP4) -> tuple[int, int, int]:
        """The mailbox's validity, its next number and how many mails it has; it is read only."""
        quoted = '"' + self._mailbox.replace("\\", "\\\\").replace('"', '\\"') + '"'
        answer, told = imap.select(quoted, readonly=True)
        if answer != "OK":
            raise NotFoundError(f"{self._name} has no such mailbox", hint="see `mailbox`")
        count = int(told[0] or 0)
        validity, following = _number(imap, "UIDVALIDITY"), _number(imap, "UIDNEXT")
        if following == 0 and count:
            following = max(self._search(imap, "UID 1:*"), default=0) + 1
        return validity, following, count

    def _search(self, imap: imaplib.IMAP4, query: str) -> list[int]:
        answer, told = imap.uid("SEARCH", *query.split(" "))
        if answer != "OK":
            raise UnavailableError(f"{self._name} does not search")
        words = (told[0] or b"").split()
        return [int(each) for each in words[:MAX_UIDS] if each.isdigit() and len(each) <= 10]

    def _fetched(self, imap: imaplib.IMAP4, validity: int, uid: int) -> Message | None:
        answer, told = imap.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)")
        raw = next(
            (part[1] for part in told if isinstance(part, tuple) and _is_of(part[0], uid)), None
        )
        if answer != "OK" or raw is None:
            return None  # it is gone
        return parse_mail(raw, source=self._name, occurrence=f"{validity}/{uid}")

    @contextmanager
    def _session(self) -> Iterator[imaplib.IMAP4]:
        wire, account = self._wire, self._account
        with _spoken(self._name):
            imap = _Imap(wire)
            try:
                if account.tls == "starttls":
                    imap.starttls(_securing(wire))
                if account.secret is None:
                    raise UnavailableError(f"{self._name} has no credential")
                imap.login(account.user, account.secret.reveal())
                yield imap
            finally:
                with suppress(OSError, imaplib.IMAP4.error):
                    imap.logout()
                imap.shutdown_quietly()


class Mail:
    """The parts of a mailbox that were granted."""

    def __init__(self, out: MailOut | None, into: MailIn | None, address: str) -> None:
        self.out, self.into, self._address = out, into, address

    def probe(self) -> Probed:
        """Log in wherever it can be."""
        told = []
        if self.out is not None:
            self.out.probe()
            told.append("mail goes out")
        if self.into is not None:
            told.append(f"{self.into.probe()} mails in the mailbox")
        return Probed(account=self._address, told="; ".join(told))


class _Securing:
    """As the standard library uses TLS settings: the wire knows whose certificate is wanted."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def wrap_socket(self, plain: socket.socket, **_: Any) -> socket.socket:
        secured: socket.socket = self._wire.secure(plain)
        return secured


def _securing(wire: Wire) -> Any:
    """TLS settings in the standard library's eyes, which asks them for this alone."""
    return _Securing(wire)


class _Smtp(smtplib.SMTP):
    """SMTP over a wire that was opened for it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__("granted", 1, local_hostname="localhost", timeout=TIMEOUT_S)

    def _get_socket(self, _host: str, _port: int, timeout: Any) -> socket.socket:
        opened: socket.socket = self._wire.open(timeout_s=float(timeout))
        return opened


class _Imap(imaplib.IMAP4):
    """IMAP over a wire that was opened for it, in which no answer is larger than is meant."""

    def __init__(self, wire: Wire) -> None:
        self._granted = wire
        super().__init__("granted", 1, timeout=TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        opened: socket.socket = self._granted.open(timeout_s=timeout or TIMEOUT_S)
        return opened

    def read(self, size: int) -> bytes:
        """Read a literal; its size is the server's word."""
        if size > MAX_LITERAL:
            raise imaplib.IMAP4.abort("a literal that is too large")
        return super().read(size)

    def shutdown_quietly(self) -> None:
        """Close the socket, whatever state it is in."""
        with suppress(OSError):
            self.shutdown()


@contextmanager
def _spoken(name: str) -> Iterator[None]:
    """Errors of the conversation as errors of ours; what a server says is not handed on."""
    try:
        yield
    except LigninError:
        raise
    except smtplib.SMTPAuthenticationError:
        raise DeniedError(f"{name} does not take the credential") from None
    except (smtplib.SMTPException, OSError, UnicodeError, ValueError):
        raise UnavailableError(f"{name} ended the conversation") from None
    except imaplib.IMAP4.abort:
        raise UnavailableError(f"{name} ended the conversation") from None
    except imaplib.IMAP4.error:
        raise DeniedError(f"{name} refused: see its user and credential") from None


def _refused(name: str, code: int) -> LigninError:
    if 400 <= code < 500:
        return UnavailableError(f"{name} does not take the mail now: code {code}")
    return InvalidRequestError(f"{name} does not take the mail: code {code}")


def _number(imap: imaplib.IMAP4, name: str) -> int:
    _, told = imap.response(name)
    word = told[0] if told else None
    return int(word) if isinstance(word, bytes) and word.isdigit() and len(word) <= 10 else 0


def _is_of(head: bytes, uid: int) -> bool:
    found = _UID.search(head)
    return found is not None and int(found.group(1)) == uid


def _cursor(validity: int, last: int, day: str) -> str:
    return json.dumps({"validity": validity, "last": last, "day": day})


def _parse_cursor(cursor: str) -> tuple[int, int, str] | None:
    if not cursor:
        return None
    try:
        value: Mapping[str, Json] = json.loads(cursor)
        validity, last, day = value["validity"], value["last"], value["day"]
        if not (isinstance(validity, int) and isinstance(last, int) and last >= 0):
            raise ValueError
        if not re.fullmatch(r"\d{1,2}-[A-Z][a-z]{2}-\d{4}", day):
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidRequestError("this is no cursor of a mailbox", hint="begin anew") from None
    return validity, last, day


def _day(at: datetime) -> str:
    """A day as IMAP writes it, in English whatever the locale."""
    return f"{at.day}-{_MONTHS[at.month - 1]}-{at.year}"
