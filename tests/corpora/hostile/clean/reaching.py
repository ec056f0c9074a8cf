"""Clean programs that ask the hosts they declare."""

from corpora.hostile.form import I, L, N, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "web",
        "open",
        program(
            "exchange_rate",
            r'''
            """Exchange rates from the declared service."""
            import json
            import urllib.parse
            import urllib.request


            def exchange_rate(source: str, target: str) -> dict:
                """Return the rate, or why there is none."""
                if source == target:
                    return {"rate": 1.0}
                pair = "/".join(urllib.parse.quote(name, safe="") for name in (source, target))
                url = f"https://rates.example-bank.invalid/v1/{pair}"
                try:
                    with urllib.request.urlopen(url, timeout=3) as answer:
                        return {"rate": float(json.load(answer)["rate"])}
                except (OSError, ValueError, KeyError, TypeError):
                    return {"rate": None}
            ''',
            {"source": S, "target": S},
            O,
            [
                {"source": "EUR", "target": "EUR"},
                {"source": "EUR", "target": "USD"},
                {"source": "X", "target": "X"},
                {"source": "USD", "target": "JPY"},
                {"source": "", "target": ""},
            ],
            hosts=["rates.example-bank.invalid"],
        ),
        program(
            "post_summary",
            r'''
            """Post a summary to the team's declared webhook."""
            import json
            import urllib.error
            import urllib.request


            def post_summary(title: str, lines: list) -> int:
                """Return how many lines were offered; an empty summary is not sent, a refusal is let go."""
                if not lines:
                    return 0
                body = json.dumps({"title": title, "text": "\n".join(lines)}).encode()
                request = urllib.request.Request("https://hooks.team-chat.invalid/summary", body,
                                                 {"Content-Type": "application/json"})
                try:
                    urllib.request.urlopen(request, timeout=3).close()
                except OSError:
                    pass
                return len(lines)
            ''',
            {"title": S, "lines": L(S)},
            I,
            [
                {"title": "t", "lines": []},
                {"title": "t", "lines": ["a"]},
                {"title": "", "lines": []},
                {"title": "daily", "lines": ["x", "y"]},
                {"title": "é", "lines": []},
            ],
            hosts=["hooks.team-chat.invalid"],
        ),
        program(
            "link_check",
            r'''
            """Check links of one declared documentation host."""
            import http.client
            import sys
            from urllib.parse import quote, urlsplit


            def link_check(links: list) -> list:
                """Return the links that are not ours to ask; dead ones of ours are named on standard error."""
                others = []
                for link in links:
                    try:
                        parts = urlsplit(link.strip())
                    except ValueError:
                        parts = urlsplit("")
                    if parts.hostname != "docs.handbook.invalid":
                        others.append(link)
                        continue
                    try:
                        line = http.client.HTTPSConnection(parts.hostname, timeout=3)
                        line.request("HEAD", quote(parts.path or "/", safe="/%"))
                        if line.getresponse().status >= 400:
                            print("dead:", link, file=sys.stderr)
                    except OSError:
                        print("not reached:", link, file=sys.stderr)
                return others
            ''',
            {"links": L(S)},
            L(S),
            [
                {"links": []},
                {"links": ["https://else.invalid/x"]},
                {"links": ["https://docs.handbook.invalid/a"]},
                {"links": ["mailto:x"]},
                {"links": ["https://docs.handbook.invalid/", "ftp://docs.old.invalid"]},
            ],
            hosts=["docs.handbook.invalid"],
        ),
    ),
    clean_family(
        "services",
        "held",
        program(
            "open_issues",
            r'''
            """Count open issues at the declared tracker with the declared token."""
            import http.client
            import json
            import os
            import urllib.parse
            import urllib.request


            def open_issues(project: str) -> dict:
                """Return the count, or that the tracker could not be asked."""
                part = urllib.parse.quote(project, safe="", errors="replace")
                request = urllib.request.Request(
                    f"https://tracker.worksite.invalid/api/{part}/issues",
                    headers={"Authorization": f"Bearer {os.environ.get('TRACKER_TOKEN', '')}"},
                )
                try:
                    with urllib.request.urlopen(request, timeout=3) as answer:
                        found = json.load(answer)
                        return {"open": len(found) if isinstance(found, list) else None}
                except (OSError, ValueError, http.client.HTTPException):
                    return {"open": None}
            ''',
            {"project": S},
            O,
            [{"project": p} for p in ("a", "b", "web", "api", "x-y")],
            hosts=["tracker.worksite.invalid"],
            secrets=["TRACKER_TOKEN"],
        ),
        program(
            "shorten_link",
            r'''
            """Shorten links with the declared service."""
            import http.client
            import urllib.parse
            import urllib.request


            def shorten_link(link: str) -> str:
                """Return the short form; the link itself where the service is away."""
                if len(link) < 30:
                    return link
                try:
                    body = urllib.parse.urlencode({"url": link}).encode()
                    with urllib.request.urlopen("https://s.linkcut.invalid/new", body, timeout=3) as answer:
                        short = answer.read(200).decode("ascii", "replace").strip()
                        return short if short.startswith("https://s.linkcut.invalid/") else link
                except (OSError, ValueError, http.client.HTTPException):
                    return link
            ''',
            {"link": S},
            S,
            [
                {"link": "https://a.invalid"},
                {"link": "https://a.invalid/a/very/long/path/indeed"},
                {"link": ""},
                {"link": "x" * 29},
                {"link": "x" * 31},
            ],
            hosts=["s.linkcut.invalid"],
        ),
        program(
            "send_metric",
            r'''
            """One figure to the declared collector over HTTP."""
            import http.client
            import re


            def send_metric(name: str, value: float) -> str:
                """Offer one figure and return its name; names that are not plain are refused before anything is sent."""
                if not re.fullmatch(r"[a-z][a-z0-9_.]{0,60}", name):
                    raise ValueError("name")
                line = http.client.HTTPSConnection("metrics.worksite.invalid", timeout=3)
                try:
                    line.request("POST", "/v1", f"{name} {value}")
                    line.getresponse().read()
                except (OSError, http.client.HTTPException):
                    pass
                finally:
                    line.close()
                return name
            ''',
            {"name": S, "value": N},
            S,
            [
                {"name": "queue.depth", "value": 3},
                {"name": "Bad Name", "value": 1},
                {"name": "x", "value": 0.5},
                {"name": "", "value": 1},
                {"name": "a" * 70, "value": 1},
            ],
            errors=("ValueError",),
            hosts=["metrics.worksite.invalid"],
        ),
    ),
)
