"""Redaction: what is found, what is left alone, what the output promises.

The secrets are made up here, piece by piece, so that no scanner takes this file for a leak.
"""

import base64
import hashlib
import json
import random
import string
import time
import uuid

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.traces.redact import record_key, redact
from lignin.traces.secrets import DETECTORS

KEY = b"0123456789abcdef"
_rng = random.Random(5)


def rand(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Return random text that holds a digit and both cases where the alphabet has them."""
    body = [_rng.choice(alphabet) for _ in range(length)]
    for place, sample in enumerate((string.digits, string.ascii_lowercase, string.ascii_uppercase)):
        if shared := [c for c in sample if c in alphabet]:
            body[place] = shared[-1]
    return "".join(body)


UPPER = string.ascii_uppercase + "234567"
PEM_BODY = "\n".join(rand(64) for _ in range(5))
PEM = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{PEM_BODY}\n-----END RSA {'PRIVATE'} KEY-----"
AWS = rand(40, string.ascii_letters + string.digits + "/+")
PASSWORD = "tr0ub" + "4dor#Zq"
JWT = ".".join(("ey" + "J" + rand(20), "ey" + "J" + rand(40), rand(43)))

# detector, text around it, the secret in it
SECRETS = [
    ("openai", "key {} end", "sk-" + rand(48)),
    ("openai", "key={}", "sk-" + "proj-" + rand(60, string.ascii_letters + string.digits + "-_")),
    ("anthropic", "'{}'", "sk-" + "ant-api03-" + rand(90)),
    ("aws-id", "id {}", "AKI" + "A" + rand(16, UPPER)),
    ("aws-sk", "aws_secret_access_key = {}", AWS),
    ("aws-sk", "AWS_SECRET={}", AWS),
    ("google", "?k={}&x=1", "AIz" + "a" + rand(35)),
    ("github", "clone {}", "gh" + "p_" + rand(36)),
    ("github", "({})", "github" + "_pat_" + rand(60)),
    ("gitlab", "use {}.", "glp" + "at-" + rand(20)),
    ("slack", "{}", "xox" + "b-" + rand(12, string.digits) + "-" + rand(24)),
    ("stripe", "x {}", "sk_" + "live_" + rand(24)),
    ("huggingface", "login {}", "h" + "f_" + rand(34)),
    ("npm", "_auth={}", "np" + "m_" + rand(36)),
    ("pypi", "-p {}", "pyp" + "i-" + rand(80)),
    ("jwt", "cookie={}; path=/", JWT),
    ("private-block", "cat id_rsa\n{}\n$", PEM),
    ("authorization", "Authorization: Bearer {}", rand(40)),
    (
        "authorization",
        "authorization: basic {}",
        base64.b64encode(b"user1:hunter2hunter3").decode(),
    ),
    ("url-userinfo", "postgresql://app:{}@db.internal:5432/x", "s3cr" + "et9Word"),
    ("url-userinfo", "redis://:{}@cache:6379", "s3cr" + "et9Word"),
    ("assigned", "password = '{}'", PASSWORD),
    ("assigned", "export DB_PASSWORD={}", PASSWORD),
    ("assigned", "client_secret: {}", rand(32)),
    ("assigned", '{{"api_key": "{}"}}', rand(32)),
    ("card", "4-4-4-4: {}", "4111 1111" + " 1111 1111"),
    ("card", "card number {} thanks", "55555555" + "55554444"),
    ("card", "amex {}", "3782" + "82246310005"),
]


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


def git_sha() -> str:
    return hashlib.sha1(rand(9).encode()).hexdigest()


NEAR_MISSES = {
    "openai": [
        "task-management-for-the-whole-of-our-team-2",
        "sk-learn-pipelines-and-other-things",
    ],
    "anthropic": ["sk-" + "ant-api03-short"],
    "aws-id": ["AKI" + "A" + rand(15, UPPER), "XAKI" + "A" + rand(16, UPPER)],
    "aws-sk": [AWS, f"aws_region = {AWS}", "aws_secret_access_key = os.environ"],
    "google": ["AIz" + "a" + rand(30)],
    "github": ["gh" + "p_" + rand(20), "graph_" + rand(36).lower()],
    "gitlab": ["glp" + "at-some-long-name-of-a-thing"],
    "slack": ["xox" + "b-12", "foxxox" + "b-" + rand(20)],
    "stripe": ["sk_" + "live_abc", "task_" + "live_" + rand(24)],
    "huggingface": ["h" + "f_transformers_model_loader_v2"],
    "npm": ["np" + "m_config_registry", "np" + "m_" + "a" * 36],
    "pypi": ["pyp" + "i-publish-action"],
    "jwt": ["ey" + "J" + rand(20) + "." + rand(40) + "." + rand(43), "ey" + "J" + rand(300)],
    "private-block": [
        f"'-----BEGIN {'PRIVATE'} KEY-----' in text",
        "-----BEGIN CERTIFICATE-----\n" + PEM_BODY,
    ],
    "authorization": ["the bearer understands-authentication", "Bearer {token}", "Basic usage123"],
    "url-userinfo": [
        "http://localhost:8080/a@b",
        "postgres://user:password@localhost/x",
        "https://u:$PASS@h",
    ],
    "assigned": [
        "token = get_token2(request)",
        "password = hashlib.sha256(x)",
        "max_tokens: 40960000",
        '"input_tokens":123456789,"output_tokens":987654321',
        "secret: settings.app_secret_v2",
        "api_key = 'your-api-key-12345'",
        "password = os.environ['DB_PASSWORD_2']",
        "token_count = 8f3a9b2c7d",
        "access_key: ${AWS_KEY_2}",
        "def check(password: str, token: Optional2) -> bool1: ...",
        "expires_token: 2026-01-01T00:00:00Z",
    ],
    "card": [
        "card 4111 1111 1111 1112",
        "order 5555555555554444 shipped",
        "id 4111-1111-1111-11111",
        "visa 1788607461149000",
        "card 0.4111111111111111",
    ],
}


@pytest.mark.parametrize("detector", [each.name for each in DETECTORS])
def test_near_misses_stay(detector: str) -> None:
    for text in NEAR_MISSES[detector]:
        for raw in (text.encode(), json.dumps({"x": f"a\n{text}\n"}).encode()):
            assert redact(raw, KEY).content == raw, text


def test_hashes_images_identifiers_and_code_raise_no_alarm() -> None:
    image = base64.b64encode(_rng.randbytes(200_000)).decode()
    harmless = [
        git_sha(),
        f"commit {git_sha()} (HEAD -> main)",
        str(uuid.UUID(int=_rng.getrandbits(128))),
        f"sha256:{hashlib.sha256(b'x').hexdigest()}",
        f"data:image/png;base64,{image}",
        "a_very_long_identifier_name_with_numbers_12345_and_more_of_them",
        "https://example.org/a/b?page=2#frag",
        "2026-01-01T00:00:00.123456Z 1788607461149 1788607461149000 1788607461149000123",
        "toolu_" + rand(24) + " msg_" + rand(24) + " req_" + rand(24) + " call_" + rand(24),
        "\n".join(f"{_rng.getrandbits(64)} {_rng.random()}" for _ in range(2000)),
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
}


@pytest.mark.parametrize("name", sorted(ADVERSARIAL))
def test_a_hostile_line_of_a_megabyte_is_scanned_in_linear_time(name: str) -> None:
    raw = ADVERSARIAL[name]
    start = time.process_time()
    redact(raw, KEY)
    # Linear scans take tenths of a second; a backtracking one would take minutes.
    assert time.process_time() - start < 8
