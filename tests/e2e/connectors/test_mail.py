"""Mail out and in, hostile mails, and what a mail server may do wrong."""

import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.connectors.world import granted
from lignin.adapters.connectors.mime import MAX_MAIL_BYTES, parse_mail
from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError, UnavailableError
from lignin.domain.messages import MAX_TEXT
from lignin.testing.fakes.mail_server import PASSWORD, USER, MailServer, mail_server
from unit.operations.conftest import Desk

NEWS = {"to": ["bob@acme.test"], "subject": "Till", "body": "It is 3 cents off.\n.\nBye"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


@pytest.fixture
def box(desk: Desk, server: MailServer) -> Desk:
    return granted(desk, server.grant())


def test_a_mail_goes_out_whole_with_the_delivery_as_its_id(box: Desk, server: MailServer) -> None:
    done = box("connector.send", name="desk", **NEWS)
    assert (done.state, done.reference) == ("sent", f"<{done.delivery}@acme.test>")
    ((receivers, raw),) = server.received
    assert receivers == ("bob@acme.test",)
    text = raw.decode()
    assert f"Message-ID: {done.reference}" in text
    assert "Auto-Submitted: auto-generated" in text
    assert text.rstrip().endswith("It is 3 cents off.\n.\nBye")
    assert box("connector.send", name="desk", **NEWS).repeated
    assert len(server.received) == 1


def test_one_receiver_may_stand_alone_and_is_held_to_the_same_grant(
    box: Desk, server: MailServer
) -> None:
    box("connector.send", name="desk", **{**NEWS, "to": "bob@acme.test"})
    assert [receivers for receivers, _ in server.received] == [("bob@acme.test",)]
    with pytest.raises(DeniedError, match="none of the granted receivers"):
        box("connector.send", name="desk", **{**NEWS, "to": "eve@evil.test"})
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "to", ["eve@evil.test", "bob@acme.test.evil.test", "@acme.test", "a b@acme.test", "bob"]
)
def test_nobody_else_is_written_to(box: Desk, server: MailServer, to: str) -> None:
    with pytest.raises(DeniedError, match="none of the granted receivers"):
        box("connector.send", name="desk", **{**NEWS, "to": ["bob@acme.test", to]})
    assert server.received == []


def test_a_subject_cannot_bring_headers(box: Desk, server: MailServer) -> None:
    with pytest.raises(InvalidRequestError, match="one line"):
        box("connector.send", name="desk", **{**NEWS, "subject": "a\nBcc: eve@evil.test"})
    assert server.received == []


def test_a_receiver_who_is_refused_keeps_the_mail_from_all(box: Desk, server: MailServer) -> None:
    server.refused = {"gone@acme.test"}
    with pytest.raises(InvalidRequestError, match="550"):
        box("connector.send", name="desk", **{**NEWS, "to": ["bob@acme.test", "gone@acme.test"]})
    assert server.received == []


def test_a_lost_answer_is_never_guessed_and_a_person_settles_it(
    box: Desk, server: MailServer
) -> None:
    server.breaks = "after"
    lost = box("connector.send", name="desk", **NEWS)
    assert (lost.state, lost.exit_code()) == ("unknown", 10)
    assert "settle" in lost.warnings()[0]
    server.breaks = ""
    assert box("connector.send", name="desk", **NEWS).state == "unknown"
    assert len(server.received) == 1
    settled = box("connector.settle", delivery=lost.delivery, sent=True)
    assert settled.state == "sent"
    assert box("connector.send", name="desk", **NEWS).repeated
    assert len(server.received) == 1


def test_a_mail_that_a_person_calls_lost_may_be_sent_again(box: Desk, server: MailServer) -> None:
    server.breaks = "before"
    lost = box("connector.send", name="desk", **NEWS)
    server.breaks = ""
    box("connector.settle", delivery=lost.delivery, lost=True)
    assert box("connector.send", name="desk", **NEWS).attempts == 2
    assert len(server.received) == 1


def test_a_wrong_password_is_in_no_error(desk: Desk, server: MailServer) -> None:
    text = server.grant().replace(f'address = "{USER}"', 'address = "eve@acme.test"')
    for call in ("connector.test", "connector.poll"):
        with pytest.raises(DeniedError) as caught:
            granted(desk, text)(call, name="desk")
        assert PASSWORD not in f"{caught.value} {caught.value.hint} {caught.value.fields}"


def test_only_what_comes_after_the_first_look_comes_in(box: Desk, server: MailServer) -> None:
    server.put(b"Subject: old\r\n\r\nold")
    assert box("connector.poll", name="desk").new == []
    server.put(b"From: Ada <ada@acme.test>\r\nSubject: new\r\n\r\nnew")
    (new,) = box("connector.poll", name="desk").new
    shown = box("message.show", message=new)
    assert (shown.author, shown.subject, shown.text) == ("ada@acme.test", "new", "new")
    assert shown.taint == "outside"
    changing = [each for each in server.asked if "STORE" in each or each.startswith("SELECT")]
    assert changing == []


