"""A git host on this machine: the part of GitHub's or Gitea's REST interface that trackers need, over real HTTP.

It pages, tags versions, limits rates, fails and forgets to answer as it is told. What it was asked is kept, and
with which credential. With a repository it also serves git over HTTP, by git's own program.
"""

import hashlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

Dialect = Literal["github", "gitea"]
TOKEN = "tok-9f2c41d7aa03b6e58c10"  # noqa: S105 - of this stand-in alone
ACCOUNT = "lignin-bot"
REPOSITORY = "acme/shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the host does instead of answering once.

    Args:
        status: This status; 0 lets it do what was asked.
        headers: With these.
        after: It does what was asked first, and then fails: the change is made and nobody hears of it.
        cuts: It ends the connection without a word.
        body: These bytes.
        method, path: Only for such requests; "" for any.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    after: bool = False
    cuts: bool = False
    body: bytes = b"{}"
    method: str = ""
    path: str = ""


@dataclass(slots=True)
class GitHostServer:
    """The host as a test sees it."""

    dialect: Dialect
    address: str = ""
    per_page: int = 50
    asked: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    events: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    repository: Path | None = None
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ticks: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def root(self) -> str:
        """Where its interface begins."""
        return "/api/v1" if self.dialect == "gitea" else ""

    def grant(self, **more: Any) -> str:
        """The table of a grants file that leads here; the credential is in the variable `FORGE_TOKEN`."""
        told = {
            "kind": self.dialect,
            "url": self.address + self.root,
            "repository": REPOSITORY,
            "label": "agent",
            "comments": True,
            "states": ["todo", "doing", "done"],
            "git_url": f"{self.address}/{REPOSITORY}.git",
            "variable": "FORGE_TOKEN",
            "private": True,
            **more,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
        return "\n".join(["[connectors.forge]", *lines, ""])

    def now(self) -> str:
        """The host's time; it goes on by a second each time."""
        self.ticks += 1
        return (self.began_at + timedelta(seconds=self.ticks)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def put_issue(self, title: str, *labels: str, text: str = "", by: str = "ada") -> int:
        """Somebody opens an issue."""
        with self.lock:
            number, at = len(self.issues) + 1, self.now()
            self.issues.append(
                {
                    "id": 1000 + number,
                    "number": number,
                    "title": title,
                    "body": text,
                    "state": "open",
                    "labels": [],
                    "user": {"login": by},
                    "html_url": f"https://forge.test/{REPOSITORY}/issues/{number}",
                    "created_at": at,
                    "updated_at": at,
                }
            )
            for label in labels:
                self.put_label(number, label)
            return number

    def put_label(self, number: int, label: str) -> None:
        """Somebody sets a label."""
        issue = self.issues[number - 1]
        named = {"id": int(hashlib.sha256(label.encode()).hexdigest()[:6], 16), "name": label}
        if label not in {each["name"] for each in issue["labels"]}:
            issue["labels"].append(named)
        known = self.events.setdefault(number, [])
        is_gitea = self.dialect == "gitea"
        what = {"type": "label", "body": "1"} if is_gitea else {"event": "labeled"}
        known.append({"id": 500_000 + number * 1000 + len(known), **what, "label": named})
        issue["updated_at"] = self.now()

    def drop_label(self, number: int, label: str) -> None:
        """Somebody takes a label off."""
        issue = self.issues[number - 1]
        issue["labels"] = [each for each in issue["labels"] if each["name"] != label]
        issue["updated_at"] = self.now()

    def put_comment(self, number: int, text: str, by: str = "ada") -> dict[str, Any]:
        """Somebody comments."""
        with self.lock:
            at = self.now()
            made = {
                "id": 9000 + len(self.comments),
                "body": text,
                "user": {"login": by},
                "created_at": at,
                "updated_at": at,
                "issue_url": f"{self.address}{self.root}/repos/{REPOSITORY}/issues/{number}",
                "html_url": f"https://forge.test/{REPOSITORY}/issues/{number}#c{at}",
            }
            self.comments.append(made)
            self.issues[number - 1]["updated_at"] = self.now()
            return made


@contextmanager
def git_host(
    dialect: Dialect = "github", repository: Path | None = None
) -> Iterator[GitHostServer]:
    """Serve while a block lasts."""
    host = GitHostServer(dialect=dialect, repository=repository)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    server.daemon_threads = True
    host.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def _handler(host: GitHostServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                body = _unchunked(self.rfile)
            with host.lock:
                host.asked.append((self.command, self.path, dict(self.headers.items()), body))
                trouble = self._trouble()
                if trouble is not None and not trouble.after:
                    self._fail(trouble)
                    return
                if ".git/" in self.path:
                    _serve_git(self, host, body)
                    return
                given = dict(self.headers.items())
                status, value, headers = _answer(host, self.command, self.path, given, body)
                if trouble is not None:
                    self._fail(trouble)
                    return
            self._send(status, b"" if status == 304 else json.dumps(value).encode(), headers)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the library

        def _trouble(self) -> Trouble | None:
            for number, each in enumerate(host.troubles):
                if each.method in {"", self.command} and each.path in self.path:
                    return host.troubles.pop(number)
            return None

        def _fail(self, trouble: Trouble) -> None:
            if trouble.cuts:
                self.close_connection = True
                return
            self._send(trouble.status, trouble.body, dict(trouble.headers))

        def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            host.answered.append(status)
            with suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

    return Handler


Answered = tuple[int, Any, dict[str, str]]


def _answer(
    host: GitHostServer, method: str, target: str, headers: Mapping[str, Any], raw: bytes
) -> Answered:
    parts = urlsplit(target)
    if not parts.path.startswith(host.root):
        return 404, {"message": "Not Found"}, {}
    path = unquote(parts.path.removeprefix(host.root))
    word = "token" if host.dialect == "gitea" else "Bearer"
    if headers.get("Authorization") != f"{word} {TOKEN}":
        return 401, {"message": f"Bad credentials: {headers.get('Authorization')}"}, {}
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if path == "/user":
        return 200, {"login": ACCOUNT}, {}
    base = f"/repos/{REPOSITORY}"
    if not path.startswith(f"{base}/"):
        return 404, {"message": "Not Found"}, {}
    body = json.loads(raw) if raw else {}
    rest = path.removeprefix(base)
    if method == "GET":
        return _read(host, rest, query, headers)
    return _change(host, method, rest, body)


def _read(
    host: GitHostServer, rest: str, query: dict[str, str], headers: Mapping[str, Any]
) -> Answered:
    found: list[dict[str, Any]]
    if rest == "/issues":
        found = [each for each in host.issues if _is_wanted(each, query)]
    elif rest == "/issues/comments":
        found = [each for each in host.comments if each["updated_at"] >= query.get("since", "")]
    elif match := re.fullmatch(r"/issues/(\d+)/comments", rest):
        end = f"/issues/{match[1]}"
        found = [each for each in host.comments if each["issue_url"].endswith(end)]
        found = [each for each in found if each["updated_at"] >= query.get("since", "")]
    elif match := re.fullmatch(r"/issues/(\d+)/(events|timeline)", rest):
        found = host.events.get(int(match[1]), [])
    elif match := re.fullmatch(r"/issues/(\d+)", rest):
        if not 0 < int(match[1]) <= len(host.issues):
            return 404, {"message": "Not Found"}, {}
        return 200, host.issues[int(match[1]) - 1], {}
    elif rest == "/pulls":
        found = [each for each in host.pulls if each["state"] == "open"]
    elif re.fullmatch(r"/commits/[0-9a-f]+/status", rest):
        return 200, {"statuses": host.statuses}, {}
    elif re.fullmatch(r"/commits/[0-9a-f]+/check-runs", rest):
        return 200, {"check_runs": host.runs}, {}
    else:
        return 404, {"message": "Not Found"}, {}
    if query.get("sort") == "updated" and host.dialect == "github":
        found = sorted(found, key=lambda each: each["updated_at"])
    return _paged(host, rest, query, found, headers)


def _is_wanted(issue: dict[str, Any], query: Mapping[str, str]) -> bool:
    labels = {each["name"] for each in issue["labels"]}
    return (
        query.get("state", "open") in {"all", issue["state"]}
        and ("labels" not in query or query["labels"] in labels)
        and issue["updated_at"] >= query.get("since", "")
    )


def _paged(
    host: GitHostServer,
    rest: str,
    query: dict[str, str],
    found: list[dict[str, Any]],
    headers: Mapping[str, Any],
) -> Answered:
    size = min(int(query.get("per_page") or query.get("limit") or 30), host.per_page)
    page = int(query.get("page", 1))
    shown = found[(page - 1) * size : page * size]
    told: dict[str, str] = {}
    if page * size < len(found):
        more = urlencode({**query, "page": page + 1})
        # As GitHub does, by another path: who follows it blindly leaves what was granted.
        told["Link"] = f'<{host.address}/repositories/1{rest}?{more}>; rel="next"'
    etag = f'W/"{hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]}"'
    if headers.get("If-None-Match") == etag:
        return 304, None, {"ETag": etag}
    return 200, shown, {**told, "ETag": etag}


def _change(host: GitHostServer, method: str, rest: str, body: Any) -> Answered:
    if method == "POST" and rest == "/issues":
        number = host.put_issue(body["title"], text=body["body"], by=ACCOUNT)
        return 201, host.issues[number - 1], {}
    if method == "POST" and rest == "/pulls":
        return _pull(host, body)
    match = re.fullmatch(r"/issues/(\d+)(/comments|/labels(?:/(.+))?)?", rest)
    if match is None or not 0 < int(match[1]) <= len(host.issues):
        return 404, {"message": "Not Found"}, {}
    number = int(match[1])
    if method == "POST" and match[2] == "/comments":
        return 201, host.put_comment(number, body["body"], by=ACCOUNT), {}
    issue = host.issues[number - 1]
    if method == "PATCH":
        issue["state"] = body["state"]
        issue["updated_at"] = host.now()
        return 200, issue, {}
    if method == "POST":
        for label in body["labels"]:
            host.put_label(number, label)
        return 200, issue["labels"], {}
    named = [each for each in issue["labels"] if match[3] in {each["name"], str(each["id"])}]
    if not named:
        return 404, {"message": "Label does not exist"}, {}
    host.drop_label(number, named[0]["name"])
    return 200, issue["labels"], {}


def _pull(host: GitHostServer, body: Any) -> Answered:
    sha = ""
    if host.repository is not None:
        words = ["git", "-C", str(host.repository), "rev-parse", f"refs/heads/{body['head']}"]
        sha = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    if any(each["head"]["ref"] == body["head"] for each in host.pulls):
        return 422, {"message": "A pull request already exists"}, {}
    number = 700 + len(host.pulls)
    made = {
        "id": number,
        "number": number,
        "title": body["title"],
        "body": body["body"],
        "state": "open",
        "head": {"ref": body["head"], "sha": sha},
        "base": {"ref": body["base"]},
        "html_url": f"https://forge.test/{REPOSITORY}/pull/{number}",
    }
    host.pulls.append(made)
    return 201, made, {}


def _unchunked(file: Any) -> bytes:
    parts = []
    while size := int(file.readline().split(b";")[0], 16):
        parts.append(file.read(size))
        file.readline()
    file.readline()
    return b"".join(parts)


def _serve_git(handler: BaseHTTPRequestHandler, host: GitHostServer, body: bytes) -> None:
    """Hand a request to git's own server program."""
    import base64

    word = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    if handler.headers.get("Authorization") != f"Basic {word}" or host.repository is None:
        handler.send_response(401)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    parts = urlsplit(handler.path)
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(host.repository),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": parts.path.partition(".git")[2],
        "QUERY_STRING": parts.query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": "bot",
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"],  # noqa: S607
        input=body,
        env=environment,
        capture_output=True,
        check=True,
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    told = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
    handler.send_response(int(told.pop("Status", "200").split()[0]))
    for name, value in told.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
