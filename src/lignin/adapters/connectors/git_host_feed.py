"""What is new among a repository's issues and comments, from where it was left, in the order of change.

Pages are not counted where the host can sort by change: an item that changes meanwhile would shift the rest
over a page's edge. Reading goes on from the last time seen instead, which comes once more. A host that cannot
sort is read whole; the cursor only moves where its list was as long at the end as at the beginning.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from lignin.adapters.connectors.rest import Answer, Rest
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, LimitedError, NotFoundError, UnavailableError
from lignin.domain.events import format_time
from lignin.domain.messages import Message, bounded_message
from lignin.ports.connector import Batch

PER_PAGE: Final = 50
MAX_PAGES: Final = 40
MAX_SEEN: Final = 500
MAX_CURSOR: Final = 64 * 2**10
OWN_MARK: Final = "<!-- lignin:dlv_"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_BACK = timedelta(seconds=60)


@dataclass(slots=True)
class Place:
    """How far one list was read: the last time of change, what was seen of that, and its tag."""

    since: str = ""
    seen: list[str] = field(default_factory=list)
    etag: str = ""

    def to_json(self) -> dict[str, Json]:
        """As it is kept in a cursor."""
        return {"since": self.since, "seen": self.seen[-MAX_SEEN:], "etag": self.etag}


class Feed:
    """Reads issues and comments."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Json],
        rest: Rest,
        *,
        now: Callable[[], datetime],
        who: Callable[[], str],
    ) -> None:
        self._name, self._rest, self._now, self._who = name, rest, now, who
        self._label = str(settings["label"])
        self._has_comments = bool(settings["comments"])
        self._is_gitea = settings["kind"] == "gitea"
        self._root = f"/repos/{settings['repository']}"

    def poll(self, cursor: str, *, most: int) -> Batch:
        """Return what is new."""
        places = _parse(cursor)
        issues = places.get("issues") or Place()
        started = format_time(self._now() - _BACK)[:19] + "Z"
        comments = places.get("comments") or Place(since=started)
        found: list[Message] = []
        more = False
        if self._label:
            more |= self._read(issues, f"{self._root}/issues", self._issues_query(), found, most)
        if self._has_comments:
            more |= self._read(comments, f"{self._root}/issues/comments", {}, found, most)
        kept = {"issues": issues.to_json(), "comments": comments.to_json()}
        return Batch(messages=tuple(found), cursor=json.dumps(kept), more=more)

    def _issues_query(self) -> dict[str, str]:
        kind = {"type": "issues"} if self._is_gitea else {}
        return {"labels": self._label, "state": "open", **kind}

    def _read(
        self, place: Place, path: str, query: Mapping[str, str], found: list[Message], most: int
    ) -> bool:
        """Read on from a place and move it; true where there is more."""
        if self._is_gitea:
            self._read_whole(place, path, query, found)
            return False
        etag, since = place.etag, place.since
        page_query: str | dict[str, str] = self._from(query, since)
        for _ in range(MAX_PAGES):
            answer = self._rest.get(path, page_query, etag)
            if answer.status == 304:
                return False
            last = self._take(place, _items(answer), found)
            if not answer.next_query:
                place.etag = answer.etag if place.since == since else ""
                return False
            place.etag = etag = ""
            if last > since:  # go on from there; only a crowd of one second needs its pages counted
                since = last
                page_query = self._from(query, since)
            else:
                page_query = answer.next_query
            if len(found) >= most and last == since:
                return True
        return True

    def _from(self, query: Mapping[str, str], since: str) -> dict[str, str]:
        order = {"sort": "updated", "direction": "asc", "per_page": str(PER_PAGE)}
        return {**query, **order, **({"since": since} if since else {})}

    def _read_whole(
        self, place: Place, path: str, query: Mapping[str, str], found: list[Message]
    ) -> None:
        asked = {**query, "limit": str(PER_PAGE)} | ({"since": place.since} if place.since else {})
        answer = self._rest.get(path, asked, place.etag)
        if answer.status == 304:
            return
        items, first, pages = _items(answer), answer, 1
        while answer.next_query:
            if pages >= MAX_PAGES:
                raise LimitedError(
                    f"{self._name} has more than {MAX_PAGES} pages of changes",
                    hint="a narrower label",
                )
            answer = self._rest.get(path, answer.next_query)
            items += _items(answer)
            pages += 1
        items.sort(key=lambda each: str(each.get("updated_at")))
        moved = Place(since=place.since, seen=list(place.seen))
        self._take(moved, items, found)
        if pages > 1:
            again = self._rest.get(path, asked)
            if again.etag != first.etag or _ids(_items(again)) != _ids(_items(first)):
                return  # it changed while it was read: all of it comes once more
        place.etag = first.etag if moved.since == place.since else ""
        place.since, place.seen = moved.since, moved.seen

    def _take(self, place: Place, items: list[dict[str, Any]], found: list[Message]) -> str:
        """Add what was not seen; return the last time of change, by which the place moves."""
        for item in items:
            at = str(item.get("updated_at") or "")
            if not _TIME.fullmatch(at) or not isinstance(item.get("id"), int):
                raise UnavailableError(f"{self._name} tells no id or time of change")
            mark = f"{item['id']}@{at}"
            if mark in place.seen:
                continue
            found.extend(self._messages(item))
            if at > place.since:
                place.since, place.seen = at, []
            place.seen.append(mark)
        return place.since

    def _messages(self, item: dict[str, Any]) -> Iterator[Message]:
        if item.get("pull_request"):
            return
        is_issue = "number" in item
        text = str(item.get("body") or "")
        author = str((item.get("user") or {}).get("login") or "")
        if not is_issue and OWN_MARK in text and self._is_ours(author):
            return  # our own words are no news; whoever only copies the mark is heard
        number = str(item["number"]) if is_issue else _issue_of(item)
        if is_issue:
            occurrence = f"issue/{number}/{self._labelled(number)}"
        else:
            occurrence = f"comment/{item.get('id')}"
        labels = item.get("labels") or ()
        yield bounded_message(
            source=self._name,
            occurrence=occurrence,
            kind="issue" if is_issue else "comment",
            at=str(item.get("updated_at") if is_issue else item.get("created_at")),
            author=author,
            subject=item.get("title"),
            text=text,
            link=item.get("html_url"),
            ticket=number,
            labels=[each.get("name") for each in labels if isinstance(each, dict)],
        )

    def _is_ours(self, author: str) -> bool:
        try:
            return author.lower() == self._who().lower()
        except UnavailableError:
            return False

    def _labelled(self, number: str) -> str:
        """Which setting of the label it is: the id of the last one, "first" where none is told."""
        part = "timeline" if self._is_gitea else "events"
        path = f"{self._root}/issues/{number}/{part}"
        last = "first"
        try:
            answer = self._rest.get(path, {"per_page": "100", "limit": "50"})
            for _ in range(MAX_PAGES):
                for each in _items(answer):
                    if self._sets_label(each):
                        last = str(each.get("id"))
                if not answer.next_query:
                    break
                answer = self._rest.get(path, answer.next_query)
        except NotFoundError:
            return last  # the host tells no such events
        return last

    def _sets_label(self, event: Mapping[str, Any]) -> bool:
        name = (event.get("label") or {}).get("name")
        if self._is_gitea:
            return event.get("type") == "label" and event.get("body") == "1" and name == self._label
        return event.get("event") == "labeled" and name == self._label


def _parse(cursor: str) -> dict[str, Place]:
    if not cursor:
        return {}
    try:
        if len(cursor) > MAX_CURSOR:
            raise ValueError
        value = json.loads(cursor)
        return {
            name: Place(str(each["since"]), [str(mark) for mark in each["seen"]], str(each["etag"]))
            for name, each in value.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidRequestError("this is no cursor of a git host", hint="begin anew") from None


def _items(answer: Answer) -> list[dict[str, Any]]:
    if not isinstance(answer.value, list):
        raise UnavailableError("the git host answered with something that is no list")
    return [each for each in answer.value if isinstance(each, dict)]


def _ids(items: list[dict[str, Any]]) -> list[str]:
    return [str(each.get("id")) for each in items]


def _issue_of(comment: Mapping[str, Any]) -> str:
    number = str(comment.get("issue_url") or "").rpartition("/")[2]
    return number if number.isdigit() else ""
