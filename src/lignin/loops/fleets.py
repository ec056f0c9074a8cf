"""Fleets on the ledger: the changes that plan one, start, answer, merge and settle its pieces. Nothing commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.fleets import FleetPlan
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.loops.laws.fleet_plans import parse_plan, plan_bytes
from lignin.loops.laws.fleet_steps import PieceNow
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row, require_known


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetNow:
    """A fleet as one view has it: its row, its plan, and the rows of its pieces by name."""

    row: Row
    plan: FleetPlan
    pieces: Mapping[str, Row]

    @property
    def standing(self) -> dict[str, PieceNow]:
        """Where the pieces stand, for the law that says what is next."""
        return {name: _piece_now(row) for name, row in self.pieces.items()}


def load_fleet(view: View, fleet: str) -> FleetNow:
    """Return a fleet.

    Raises:
        NotFoundError: There is none.
    """
    row = require_known(view, f"fleet/{fleet}")
    plan = parse_plan(view.blob(row.body["plan"]))
    streams = {each.id: f"piece/{fleet}.{each.id}" for each in plan.pieces}
    rows = view.rows(streams.values())
    return FleetNow(row=row, plan=plan, pieces={name: rows[s] for name, s in streams.items()})


def require_piece(fleet: FleetNow, piece: str) -> Row:
    """Return a piece's row.

    Raises:
        NotFoundError: The fleet has none of that name.
    """
    if piece not in fleet.pieces:
        raise NotFoundError(
            f"fleet {fleet.row.key} has no piece {piece!r:.60}",
            hint=f"it has {', '.join(fleet.pieces)}",
        )
    return fleet.pieces[piece]


def check_stream(fleet: str, tree: str, check: str, walls: str) -> str:
    """The stream of a command's verdict on a tree: the same files are checked once."""
    return f"piececheck/{derive_id('chk', [fleet, tree, check, walls])}"


def load_digests(view: View, fleet: FleetNow) -> dict[str, Mapping[str, Json]]:
    """The digests of the pieces that have one."""
    return {
        name: parse_json(view.blob(row.body["digest"]))
        for name, row in fleet.pieces.items()
        if row.body["digest"]
    }


def reviews(view: View) -> list[str]:
    """When people reviewed results of this space's fleets; an answered question is no result."""
    said = (each for row in every_row(view, "piece") for each in row.body["reviewed"])
    return [each["at"] for each in said if each["how"] != "answer"]


