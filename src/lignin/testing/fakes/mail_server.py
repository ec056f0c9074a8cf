"""A mail server on this machine: takes mail by SMTP, and shows one mailbox by IMAP.

Speaks only what a mailbox that is sent from and looked at needs. What arrived by SMTP does not appear in the
mailbox; a test puts mails there.
"""

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

USER, PASSWORD = "loop@acme.test", "pw-77d1c09e4f52ab"
Breaks = Literal["", "before", "refuses", "after"]
"""When an SMTP conversation ends without a word: before the mail is handed over, or after it was taken; or
the mail is refused by a code."""


@dataclass(slots=True)
class MailServer:
    """The server as a test sees it."""

    smtp: int = 0
    imap: int = 0
    received: list[tuple[tuple[str, ...], bytes]] = field(default_factory=list)
    mails: list[tuple[int, bytes]] = field(default_factory=list)
    validity: int = 7
    breaks: Breaks = ""
    refused: set[str] = field(default_factory=set)
    logins: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    literal: int = 0
    context: ssl.SSLContext | None = None

    def put(self, raw: bytes) -> int:
        """A mail comes into the mailbox; returns its number."""
        uid = max([uid for uid, _ in self.mails], default=0) + 1
        self.mails.append((uid, raw))
        return uid

    def grant(self, **more: Any) -> str:
        """The table of a grants file that leads here; the password is in the variable `MAIL_WORD`."""
        tls = "starttls" if self.context else "none"
        lines = [
            "[connectors.desk]",
            'kind = "mail"',
            f'address = "{USER}"',
            f'smtp = "localhost:{self.smtp}"',
            f'imap = "localhost:{self.imap}"',
            f'tls = "{tls}"',
            'receivers = ["@acme.test"]',
            'variable = "MAIL_WORD"',
            "private = true",
            *(f"{name} = {value}" for name, value in more.items()),
        ]
        return "\n".join([*lines, ""])


@contextmanager
def mail_server(context: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Serve while a block lasts; with a TLS context, only over STARTTLS."""
    seen = MailServer(context=context)
    servers = [_Server(("127.0.0.1", 0), _smtp(seen)), _Server(("127.0.0.1", 0), _imap(seen))]
    seen.smtp, seen.imap = (each.server_address[1] for each in servers)
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield seen
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is none of a test's business."""


class _Lines(socketserver.StreamRequestHandler):
    """A conversation in lines that may become a secure one."""

    disable_nagle_algorithm = True

    def say(self, text: str | bytes) -> None:
        raw = text.encode() if isinstance(text, str) else text
        self.wfile.write(raw + b"\r\n")

    def hear(self) -> str:
        line = self.rfile.readline(100_000)
        if not line:
            raise ConnectionError
        return line.decode("latin-1").rstrip("\r\n")

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        self.connection.close()

    def go_on_securely(self, context: ssl.SSLContext) -> None:
        self.request = self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]


def _smtp(seen: MailServer) -> type[_Lines]:
    class Smtp(_Lines):
        def handle(self) -> None:
            with suppress(ConnectionError, OSError):
                self._talk()

        def _talk(self) -> None:
            self.say("220 ready")
            receivers: list[str] = []
            is_secure = seen.context is None
            while True:
                line = self.hear()
                verb = line.split(" ")[0].upper()
                if verb in {"EHLO", "HELO"}:
                    self.say("250-here")
                    if not is_secure:
                        self.say("250-STARTTLS")
                    self.say("250 AUTH PLAIN")
                elif verb == "STARTTLS" and seen.context is not None:
                    self.say("220 go on")
                    self.go_on_securely(seen.context)
                    is_secure = True
                elif verb == "AUTH":
                    if not is_secure:
                        raise ConnectionError
                    seen.logins.append(line)
                    import base64

                    word = base64.b64decode(line.split(" ")[-1]).decode()
                    fits = word == f"\0{USER}\0{PASSWORD}"
                    self.say("235 welcome" if fits else f"535 {word} is not welcome")
                elif verb == "MAIL":
                    receivers = []
                    self.say("250 ok")
                elif verb == "RCPT":
                    address = line.partition("<")[2].partition(">")[0]
                    receivers.append(address)
                    self.say("550 nobody" if address in seen.refused else "250 ok")
                elif verb == "DATA":
                    if not self._take(tuple(receivers)):
                        return
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def _take(self, receivers: tuple[str, ...]) -> bool:
            if seen.breaks == "before":
                return False
            self.say("354 go on")
            lines = []
            while (line := self.hear()) != ".":
                lines.append(line.removeprefix(".") if line.startswith("..") else line)
            if seen.breaks == "refuses":
                self.say("554 no")
                return True
            seen.received.append((receivers, "\n".join(lines).encode("latin-1")))
            if seen.breaks == "after":
                return False
            self.say("250 taken")
            return True

    return Smtp


def _imap(seen: MailServer) -> type[_Lines]:
    class Imap(_Lines):
        def handle(self) -> None:
            with suppress(ConnectionError, OSError):
                self._talk()

        def _talk(self) -> None:
            is_secure = seen.context is None
            self.say("* OK ready")
            while True:
                tag, _, rest = self.hear().partition(" ")
                verb = rest.split(" ")[0].upper()
                if verb != "LOGIN":
                    seen.asked.append(rest)
                if verb == "CAPABILITY":
                    more = "" if is_secure else " STARTTLS LOGINDISABLED"
                    self.say(f"* CAPABILITY IMAP4rev1{more}")
                elif verb == "STARTTLS" and seen.context is not None:
                    self.say(f"{tag} OK go on")
                    self.go_on_securely(seen.context)
                    is_secure = True
                    continue
                elif verb == "LOGIN":
                    words = [each.strip('"') for each in rest.split(" ")[1:]]
                    if not is_secure or words != [USER, PASSWORD]:
                        self.say(f"{tag} NO {words[1]} is not welcome")
                        continue
                elif verb == "EXAMINE":
                    following = max([uid for uid, _ in seen.mails], default=0) + 1
                    self.say(f"* {len(seen.mails)} EXISTS")
                    self.say(f"* OK [UIDVALIDITY {seen.validity}] so")
                    self.say(f"* OK [UIDNEXT {following}] so")
                elif verb == "UID":
                    self._uid(rest)
                elif verb == "LOGOUT":
                    self.say("* BYE")
                    self.say(f"{tag} OK bye")
                    return
                self.say(f"{tag} OK done")

        def _uid(self, rest: str) -> None:
            if "SEARCH" in rest:
                match = re.search(r"UID (\d+):\*$", rest)
                least = int(match[1]) if match else 0
                last = max([uid for uid, _ in seen.mails], default=0)
                uids = [uid for uid, _ in seen.mails if uid >= least or (match and uid == last)]
                self.say(f"* SEARCH {' '.join(map(str, uids))}".rstrip())
                return
            match = re.search(r"FETCH (\d+) .*<0\.(\d+)>", rest)
            assert match is not None
            for number, (uid, raw) in enumerate(seen.mails, 1):
                if uid == int(match[1]):
                    cut = raw[: int(match[2])]
                    size = seen.literal or len(cut)
                    self.say(f"* {number} FETCH (UID {uid} BODY[]<0> {{{size}}}")
                    self.wfile.write(cut)
                    self.say(")")

    return Imap
