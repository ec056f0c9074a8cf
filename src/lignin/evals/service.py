"""Cases on the ledger. Owns streams `case/` and `miner/cases`.

Nothing here commits. One miner works at a time: every change moves `miner/cases` by
compare-and-swap. A case's id is the hash of its task, its environment and the first failed run it was
made from, and stays when its checks are learned anew. Its content is a blob, for it is foreign text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.cases import Basis, Case, case_document
from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.evals.merging import Filed, outcomes_of, plan_merges, split_of
from lignin.evals.proof import Proof
from lignin.evals.regressions import kept_cases
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row

MINER = "miner/cases"
MAX_NAMED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty:
    """A failed run that a case was made from: its session, and the fine and coarse mode it is of."""

    session: str
    fine: str
    coarse: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A case that was proven, before it has its place among the others.

    Args:
        keys, vector: See `lignin.evals.merging.Filed`.
        references: Sessions that its checks were learned from.
        why_recorded: Why it is not live, where it is not.
    """

    case: str
    task: str
    content: Case
    basis: Basis
    faulty: tuple[Faulty, ...]
    references: tuple[str, ...]
    keys: frozenset[str]
    vector: Mapping[str, tuple[int, int]]
    proof: Proof
    why_recorded: str = ""


def case_id(task: str, environment: str, seed: int | None, founding: str) -> str:
    """Return the id of a case; `founding` is the first failed run's session."""
    return derive_id("cas", [task, environment, seed, founding])


class Cases:
    """Cases and their places among each other."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def position(self, view: View) -> int:
        """Up to which position of the log cases were made."""
        row = view.row(MINER)
        return int(row.body["position"]) if row else 0

    def file(
        self,
        view: View,
        scope: Scope,
        proven: Sequence[Proven],
        gone: Mapping[str, str],
        position: int,
    ) -> Change:
        """The change that files cases, and puts near-duplicates behind each other.

        Args:
            gone: Cases that what they were made from no longer makes, each with the reason. One that was
                fixed is kept all the same, with that reason, until a person lets it go; nor does it ever
                stand behind another.
            position: Up to where all cases are made once this is committed.
        """
        rows = {row.key: row for row in every_row(view, "case")}
        payloads = {each.case: _payload(each) for each in proven}
        fixed = kept_cases(view)
        standing = {
            name: row.body
            for name, row in rows.items()
            if row.state != "withdrawn" and (name not in gone or name in fixed)
        }
        standing |= payloads
        ordered = sorted(standing, key=lambda name: (_founded(rows.get(name)), name))
        merged = plan_merges([_filed(name, standing[name], {}) for name in ordered])
        if merged:  # what was tried of them may tell them apart after all
            tried = outcomes_of(_trials(view))
            merged = plan_merges(
                [_filed(name, standing[name], tried.get(name, {})) for name in ordered]
            )
        events: list[NewEvent] = []
        for name in ordered:
            into = None if name in fixed else merged.get(name)
            split = split_of(into or name)
            against = gone.get(name) or standing[name].get("reason", "") if name in fixed else ""
            payload = {**_kept(standing[name]), "into": into, "split": split, "reason": against}
            if _is_new(rows.get(name), payload):
                events.append(
                    self._event(name, "case.merged" if into else "case.accepted", payload)
                )
        for name, reason in gone.items():
            if name in fixed:
                continue
            payload = {**_kept(rows[name].body), "into": None, "reason": reason}
            if _is_new(rows[name], payload):
                events.append(self._event(name, "case.withdrawn", payload))
        moved = {event.stream for event in events}
        blobs = [_blob(each) for each in proven if f"case/{each.case}" in moved]
        seq = row.seq if (row := view.row(MINER)) else 0
        events.append(
            NewEvent(
                stream=MINER,
                type="miner.advanced",
                payload={"position": position},
                event_id=self._ids.new("evt"),
            )
        )
        return scope.change(events=tuple(events), blobs=tuple(blobs), expects={MINER: seq})

    def withdraw(self, scope: Scope, row: Row, reason: str) -> Change:
        """The change by which a person withdraws a case."""
        payload = {**_kept(row.body), "into": None, "reason": reason}
        event = self._event(row.key, "case.withdrawn", payload)
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def _event(self, case: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(
            stream=f"case/{case}", type=type_, payload=payload, event_id=self._ids.new("evt")
        )


_OF_THE_ROW = ("founded", "founded_at", "changed_at")


def _kept(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in body.items() if name not in _OF_THE_ROW}


def _is_new(row: Row | None, payload: Mapping[str, Json]) -> bool:
    return row is None or _kept(row.body) != payload


def _founded(row: Row | None) -> float:
    """Where in the log a case was founded; those that are new come last."""
    return float(row.body["founded"]) if row else float("inf")


def _payload(each: Proven) -> dict[str, Json]:
    return {
        "task": each.task,
        "kind": each.content.kind,
        "digest": _digest(each),
        "basis": each.basis,
        "why_recorded": each.why_recorded,
        "faulty": [
            {"session": run.session, "fine": run.fine, "coarse": run.coarse}
            for run in each.faulty[:MAX_NAMED]
        ],
        "faulty_runs": len(each.faulty),
        "references": list(each.references[:MAX_NAMED]),
        "keys": sorted(each.keys),
        "vector": {system: list(counted) for system, counted in sorted(each.vector.items())},
        "proof": {
            "faulty": each.proof.faulty,
            "failed": each.proof.failed,
            "passing": each.proof.passing,
            "passed": each.proof.passed,
        },
    }


def _filed(name: str, body: Mapping[str, Json], tried: Mapping[str, tuple[int, int]]) -> Filed:
    runs = {system: (counted[0], counted[1]) for system, counted in body["vector"].items()}
    return Filed(
        case=name, kind=body["kind"], keys=frozenset(body["keys"]), vector={**runs, **tried}
    )


def _trials(view: View) -> Iterator[tuple[str, str, float | None]]:
    for row in every_row(view, "trial"):
        yield row.body["case"], row.body["system"], row.body["score"]


def _digest(each: Proven) -> Digest:
    return digest_bytes(canonical_bytes(case_document(each.content)))


def _blob(each: Proven) -> Blob:
    content = canonical_bytes(case_document(each.content))
    return Blob(stream=f"case/{each.case}", digest=digest_bytes(content), content=content)
