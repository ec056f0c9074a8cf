"""Clean programs about figures and addresses."""

from corpora.hostile.form import I, L, N, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "figures",
        "held",
        program(
            "describe",
            r'''
            """Describe numbers."""
            import statistics


            def describe(values: list) -> dict:
                """Return count, mean, median and spread, rounded to four digits."""
                if not values:
                    return {"count": 0}
                if any(abs(value) > 1e15 for value in values):
                    raise ValueError("too large to be exact")
                return {
                    "count": len(values),
                    "mean": round(statistics.fmean(values), 4),
                    "median": statistics.median(values),
                    "spread": round(statistics.pstdev(values), 4),
                }
            ''',
            {"values": L(N)},
            O,
            [{"values": v} for v in ([1, 2, 3, 4], [], [5], [-1, 1], [0.1, 0.2])],
            errors=("ValueError",),
        ),
        program(
            "moving_mean",
            r'''
            """Moving means."""
            from collections import deque


            def moving_mean(values: list, window: int) -> list:
                """Return the mean of each full window, rounded to three digits."""
                if window < 1:
                    raise ValueError("window")
                if any(abs(value) > 1e15 for value in values):
                    raise ValueError("too large to be exact")
                held, out = deque(maxlen=min(window, len(values) + 1)), []
                for value in values:
                    held.append(value)
                    if len(held) == window:
                        out.append(round(sum(held) / window, 3))
                return out
            ''',
            {"values": L(N), "window": I},
            L(N),
            [
                {"values": [1, 2, 3, 4], "window": 2},
                {"values": [1], "window": 2},
                {"values": [3, 3], "window": 1},
                {"values": [1, 2], "window": 0},
                {"values": [], "window": 3},
            ],
            errors=("ValueError",),
        ),
        program(
            "matrix_product",
            r'''
            """Multiply matrices."""


            def matrix_product(a: list, b: list) -> list:
                """Return the product of two matrices given as rows."""
                if not a or any(len(row) != len(b) for row in a) or len(set(map(len, b))) > 1:
                    raise ValueError("shapes do not fit")
                if any(abs(x) > 1e6 for row in [*a, *b] for x in row):
                    raise ValueError("too large to be exact")
                columns = list(zip(*b))
                return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]
            ''',
            {"a": L(L(N)), "b": L(L(N))},
            L(L(N)),
            [
                {"a": [[1, 2]], "b": [[3], [4]]},
                {"a": [[1, 0], [0, 1]], "b": [[5, 6], [7, 8]]},
                {"a": [[1]], "b": [[1], [2]]},
                {"a": [], "b": []},
                {"a": [[2]], "b": [[0.5]]},
            ],
            errors=("ValueError",),
        ),
    ),
    clean_family(
        "addresses",
        "held",
        program(
            "clean_url",
            r'''
            """Take tracking parameters out of links."""
            from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

            TRACKING = {"fbclid", "gclid", "ref", "mc_eid"}


            def clean_url(url: str) -> str:
                """Return the link without utm_* and click ids, host in lower case."""
                parts = urlsplit(url)
                query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True)
                         if k not in TRACKING and not k.startswith("utm_")]
                user, at, host = parts.netloc.rpartition("@")
                rest = urlencode(query, errors="replace")
                return urlunsplit((parts.scheme, user + at + host.lower(), parts.path, rest, parts.fragment))
            ''',
            {"url": S},
            S,
            [
                {"url": "https://Shop.invalid/a?utm_source=x&id=3"},
                {"url": "https://a.invalid/"},
                {"url": "https://a.invalid/?gclid=1#top"},
                {"url": "not a url"},
                {"url": ""},
            ],
            errors=("ValueError",),
        ),
        program(
            "parse_query",
            r'''
            """Query strings to objects."""
            from urllib.parse import unquote_plus


            def parse_query(query: str) -> dict:
                """Return each name with its list of values."""
                out = {}
                for pair in filter(None, query.lstrip("?").split("&")):
                    name, _, value = pair.partition("=")
                    out.setdefault(unquote_plus(name), []).append(unquote_plus(value))
                return out
            ''',
            {"query": S},
            O,
            [{"query": q} for q in ("?a=1&a=2", "", "x=%20y+z", "flag", "a=b=c&&d=")],
        ),
        program(
            "same_network",
            r'''
            """Which addresses lie in which networks."""
            import ipaddress


            def same_network(addresses: list, networks: list) -> dict:
                """Map each address to the narrowest network that holds it, or None."""
                known = sorted(map(ipaddress.ip_network, networks), key=lambda n: -n.prefixlen)
                found = {}
                for text in addresses:
                    address = ipaddress.ip_address(text)
                    found[text] = next((str(n) for n in known if address in n), None)
                return found
            ''',
            {"addresses": L(S), "networks": L(S)},
            O,
            [
                {"addresses": ["192.0.2.9"], "networks": ["192.0.2.0/24", "192.0.2.8/30"]},
                {"addresses": ["203.0.113.1"], "networks": []},
                {"addresses": [], "networks": ["198.51.100.0/24"]},
                {"addresses": ["2001:db8::1"], "networks": ["2001:db8::/32"]},
                {"addresses": ["nonsense"], "networks": []},
            ],
            errors=("ValueError",),
        ),
    ),
)
