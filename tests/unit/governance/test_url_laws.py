import pytest

from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.governance.laws.urls import is_below, parse_location, parse_origin, parse_url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://API.Example.test", "https://api.example.test/"),
        ("HTTPS://api.example.test:443/a?b=c#d", "https://api.example.test/a?b=c"),
        ("https://api.example.test./a", "https://api.example.test/a"),
        ("http://api.example.test:80/", "http://api.example.test/"),
        ("https://xn--bcher-kva.test:8443/%C3%BC", "https://xn--bcher-kva.test:8443/%C3%BC"),
    ],
)
def test_url_has_one_spelling(text: str, said: str) -> None:
    assert str(parse_url(text)) == said


@pytest.mark.parametrize(
    "text",
    [
        *("ftp://a.test/", "file:///etc/passwd", "gopher://a.test/", "ws://a.test/", "data:,x"),
        *("//a.test/", "a.test/x", "https:a.test", "https:/a.test", "https:///a", "", "https://"),
        *("https://u@a.test/", "https://u:p@a.test/", "https://@a.test/", "https://a.test@b.test"),
        *("https://a.test\\@b.test/", "https://a.test/\\b", "https://a test/", "https://a.test/ b"),
        *(
            "https://a.test/\r\nX: 1",
            "https://a\n.test/",
            "\thttps://a.test/",
            "https://a.test/\x7f",
        ),
        *("https://bücher.test/", "https://а.test/", "https://a。test/", "https://a.test/ü"),
        *("https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/"),
        *("https://0177.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://a.0x1/"),
        *(
            "https://a.test:0/",
            "https://a.test:/",
            "https://a.test:65536/",
            "https://a.test:+80/",
            "https://a.test:8 0/",
        ),
        *(
            "https://a..test/",
            "https://-a.test/",
            "https://a_b.test/",
            "https://a.test..",
            "https://%61.test/",
        ),
        *(
            f"https://{'a' * 64}.test/",
            f"https://{'a.' * 127}test/",
            f"https://a.test/{'x' * 8200}",
        ),
    ],
)
def test_url_that_can_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(DeniedError):
        parse_url(text)


@pytest.mark.parametrize(
    "path",
    [
        *("/..", "/a/../b", "/./a", "/a/%2e%2e/b", "/a/%2E./b", "/a/%252e%252e/b", "/a/..;/b"),
        *("/a%2fb", "/a%252Fb", "/a%5cb", "/a%00", "/a%0d%0ab", "/%c0%ae/", "/%ff", "/a/..;x=1"),
        "/%25252525252525252e%252525252525252525",
    ],
)
def test_path_that_a_server_could_take_for_another_is_refused(path: str) -> None:
    with pytest.raises(DeniedError):
        parse_url(f"https://a.test{path}")


@pytest.mark.parametrize(
    "path", ["/a.b/..c/...", "/a%20b", "/a;v=1/b", "/%C3%BC", "/100%25", "//a"]
)
def test_plain_path_passes(path: str) -> None:
    assert parse_url(f"https://a.test{path}").path == path


@pytest.mark.parametrize(
    ("path", "prefix", "below"),
    [
        ("/v1/a", "/v1/", True),
        ("/v1", "/v1/", True),
        ("/v1/a", "/v1", True),
        ("/v1", "/v1", True),
        ("/", "/", True),
        ("/x", "/", True),
        ("/v1x", "/v1", False),
        ("/v1x", "/v1/", False),
        ("/v1//a", "/v1", False),
        ("//v1/a", "/v1", False),
        ("/V1/a", "/v1", False),
        ("/%761/a", "/v1", False),
    ],
)
def test_prefix_counts_by_whole_segments(path: str, prefix: str, below: bool) -> None:
    assert is_below(path, prefix) is below


@pytest.mark.parametrize(
    "text", ["a.test/", "a.test/x", "*.test", "u@a.test", "127.0.0.1", "ü.test", ""]
)
def test_what_is_no_plain_host_is_no_origin(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_origin(text)


def test_origin_is_https_unless_it_says_otherwise() -> None:
    assert str(parse_origin("A.test:443")) == "https://a.test"
    assert str(parse_origin("http://a.test:81")) == "http://a.test:81"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/b", "https://a.test/b"),
        ("c?d", "https://a.test/x/c?d"),
        ("../c", "https://a.test/c"),
        ("//b.test/", "https://b.test/"),
        ("https://b.test", "https://b.test/"),
    ],
)
def test_redirect_may_be_relative(location: str, said: str) -> None:
    assert str(parse_location(parse_url("https://a.test/x/y"), location)) == said


@pytest.mark.parametrize(
    "location",
    ["file:///x", "https://u@b.test/", "\\\\b.test", "/a\r\nb", "/%2e%2e/", "https://[b/"],
)
def test_redirect_to_what_is_no_url_is_refused(location: str) -> None:
    with pytest.raises(DeniedError):
        parse_location(parse_url("https://a.test/x/y"), location)
