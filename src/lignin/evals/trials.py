"""Trials on the ledger, paid once. Owns streams `trial/` and `system/`.

A trial is committed as soon as it is scored. Its id is the hash of its key, so that the same one is
never tried again whoever asks, and no trial of other content is ever taken for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.states import Row
from lignin.domain.trials import Scored, TrialKey
from lignin.evals.laws.bank import Banked
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View

CHECKS = "checks/2"
"""A case's own checks. To be raised with any change of what they come to: a test holds it."""
TOLD = "told/1"
"""A case without checks, of which the system itself says how it went."""
MAX_REASONS_CHARS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is to be filed of a trial.

    Args:
        case: The case's name.
        said: What the system wrote.
        seen: Its calls as a run, where they were seen and not only told.
        shown: What a judge was shown of it, where one scored it.
        cause: Why it did not come to an end, as `SystemCause` has it; "" where it did.
        line: One line that tells a person what went wrong.
    """

    key: TrialKey
    case: str
    scored: Scored
    said: str = ""
    seen: str = ""
    shown: Mapping[str, Json] = field(default_factory=dict)
    cause: str = ""
    line: str = ""


class Trials:
    """Files trials and finds them again."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def file(self, view: View, scope: Scope, tried: Tried, name: str, *, simulated: bool) -> Change:
        """The change that files a trial; the first of a system says what that is called.

        Args:
            name: Without one no system is named, and no list shows it.

        Raises (when committed):
            ConflictError: Somebody filed it before.
        """
        key, scored = tried.key, tried.scored
        stream = f"trial/{key.trial}"
        told: dict[str, Json] = {
            "reasons": [each[:MAX_REASONS_CHARS] for each in scored.reasons],
            "said": tried.said,
        }
        if tried.seen:
            told["seen"] = tried.seen
        if tried.shown:
            told["shown"] = dict(tried.shown)
        if tried.cause:
            told["cause"] = tried.cause
        if tried.line:
            told["line"] = tried.line
        detail = canonical_bytes(told)
        payload: dict[str, object] = {
            "system": key.system,
            "case": tried.case,
            "case_digest": key.case,
            "grader": key.grader,
            "number": key.number,
            "kind": scored.kind,
            "score": scored.score,
            "forbidden": scored.forbidden,
            "latency_s": scored.latency_s,
            "tokens": scored.tokens,
            "cost_microusd": scored.cost_microusd,
            "context_tokens": scored.context_tokens,
            "effects": scored.effects,
            "slots": None if scored.slots is None else list(scored.slots),
            "tools": None if scored.tools is None else list(scored.tools),
            "simulated": simulated,
            "detail": digest_bytes(detail),
        }
        if scored.judge_microusd is not None:
            payload["judge_microusd"] = scored.judge_microusd
        if scored.data:
            payload["data"] = dict(scored.data)
        events = [self._event(stream, "trial.scored", payload)]
        if name and view.row(f"system/{key.system}") is None:
            named = {"name": name, "simulated": simulated}
            events.append(self._event(f"system/{key.system}", "system.named", named))
        blob = Blob(stream=stream, digest=digest_bytes(detail), content=detail)
        return scope.change(events=tuple(events), blobs=(blob,), expects={stream: 0})

    def _event(self, stream: str, type_: str, payload: Mapping[str, object]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def trials_of(view: View, system: Digest) -> Iterator[Row]:
    """All trials of a system."""
    after: str | None = None
    while True:
        page = view.page("trial", parent=system, after=after, limit=1000)
        yield from page.rows
        after = page.next_after
        if after is None:
            return


def told_apart(*sides: Iterable[Mapping[str, Json]]) -> list[list[dict[str, Json]]]:
    """Rows of trials as `trial_row` makes them; a case of which several contents were tried, here or there,
    has the first digits of its digest in its name."""
    rows = [list(each) for each in sides]
    contents: defaultdict[str, set[str]] = defaultdict(set)
    for each in chain(*rows):
        contents[each["case"]].add(each["case_digest"])
    return [
        [
            {**each, "case": content_name(each["case"], each["case_digest"])}
            if len(contents[each["case"]]) > 1
            else dict(each)
            for each in side
        ]
        for side in rows
    ]


def content_name(case: str, digest: Digest) -> str:
    """How one content of a case is called where there are several."""
    return f"{case}@{digest.partition(':')[2][:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was tried of a system, by digest of the case and grader: the next number, and the bank."""

    following: Mapping[tuple[Digest, str], int]
    banked: Mapping[tuple[Digest, str], Banked]


def standing(rows: Sequence[Row]) -> Standing:
    """Return what some trials of one system come to."""
    following: defaultdict[tuple[Digest, str], int] = defaultdict(int)
    banked: defaultdict[tuple[Digest, str], Banked] = defaultdict(Banked)
    for row in sorted(rows, key=lambda row: int(row.body["number"])):
        body = row.body
        of = (body["case_digest"], body["grader"])
        following[of] = max(following[of], int(body["number"]) + 1)
        if body["score"] is not None:
            banked[of] = banked[of].with_score(float(body["score"]))
    return Standing(following=dict(following), banked=dict(banked))


class UnfiledError(Exception):
    """The record has no trial that is asked for."""


def filed_trial(view: View, key: TrialKey) -> Mapping[str, Any]:
    """A trial as it was filed.

    Raises:
        UnfiledError: It never was.
    """
    filed = view.row(f"trial/{key.trial}")
    if filed is None:
        raise UnfiledError(key.trial)
    return filed.body
