"""Redaction: what is found, what is left alone, what the output promises."""

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable

import pytest

from architecture.sources import ROOT
from corpora.secrets import AWS, NEAR_MISSES, SECRETS, git_sha, rand, rng
from lignin.domain.errors import InvalidRequestError
from lignin.traces.redact import record_key, redact, redact_all
from lignin.traces.secrets import DETECTORS

KEY = b"0123456789abcdef"


@pytest.mark.parametrize(("detector", "around", "secret"), SECRETS)
def test_a_secret_becomes_a_tag_and_its_surroundings_stay(
    detector: str, around: str, secret: str
) -> None:
    text = around.format(secret)
    redacted = redact(text.encode(), KEY)
    assert redacted.counts == {detector: 1}
    before, after = text.split(secret)
    written = redacted.content.decode()
    assert written.startswith(f"{before}[redacted:{detector}:")
    assert written.endswith(f"]{after}")
    assert len(written) == len(before) + len(f"[redacted:{detector}:]") + 12 + len(after)


@pytest.mark.parametrize(("detector", "around", "secret"), SECRETS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_secret_in_json_goes_and_the_json_stays(
    detector: str, around: str, secret: str, depth: int
) -> None:
    text = f'say "so"\n{around.format(secret)}\n\u00e9 \\ end'
    wrapped = text
    for _ in range(depth):
        wrapped = json.dumps({"x": wrapped})
    redacted = redact(wrapped.encode(), KEY)
    assert redacted.counts == {detector: 1}
    value = redacted.content.decode()
    for _ in range(depth):
        value = json.loads(value)["x"]
    before, after = text.split(secret)
    assert value.startswith(f"{before}[redacted:{detector}:")
    assert value.endswith(f"]{after}")


def test_every_detector_has_a_case_here() -> None:
    assert {detector for detector, _, _ in SECRETS} == {each.name for each in DETECTORS}


@pytest.mark.parametrize("detector", [each.name for each in DETECTORS])
def test_near_misses_stay(detector: str) -> None:
    for text in NEAR_MISSES[detector]:
        for raw in (text.encode(), json.dumps({"x": f"a\n{text}\n"}).encode()):
            assert redact(raw, KEY).content == raw, text


def test_hashes_images_identifiers_and_code_raise_no_alarm() -> None:
    image = base64.b64encode(rng.randbytes(200_000)).decode()
    harmless = [
        git_sha(),
        f"commit {git_sha()} (HEAD -> main)",
        str(uuid.UUID(int=rng.getrandbits(128))),
        f"sha256:{hashlib.sha256(b'x').hexdigest()}",
        f"data:image/png;base64,{image}",
        "a_very_long_identifier_name_with_numbers_12345_and_more_of_them",
        "https://example.org/a/b?page=2#frag",
        "2026-01-01T00:00:00.123456Z 1788607461149 1788607461149000 1788607461149000123",
        "toolu_" + rand(24) + " msg_" + rand(24) + " req_" + rand(24) + " call_" + rand(24),
        "\n".join(f"{rng.getrandbits(64)} {rng.random()}" for _ in range(2000)),
        "def f(x: int) -> int:\n    return {'key': x}['key']\nclass Token(Base): pass\n",
        "for key, value in secrets.items():\n    token = tokens[key]\n    password = value\n",
    ]
    for text in harmless:
        raw = json.dumps({"content": text}).encode()
        assert redact(raw, KEY).counts == {}, text[:80]


def test_equal_secrets_get_equal_tags_under_one_key_only() -> None:
    secret = "gh" + "p_" + rand(36)
    twice = redact(f"{secret} {secret}".encode(), KEY).content.split()
    assert twice[0] == twice[1]
    other = redact(secret.encode(), KEY[::-1]).content
    assert other != twice[0]


def test_an_escaped_secret_gets_the_tag_of_the_plain_one() -> None:
    plain = redact(f"secret_access_key={AWS}".encode(), KEY).content
    escaped = redact(f"secret_access_key={AWS}".replace("/", "\\/").encode(), KEY).content
    assert plain == escaped


def test_a_number_that_is_a_card_becomes_a_string_in_json() -> None:
    raw = b'{"card":' + b"41111111" + b'11111111,"n":[4111]}'
    value = json.loads(redact(raw, KEY).content)
    assert value["card"].startswith("[redacted:card:")
    assert value["n"] == [4111]


def test_a_trigger_inside_an_escape_does_not_break_the_json() -> None:
    raw = ('{"x":"\\np' + "m_" + rand(36) + '"}').encode()
    json.loads(redact(raw, KEY).content)


def test_the_record_key_tells_records_and_keys_apart() -> None:
    assert record_key(b"a", KEY) == record_key(b"a", KEY)
    assert len({record_key(b"a", KEY), record_key(b"b", KEY), record_key(b"a", KEY[::-1])}) == 3
    assert len(record_key(b"", KEY)) == 32


def test_a_short_key_is_refused() -> None:
    for call in (redact, record_key):
        with pytest.raises(InvalidRequestError, match="16 bytes"):
            call(b"x", b"short")


ADVERSARIAL = {
    "spaces": b"password" + b" " * 1_000_000,
    "backslashes": b"token=" + b"\\" * 1_000_000,
    "keywords": b"token" * 200_000,
    "assignments": b"secret=" * 150_000,
    "schemes": b"a://b:" * 170_000,
    "headers": f"-----BEGIN {'PRIVATE'} KEY-----".encode() * 36_000,
    "key body": f"-----BEGIN {'PRIVATE'} KEY-----".encode() + b"a " * 500_000,
    "jwt": b"/eyJ" * 250_000,
    "jwt halves": (b"=ey" + b"J" + b"a" * 3000 + b".") * 330,
    "digits": b"4111 " * 200_000,
    "long digits": b"4" * 1_000_000,
    "sk": b"=sk-" * 250_000,
    "bearer": b"bearer " * 140_000,
    "markers": b"[redacted:jwt:0123456789ab]" * 37_000,
    "quotes": b'"' * 1_000_000,
    "escapes": b"\\u0041" * 160_000,
    "half escapes": b"\\\\u00" * 200_000,
    "commands": b"curl -u " * 120_000,
    "one line of curl": b"curl" * 250_000,
    "databases": b"mysql -" * 140_000,
    "machines": b"machine " * 120_000,
    "cookies": b"cookie: a=b; " * 80_000,
    "one cookie": b"cookie: " + b"a=b; " * 200_000,
    "twilio": b"twilio" * 160_000,
    "bots": b" MTA" * 250_000,
    "bot parts": (b"MTA" + b"a" * 22 + b".") * 38_000,
    "signatures": b"&sig=" * 200_000,
    "logins": b'auth":"' * 140_000,
    "ampersands": b"token=" + b"a&b" * 300_000,
    "options": b"--token " * 120_000,
}


@pytest.mark.parametrize("name", sorted(ADVERSARIAL))
def test_a_hostile_line_of_a_megabyte_is_scanned_in_linear_time(name: str) -> None:
    raw = ADVERSARIAL[name]
    start = time.process_time()
    redact(raw, KEY)
    # Linear scans take tenths of a second; a backtracking one would take minutes.
    assert time.process_time() - start < 8


def html_escaped(text: str) -> str:
    """JSON as writers give it that make it safe for HTML."""
    written = json.dumps(text)
    return "".join(f"\\u{ord(c):04x}" if c in "&'<=>" else c for c in written)


def wholly_escaped(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"'


@pytest.mark.parametrize("write", [html_escaped, wholly_escaped])
@pytest.mark.parametrize(("detector", "around", "secret"), SECRETS)
def test_a_secret_in_escaped_json_goes_and_the_rest_stays_as_written(
    detector: str, around: str, secret: str, write: Callable[[str], str]
) -> None:
    text = f"so: {around.format(secret)} end"
    raw = write(text)
    redacted = redact(raw.encode(), KEY)
    assert redacted.counts == {detector: 1}
    value = json.loads(redacted.content)
    before, after = text.split(secret)
    assert value.startswith(f"{before}[redacted:{detector}:")
    assert value.endswith(f"]{after}")
    first, last = redacted.content.decode().split("[redacted:")
    assert raw.startswith(first)
    assert raw.endswith(last.partition("]")[2])
    plain = redact(text.encode(), KEY).content.decode()
    assert value == plain  # the same tag


@pytest.mark.parametrize("depth", [1, 2])
def test_an_assignment_that_is_escaped_for_html_is_found_at_any_depth(depth: int) -> None:
    text = f"run --token={rand(32)} and DB_PASSWORD='{rand(12)}' now"
    raw = html_escaped(text)
    for _ in range(depth):
        raw = json.dumps({"x": raw})
    redacted = redact(raw.encode(), KEY)
    assert redacted.counts == {"assigned": 2}
    value = redacted.content.decode()
    for _ in range(depth):
        value = json.loads(value)["x"]
    value = json.loads(value)
    assert value.startswith("run --token=[redacted:assigned:")
    assert value.endswith("]' now")


def test_escaped_records_are_redacted_among_others() -> None:
    records = [b'{"x":1}', html_escaped(f"password={rand(20)}").encode(), b"", b'"\\u00e9"']
    assert redact_all(records, KEY) == [redact(record, KEY) for record in records]
    assert redact_all(records, KEY)[1].counts == {"assigned": 1}


@pytest.mark.parametrize(
    "text",
    [
        "a = b & c < d 'quoted' > e",
        "\\\\u0041 \\u005c\\u005c n \\ud83d\\ude00 \\u00e9 \\u0041",
        "[redacted:jwt:0123456789ab]",
    ],
)
def test_escapes_without_a_secret_stay_as_written(text: str) -> None:
    for raw in (text, html_escaped(text), wholly_escaped(text)):
        assert redact(raw.encode(), KEY).content == raw.encode()


def test_the_tail_of_a_long_secret_does_not_stay() -> None:
    secret = rand(1500)
    assert redact(f"token={secret}".encode(), KEY).content.endswith(b"]")


def test_the_list_of_kinds_in_the_docs_is_the_table() -> None:
    page = (ROOT / "docs/how-to/take-in-traces.md").read_text()
    listed = page.partition("## Secrets")[2].partition("\n## ")[0]
    names = re.findall(r"`([a-z0-9-]+)`", "".join(re.findall(r"(?m)^\| (.+?) \|", listed)))
    assert sorted(names) == sorted(each.name for each in DETECTORS)
