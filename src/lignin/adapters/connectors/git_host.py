"""A repository at a git host, by the REST interface of GitHub or Gitea: an issue tracker, and pull requests.

Issues come in by a label, comments as they are made. Each time somebody sets the label is an occurrence of its
own, so a ticket that is put back comes in again. What we sent is found again by a mark in its text, and only
where our own account wrote it: anybody can copy a mark.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from lignin.adapters.connectors.git_host_feed import Feed
from lignin.adapters.connectors.git_push import GitPush
from lignin.adapters.connectors.rest import Answer, Rest
from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import format_time
from lignin.domain.messages import Posting
from lignin.ports.connector import (
    Batch,
    Certainty,
    Checks,
    Connector,
    Delivered,
    Probed,
    Ticket,
)

MAX_PAGES: Final = 10
_SKEW = timedelta(hours=1)
_FAILED = frozenset({"failure", "error", "cancelled", "timed_out", "action_required", "stale"})
_WAITING = frozenset({"pending", "queued", "in_progress", "waiting", "requested", ""})
_HEADERS = {
    "github": {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    },
    "gitea": {"Accept": "application/json"},
}


class GitHost:
    """See `lignin.ports.connector.Source`, `Sink` and `Tracker`.

    Args:
        name: The connector's.
        settings: Of its grant.
        rest: Asks the host.
        push: Pushes branches.
        now: The time here.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Json],
        rest: Rest,
        push: GitPush,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._rest, self._push = rest, push
        self._settings = settings
        self._is_gitea = settings["kind"] == "gitea"
        self._root = f"/repos/{settings['repository']}"
        self._account = str(settings["account"])
        self._feed = Feed(name, settings, rest, now=now, who=self._who)

    def poll(self, cursor: str, *, most: int) -> Batch:
        """What is new among issues and comments."""
        return self._feed.poll(cursor, most=most)

    def probe(self) -> Probed:
        """Who we are, and that the repository's issues can be read."""
        issues = self._rest.get(f"{self._root}/issues", {"per_page": "1", "limit": "1"})
        told = "its issues can be read" if isinstance(issues.value, list) else "no issues"
        return Probed(account=self._who(), told=f"{self._settings['repository']}: {told}")

    def certainty(self, posting: Posting) -> Certainty:
        """What is sent here can be found, and a state or a branch that is set twice is set once."""
        if posting.kind in {"comment", "state"}:
            _number(posting.ticket)
        if posting.kind == "comment" and not posting.text.strip():
            raise InvalidRequestError("a comment has a text", hint="--body")
        if posting.kind == "open" and not posting.subject.strip():
            raise InvalidRequestError("a ticket has a subject", hint="--subject")
        if posting.kind == "state":
            self._require_state(posting.state)
            return "repeatable"
        if posting.kind == "pull":
            self._require_pull(posting)
        elif posting.kind not in {"comment", "open"}:
            raise InvalidRequestError(
                f"a git host takes no {posting.kind}",
                hint="--ticket with --body or --state, --subject, or --branch",
            )
        return "found"

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:
        """Look for the mark in what our account wrote since."""
        if posting.kind == "pull":
            return self._pull_of(posting)
        mine, mark = self._who().lower(), _mark(key)
        if posting.kind == "comment":
            place = f"{self._root}/issues/{_number(posting.ticket)}/comments"
        else:
            place = f"{self._root}/issues"
        query = {"since": _time(since - _SKEW), "state": "all", "per_page": "100", "limit": "50"}
        for each in self._listed(place, query):
            wrote = str((each.get("user") or {}).get("login", "")).lower()
            if wrote == mine and mark in str(each.get("body")):
                return _delivered(each)
        return None

    def send(self, posting: Posting, key: str) -> Delivered:
        """Comment, open, set a state, or push and ask to pull."""
        if posting.kind == "comment":
            place = f"{self._root}/issues/{_number(posting.ticket)}/comments"
            return _delivered(self._made(place, {"body": _marked(posting.text, key)}))
        if posting.kind == "open":
            body = {"title": posting.subject, "body": _marked(posting.text, key)}
            return _delivered(self._made(f"{self._root}/issues", body))
        if posting.kind == "state":
            return self._set_state(_number(posting.ticket), posting.state)
        return self._pull(posting, key)

    def read(self, ticket: str) -> Ticket:
        """One issue."""
        found = _object(self._rest.get(f"{self._root}/issues/{_number(ticket)}"))
        labels = _labels(found)
        is_open = found.get("state") == "open"
        known = [each for each in self._settings["states"] if each in labels]
        return Ticket(
            ticket=ticket,
            subject=str(found.get("title") or "")[:1000],
            text=str(found.get("body") or ""),
            state=known[0] if known and is_open else "open" if is_open else "closed",
            is_open=is_open,
            author=str((found.get("user") or {}).get("login", "")),
            labels=tuple(labels),
            link=str(found.get("html_url") or ""),
        )

    def checks(self, commit: str) -> Checks:
        """Statuses and, at GitHub, check runs; one that failed decides, then one that is not done."""
        place = f"{self._root}/commits/{quote(commit, safe='')}"
        told = _object(self._rest.get(f"{place}/status"))
        states = [
            str(each.get("state") or each.get("status") or "")
            for each in told.get("statuses") or ()
            if isinstance(each, dict)
        ]
        if not self._is_gitea:
            runs = _object(self._rest.get(f"{place}/check-runs", {"per_page": "100"}))
            states += [
                str(each.get("conclusion") or each.get("status") or "")
                for each in runs.get("check_runs") or ()
                if isinstance(each, dict)
            ]
        if any(each in _FAILED for each in states):
            return "fail"
        if any(each in _WAITING for each in states):
            return "pending"
        return "pass" if states else "none"

    def _who(self) -> str:
        if not self._account:
            try:
                self._account = str(_object(self._rest.get("/user")).get("login") or "")
            except (DeniedError, NotFoundError):
                raise UnavailableError(
                    "the git host does not say who we are there",
                    hint="name it in the grants file: account",
                ) from None
        return self._account

    def _set_state(self, number: str, state: str) -> Delivered:
        place = f"{self._root}/issues/{number}"
        if state in {"open", "closed"}:
            return _delivered(_object(self._rest.change("PATCH", place, {"state": state})))
        before = _object(self._rest.get(place))
        ids = {
            str(each.get("name")): str(each.get("id"))
            for each in before.get("labels") or ()
            if isinstance(each, dict)
        }
        if state not in ids:
            self._rest.change("POST", f"{place}/labels", {"labels": [state]})
        for other in (each for each in self._settings["states"] if each in ids and each != state):
            named = ids[other] if self._is_gitea else quote(other, safe="")
            try:
                self._rest.change("DELETE", f"{place}/labels/{named}")
            except NotFoundError:
                continue  # somebody was quicker
        return _delivered(before)

    def _require_state(self, state: str) -> None:
        known = ["open", "closed", *self._settings["states"]]
        if state not in known:
            raise InvalidRequestError(
                f"{state!r:.60} is no state of this tracker", hint=f"one of {', '.join(known)}"
            )

    def _require_pull(self, posting: Posting) -> None:
        prefix = str(self._settings["branches"])
        if not posting.branch.startswith(prefix) or posting.branch == prefix:
            raise DeniedError(
                f"only branches {prefix}... are pushed", hint="branches in your grants file"
            )
        if not (posting.base and posting.commit and posting.folder and posting.subject.strip()):
            raise InvalidRequestError(
                "a pull request has a subject, a branch and its base",
                hint="--subject, --branch, --base",
            )

    def _pull(self, posting: Posting, key: str) -> Delivered:
        self._push.push(posting.folder, posting.commit, posting.branch)
        there = self._pull_of(posting)  # made before, or by somebody: a branch has one at a time
        if there is not None:
            return there
        body = {"title": posting.subject, "body": _marked(posting.text, key)}
        body |= {"head": posting.branch, "base": posting.base}
        return _delivered(self._made(f"{self._root}/pulls", body))

    def _pull_of(self, posting: Posting) -> Delivered | None:
        owner = str(self._settings["repository"]).partition("/")[0]
        query = {"state": "open", "head": f"{owner}:{posting.branch}", "per_page": "100"}
        for each in self._listed(f"{self._root}/pulls", {**query, "limit": "50"}):
            head = each.get("head") or {}
            if head.get("ref") == posting.branch and head.get("sha") == posting.commit:
                return _delivered(each)
        return None

    def _made(self, place: str, body: Mapping[str, Json]) -> dict[str, Any]:
        return _object(self._rest.change("POST", place, dict(body)))

    def _listed(self, place: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Every item of a list, to its end.

        Raises:
            UnavailableError: It has none within bounds: what is not found may be there.
        """
        answer = self._rest.get(place, query)
        for _ in range(MAX_PAGES):
            if not isinstance(answer.value, list):
                raise UnavailableError("the git host answered with something that is no list")
            yield from (each for each in answer.value if isinstance(each, dict))
            if not answer.next_query:
                return
            answer = self._rest.get(place, answer.next_query)
        raise UnavailableError(f"the git host lists more than {MAX_PAGES} pages; not all were read")


def connector_of(name: str, host: GitHost) -> Connector:
    """The host as a connector with all its parts."""
    return Connector(
        name=name, kind="git host", probe=host.probe, source=host, sink=host, tracker=host
    )


def headers_of(kind: str) -> Mapping[str, str]:
    """The headers of every request to a host of a kind."""
    return _HEADERS[kind]


def _time(at: datetime) -> str:
    return format_time(at)[:19] + "Z"


def _mark(key: str) -> str:
    return f"<!-- lignin:{key} -->"


def _marked(text: str, key: str) -> str:
    return f"{text}\n\n{_mark(key)}"


def _number(ticket: str) -> str:
    if not (ticket.isascii() and ticket.isdigit() and len(ticket) < 12):
        raise InvalidRequestError(
            f"{ticket!r:.40} is no number of an issue", hint="--ticket NUMBER"
        )
    return ticket


def _object(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer.value, dict):
        raise UnavailableError("the git host answered with something unknown", is_uncertain=True)
    return answer.value


def _labels(issue: Mapping[str, Any]) -> list[str]:
    found = issue.get("labels") or ()
    return [str(each.get("name"))[:100] for each in found if isinstance(each, dict)]


def _delivered(made: Mapping[str, Any]) -> Delivered:
    reference = str(made.get("number") or made.get("id") or "")
    return Delivered(reference=reference[:100], link=str(made.get("html_url") or "")[:1000])
