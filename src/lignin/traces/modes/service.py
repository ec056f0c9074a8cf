"""Files judged runs under failure modes. Owns streams `filing/`, `mode/` and `miner/modes`.

Nothing here commits. One miner works at a time: every change moves `miner/modes` by
compare-and-swap, so the support that a split stands on is never counted by two at once. A mode's id
comes from what founds it, so no order of arrival changes it; which fine modes stand on their own is
a function of the filings there are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.domain.codec import Json, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.modes import ANY_FAILURE, Signature, split_modes
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View

LEAST = 17
"""A fine mode stands on its own from so many runs on."""
MINER = "miner/modes"
RULES = 2
"""Version of the rules that judgements and signatures come from: where it is another, everything is
judged and filed anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A judged run: which session, of which task, what it was judged to be.

    Args:
        signature: Of a failed run; None for any other.
        facts: What the run's mode is described by: source, task_id, trial, model, ...
    """

    session: str
    task: str
    verdict: str
    signature: Signature | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)


class FailureModes:
    """Filings and modes on the ledger."""

    def __init__(self, ids: IdSource, least: int = LEAST) -> None:
        self._ids = ids
        self._least = least

    def position(self, view: View) -> int:
        """Up to which position of the log everything was filed by the rules of today."""
        row = view.row(MINER)
        return int(row.body["position"]) if row and row.body.get("rules") == RULES else 0

    def file(self, view: View, scope: Scope, filings: Sequence[Filing], position: int) -> Change:
        """The change that files runs and splits or merges the modes they stand in.

        Args:
            position: Up to where everything is filed once this is committed.
        """
        streams = {f"filing/{each.session}": each for each in filings}
        known = view.rows(streams)
        events: list[NewEvent] = []
        blobs: list[Blob] = []
        moved: Counter[str] = Counter()
        founding: dict[str, dict[str, Json]] = {}
        for stream, filing in streams.items():
            payload = _payload(filing)
            before = known.get(stream)
            if before and all(before.body.get(name) == value for name, value in payload.items()):
                continue
            if before and before.body["mode"]:
                moved[before.body["mode"]] -= 1
            events.append(self._event(stream, "run.filed", payload))
            if filing.signature:
                moved[payload["mode"]] += 1
                founding.update(_founding(filing.signature))
                blobs += _blobs(stream, filing.signature)
        events += self._modes(view, founding, moved)
        seq = row.seq if (row := view.row(MINER)) else 0
        advanced: dict[str, Json] = {"position": position, "rules": RULES}
        events.append(self._event(MINER, "miner.advanced", advanced))
        return scope.change(events=tuple(events), blobs=tuple(blobs), expects={MINER: seq})

    def _modes(
        self, view: View, founding: Mapping[str, dict[str, Json]], moved: Mapping[str, int]
    ) -> list[NewEvent]:
        """Found what is new; split off what has got support, merge back what has lost it."""
        rows = view.rows([f"mode/{each}" for each in {*founding, *moved}])
        events = [
            self._event(f"mode/{mode}", "mode.founded", payload)
            for mode, payload in founding.items()
            if f"mode/{mode}" not in rows
        ]
        parents = {row.parent for row in rows.values() if row.parent}
        parents |= {payload["coarse"] for payload in founding.values() if payload["coarse"]}
        for parent in sorted(parents):
            open_before = {row.key: row.state == "open" for row in _children(view, parent)}
            new = (each for each, payload in founding.items() if payload["coarse"] == parent)
            fine = [*open_before, *(each for each in new if each not in open_before)]
            support = {each: _count(view, each) + moved.get(each, 0) for each in fine}
            split = split_modes(support, self._least)
            for each in fine:
                if (each in split) != open_before.get(each, False):
                    type_ = "mode.split" if each in split else "mode.merged"
                    events.append(self._event(f"mode/{each}", type_, {"support": support[each]}))
        return events

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def _children(view: View, parent: str) -> Iterator[Row]:
    """The fine modes of a coarse one, or all that a cause founds."""
    after: str | None = None
    while True:
        page = view.page("mode", parent=parent, after=after, limit=1000)
        yield from page.rows
        after = page.next_after
        if after is None:
            return


def _count(view: View, mode: str) -> int:
    return view.page("filing", state=mode, limit=1).total


def _payload(filing: Filing) -> dict[str, Json]:
    signature = filing.signature
    told = signature.to_json() if signature else None
    if signature and told:
        told["error"] = None  # an error's words are foreign text: they lie in a blob
    return {
        "task": filing.task,
        "verdict": filing.verdict,
        "mode": signature.fine if signature else None,
        "coarse": signature.coarse if signature else None,
        "signature": told,
        "error": _error_digest(signature),
        "facts": dict(filing.facts),
    }


def _founding(signature: Signature) -> dict[str, dict[str, Json]]:
    """The coarse and the fine mode of a signature, by id, with what founds them."""
    is_cause = signature.parent == ANY_FAILURE
    fine: dict[str, Json] = {
        "coarse": signature.parent,
        "difference": None if is_cause else signature.difference,
        "manner": signature.manner if is_cause else "",
    }
    coarse: dict[str, Json] = {
        "coarse": None,
        "difference": signature.difference,
        "manner": "",
    }
    return {signature.fine: fine, signature.coarse: coarse}


def _error_digest(signature: Signature | None) -> str | None:
    return digest_bytes(signature.error.encode()) if signature and signature.error else None


def _blobs(stream: str, signature: Signature) -> list[Blob]:
    digest = _error_digest(signature)
    if digest is None:
        return []
    return [Blob(stream=stream, digest=digest, content=signature.error.encode())]