def test_mails_that_are_numbered_anew_are_not_lost(box: Desk, server: MailServer) -> None:
    box("connector.poll", name="desk")
    server.put(b"Subject: one\r\n\r\none")
    assert len(box("connector.poll", name="desk").new) == 1
    server.validity = 8
    server.put(b"Subject: two\r\n\r\ntwo")
    new = box("connector.poll", name="desk").new
    subjects = [box("message.show", message=each).subject for each in new]
    assert "two" in subjects  # at least once: "one" may come once more
    assert box("connector.poll", name="desk").new == []


def test_a_literal_of_any_size_is_not_read(box: Desk, server: MailServer) -> None:
    box("connector.poll", name="desk")
    server.put(b"Subject: big\r\n\r\nbig")
    server.literal = 10**12
    with pytest.raises(UnavailableError):
        box("connector.poll", name="desk")
    server.literal = 0
    assert len(box("connector.poll", name="desk").new) == 1


def test_mail_goes_over_tls_and_only_to_who_shows_the_hosts_certificate(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with mail_server(context) as server:
        box = granted(desk, server.grant())
        with pytest.raises(UnavailableError, match="certificate"):
            box("connector.test", name="desk")
        assert server.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        assert box("connector.test", name="desk").account == USER
        assert box("connector.send", name="desk", **NEWS).state == "sent"
        box("connector.poll", name="desk")
        server.put(b"Subject: hidden\r\n\r\nhidden")
        assert len(box("connector.poll", name="desk").new) == 1


def _mail(raw: bytes) -> str:
    return parse_mail(raw, source="desk", occurrence="1/1").text


def test_plain_text_is_read_and_nothing_else() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail["From"] = "Ada <ada@acme.test>"
    mail.set_content("plain: ä")
    mail.add_alternative("<b>html</b>", subtype="html")
    mail.add_attachment(b"MZ\x90", maintype="application", subtype="x-dosexec", filename="a.exe")
    mail.add_attachment("attached text", filename="b.txt")
    told = parse_mail(mail.as_bytes(), source="desk", occurrence="1/1")
    assert (told.subject, told.text.strip(), told.author) == ("Grüße", "plain: ä", "ada@acme.test")
    assert "attachments" in told.labels


def test_a_mail_of_html_alone_has_no_text_and_says_so() -> None:
    mail = EmailMessage()
    mail.set_content("<b>html</b>", subtype="html")
    told = parse_mail(mail.as_bytes(), source="desk", occurrence="1/1")
    assert (told.text, told.labels) == ("", ("no text",))


def test_a_mail_from_a_machine_is_marked() -> None:
    told = parse_mail(b"Auto-Submitted: auto-replied\n\nx", source="desk", occurrence="1/1")
    assert told.labels == ("automatic",)


def _nested(depth: int) -> bytes:
    parts = [b"MIME-Version: 1.0\n"]
    for number in range(depth):
        mark = f"b{number}".encode()
        parts.append(b"Content-Type: multipart/mixed; boundary=" + mark + b"\n\n--" + mark + b"\n")
    return b"".join(parts) + b"Content-Type: text/plain\n\ndeep"


HOSTILE = {
    "nothing": b"",
    "zeros": bytes(1000),
    "deep": _nested(40),
    "deeper": _nested(20_000),
    "header of a mebibyte": b"Subject: " + b"a" * 2**20,
    "endless words": b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nx",
    "unknown charset": b"Content-Type: text/plain; charset=nonsense\n\n\xff\xfe",
    "a codec that is none": b"Content-Type: text/plain; charset=zlib_codec\n\nx",
    "broken base64": b"Content-Transfer-Encoding: base64\n\n====A",
    "many parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 50_000,
    "forwarded in forwarded": b"Content-Type: message/rfc822\n\n" * 20_000,
    "date": b"Date: Mon, 99 Foo 99999 99:99:99 +9999\n\nx",
    "control": b"Subject: a\x00\x1b[2Jb\n\n\x00\x1b[2J",
    "large": b"\n\n" + b"word " * 10**6,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_a_message_within_bounds(name: str) -> None:
    told = parse_mail(HOSTILE[name], source="desk", occurrence="1/1")
    assert told.occurrence == "1/1"
    assert len(told.text) <= MAX_TEXT
    assert len(told.subject) <= 1000
    assert not any(sign < " " and sign not in "\n\t" for sign in told.text + told.subject)
    assert told.cut or len(HOSTILE[name]) < MAX_MAIL_BYTES


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_whatever_bytes_a_mail_is_made_of_it_is_a_message(raw: bytes) -> None:
    assert parse_mail(raw, source="desk", occurrence="1/1").taint == "outside"


def test_a_hostile_mail_does_not_stop_those_behind_it(box: Desk, server: MailServer) -> None:
    box("connector.poll", name="desk")
    for raw in HOSTILE.values():
        server.put(raw.replace(b"\n", b"\r\n")[: 2**20])
    server.put(b"Subject: fine\r\n\r\nfine")
    try:
        new = box("connector.poll", name="desk").new
    except LigninError as error:  # pragma: no cover - the test's own report
        raise AssertionError(error.message) from error
    assert "fine" in [box("message.show", message=each).subject for each in new]
    assert len(new) == len(HOSTILE) + 1