class Fleets:
    """Changes to fleets."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def planned(
        self, scope: Scope, plan: FleetPlan, repository: str, planner: str
    ) -> tuple[str, Change]:
        """Return a fleet's id and the change that keeps its plan, with one row for each piece."""
        fleet = self._ids.new("flt")
        stream, text = f"fleet/{fleet}", plan_bytes(plan)
        facts = {
            "plan": digest_bytes(text),
            "goal": plan.goal[:200],
            "repository": repository,
            "planner": planner,
            "pieces": [each.id for each in plan.pieces],
        }
        events = [self._event(stream, "fleet.planned", facts)]
        for each in plan.pieces:
            about = {"fleet": fleet, "piece": each.id, "kind": each.kind, "needs": list(each.needs)}
            events.append(self._event(f"piece/{fleet}.{each.id}", "piece.planned", about))
        blob = Blob(stream=stream, digest=digest_bytes(text), content=text)
        return fleet, scope.change(events=tuple(events), blobs=(blob,), expects={stream: 0})

    def opened(self, scope: Scope, row: Row, base: str, settings: Mapping[str, Json]) -> Change:
        """The change that begins a fleet on a commit."""
        payload = {"base": base, "settings": dict(settings)}
        return self._of(scope, row.stream, "fleet.opened", payload, expects={row.stream: row.seq})

    def tuned(self, scope: Scope, row: Row, settings: Mapping[str, Json]) -> Change:
        """The change that goes on with other settings."""
        return self._of(scope, row.stream, "fleet.tuned", {"settings": dict(settings)})

    def started(self, scope: Scope, row: Row, base: str, prompt: bytes, worker: str) -> Change:
        """The change that says a piece's agent is about to run: on which commit, told what."""
        payload = {
            "base": base,
            "prompt": digest_bytes(prompt),
            "worker": worker,
            "number": row.seq,
        }
        key = f"{row.key}/start/{row.seq}"
        return self._of(
            scope,
            row.stream,
            "piece.started",
            payload,
            (prompt,),
            expects={row.stream: row.seq},
            key=key,
        )

    def answered(
        self,
        scope: Scope,
        row: Row,
        result: Mapping[str, Json],
        digest: Mapping[str, Json],
        spent: Mapping[str, int],
        *,
        patch: bytes,
        asks: Mapping[str, Json] | None,
    ) -> Change:
        """The change that takes a result, once for each run."""
        told = canonical_bytes(dict(digest))
        payload = {
            "result": {**result, "patch": digest_bytes(patch)},
            "digest": digest_bytes(told),
            "spent": dict(spent),
            "asks": dict(asks) if asks else None,
        }
        key = f"{row.key}/answer/{row.body['run']['number']}"
        return self._of(scope, row.stream, "piece.answered", payload, (patch, told), key=key)

    def returned(
        self,
        scope: Scope,
        row: Row,
        reason: str,
        told: bytes,
        *,
        patch: bytes = b"",
        known_patch: Digest = "",
        spent: Mapping[str, int] | None = None,
        asks: Mapping[str, Json] | None = None,
    ) -> Change:
        """The change that sends a piece back to its agent, or, with `asks`, to a person.

        Args:
            patch: The change that is sent back; `known_patch` where it is kept with the piece already.
        """
        payload: dict[str, Json] = {
            "reason": reason,
            "told": digest_bytes(told),
            "patch": digest_bytes(patch) if patch else known_patch,
            "asks": dict(asks) if asks else None,
        }
        if spent is not None:
            payload["spent"] = dict(spent)
        return self._of(scope, row.stream, "piece.returned", payload, (told, patch))

    def asked(
        self, scope: Scope, row: Row, why: str, text: str, *, can_pass: bool = False
    ) -> Change:
        """The change that puts a piece before a person, who may let it into the queue where it `can_pass`."""
        payload = {"why": why, "text": text, "can_pass": can_pass}
        return self._of(scope, row.stream, "piece.asked", payload)

    def settled(self, scope: Scope, row: Row, how: str, text: str, *, by: str = "") -> Change:
        """The change of a person's word on a piece; `by` names them where another one passes it on.

        Raises:
            InvalidRequestError: It does not fit what the piece waits for.
        """
        asks = row.body["asks"]
        fitting = _fitting(row)
        if how not in fitting:
            raise InvalidRequestError(
                f"piece {row.key} is {row.state}"
                + (f" and waits for {asks['why']}" if asks else "")
                + f": {how} does not fit",
                hint=", ".join(fitting) or "it waits for nobody",
            )
        payload: dict[str, Json] = {"how": how, "text": text, "by": by or scope.actor.sub}
        blobs: tuple[bytes, ...] = ()
        if how == "answer":
            told = canonical_bytes(_answer_digest(row, text))
            payload["digest"], blobs = digest_bytes(told), (told,)
        if how == "retry":
            payload["patch"] = row.body["result"]["patch"] if row.body["result"] else ""
        return self._of(
            scope, row.stream, "piece.settled", payload, blobs, expects={row.stream: row.seq}
        )

    def reviewed(self, scope: Scope, row: Row, text: str) -> Change:
        """The change that says a person has seen a result."""
        return self._of(scope, row.stream, "piece.reviewed", {"text": text})

    def merging(self, scope: Scope, row: Row, names: Sequence[str]) -> Change:
        """The change that says which results are about to be merged, onto what."""
        payload = {"pieces": list(names), "onto": row.body["tip"]}
        return self._of(scope, row.stream, "fleet.merging", payload)

    def tried(
        self,
        scope: Scope,
        row: Row,
        tip: str,
        merged: Sequence[tuple[Row, str]],
        outcome: Mapping[str, Json],
    ) -> Change:
        """The change of what a merge came to: how far the line went, piece by piece."""
        line = [[piece.body["piece"], commit] for piece, commit in merged]
        payload = {"tip": tip, "merged": line, "outcome": dict(outcome)}
        events = [self._event(row.stream, "fleet.tried", payload)]
        for piece, commit in merged:
            events.append(self._event(piece.stream, "piece.merged", {"commit": commit}))
        return scope.change(events=tuple(events))

    def checked(
        self, scope: Scope, stream: str, facts: Mapping[str, Json], verdict: str, told: bytes
    ) -> Change:
        """The change that keeps a command's verdict on a tree."""
        payload = {**facts, "verdict": verdict, "told": digest_bytes(told)}
        return self._of(scope, stream, "piece.checked", payload, (told,))

    def finished(self, scope: Scope, row: Row, facts: Mapping[str, Json]) -> Change:
        """The change that ends a fleet whose pieces are done or left out."""
        return self._of(scope, row.stream, "fleet.finished", dict(facts))

    def branched(self, scope: Scope, row: Row, branch: str, commit: str) -> Change:
        """The change that keeps which branch a fleet became."""
        payload = {"branch": branch, "commit": commit}
        return self._of(scope, row.stream, "fleet.branched", payload)

    def cancelled(self, scope: Scope, row: Row, reason: str) -> Change:
        """The change that ends a fleet before its goal; what was merged is kept, no branch is made."""
        return self._of(scope, row.stream, "fleet.cancelled", {"reason": reason})

    def _of(
        self,
        scope: Scope,
        stream: str,
        type_: str,
        payload: Mapping[str, Json],
        blobs: Sequence[bytes] = (),
        *,
        expects: Mapping[str, int] | None = None,
        key: str | None = None,
    ) -> Change:
        kept = {digest_bytes(content): content for content in blobs}
        return scope.change(
            events=(self._event(stream, type_, payload),),
            blobs=tuple(
                Blob(stream=stream, digest=digest, content=content)
                for digest, content in kept.items()
            ),
            expects=expects or {},
            idempotency_key=key,
        )

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def _fitting(row: Row) -> tuple[str, ...]:
    """What a person may say of a piece as it stands."""
    if not row.body["asks"]:
        return ()
    if row.body["asks"]["why"] == "judgement":
        return ("answer", "drop")
    # a result that failed nowhere may be let in; one that did has to be made anew
    can_pass = row.body["asks"]["why"] == "approval" or row.body["asks"].get("can_pass")
    return ("approve", "retry", "drop") if can_pass else ("retry", "drop")


def _answer_digest(row: Row, text: str) -> dict[str, Json]:
    return {
        "piece": row.body["piece"],
        "what": row.body["asks"]["text"][:300],
        "changed": [],
        "more": 0,
        "names": [],
        "why": "",
        "decisions": [],
        "open": [],
        "answer": text,
    }


def _piece_now(row: Row) -> PieceNow:
    body = row.body
    return PieceNow(
        state=row.state,  # type: ignore[arg-type]
        attempts=body["attempts"],
        runs=body["runs"],
        answered=body["answered_at"],
        reviewed=body["seen"],
        has_result=body["result"] is not None,
        spent=body["spent"],
    )
