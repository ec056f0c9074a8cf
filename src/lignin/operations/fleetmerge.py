"""The merge queue: results are put on the fleet's line in order, verified there, and what breaks is named.

Nothing is merged that was not verified on the very tree that it is merged into. Runs in a thread; what it
came to is committed by whoever began it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.errors import LigninError, UnavailableError
from lignin.loops.fleets import FleetNow
from lignin.loops.laws.fleet_bisect import first_failing
from lignin.loops.laws.fleet_meaning import Clash, Side, find_clashes
from lignin.operations.fleetwork import Judged, Work, failed

TEXTUAL, SEMANTIC, FAILING = "textual conflict", "semantic conflict", "failing check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why a result cannot be merged: with which piece, over which names or paths."""

    piece: str
    kind: str
    others: Sequence[str]
    reason: str
    told: str = ""
    names: Sequence[Mapping[str, Json]] = ()
    paths: Sequence[str] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "piece": self.piece,
            "kind": self.kind,
            "others": list(self.others),
            "reason": self.reason,
            "names": [dict(each) for each in self.names],
            "paths": list(self.paths),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A piece on the line: `base` is the commit that its agent began at, `result` what it left."""

    piece: str
    base: str
    result: str
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What a merge came to: how far the line went, what is sent back, what could not be told."""

    tip: str
    line: Sequence[Link] = ()
    conflicts: Sequence[Conflict] = ()
    unclear: str = ""
    lost: Sequence[str] = ()
    judged: int = 0


def merge_batch(work: Work, now: FleetNow, names: Sequence[str], at: int) -> Merged:
    """Put results on the line and verify it; see `Merged`."""
    tip = now.row.body["tip"]
    try:
        return _Merge(work, now, at).run(names)
    except LigninError as error:
        return Merged(tip=tip, unclear=f"{error.message} {error.hint}".strip(), lost=names)
    except OSError as error:
        return Merged(tip=tip, unclear=f"{type(error).__name__}: {error}", lost=names)


class _Merge:
    """One attempt. Mutable: counts what was judged."""

    def __init__(self, work: Work, now: FleetNow, at: int) -> None:
        self._work, self._now, self._at = work, now, at
        self._standing = [self._link(name, commit) for name, commit in now.row.body["merged"]]
        self._judged = 0

    def _link(self, name: str, commit: str = "") -> Link:
        result = self._now.pieces[name].body["result"]
        return Link(piece=name, base=result["base"], result=result["commit"], commit=commit)

    def run(self, names: Sequence[str]) -> Merged:
        work, tip = self._work, str(self._now.row.body["tip"])
        line: list[Link] = []
        conflicts: list[Conflict] = []
        for name in names:
            link = self._link(name)
            onto = line[-1].commit if line else tip
            rebased = work.yard.rebase(link.result, onto, self._message(name), self._at)
            if not rebased.commit:
                conflicts.append(self._textual(link, line, rebased.conflicts))
                continue
            link = replace(link, commit=rebased.commit)
            if clashes := self._clashes(link, line):
                conflicts.append(_semantic(name, clashes))
                continue
            line.append(link)
        asks = first_failing(len(line))
        wrong: dict[int, Judged] = {}
        place: int | None = None
        try:
            ask = next(asks)
            while True:
                found = self._failing(line, ask)
                if found and found.verdict == "inconclusive":
                    lost = [each.piece for each in line]
                    told = f"{found.check}: {found.told}"
                    return self._came(tip, [], conflicts, unclear=told, lost=lost)
                if found:
                    wrong[ask] = found
                ask = asks.send(found is None)
        except StopIteration as end:
            place = end.value
        if place is None:
            return self._came(tip, line, conflicts)
        conflicts.append(self._failed(line, place, wrong[place]))
        return self._came(tip, line[:place], conflicts)

    def _came(
        self, tip: str, line: Sequence[Link], conflicts: Sequence[Conflict], **more: Any
    ) -> Merged:
        tip = line[-1].commit if line else tip
        return Merged(tip=tip, line=line, conflicts=tuple(conflicts), judged=self._judged, **more)

    def _failing(self, line: Sequence[Link], place: int) -> Judged | None:
        """The check that does not pass where the line is so long: of its pieces, and of all merged before."""
        inside = [*self._standing, *line[: place + 1]]
        checks = [c for link in reversed(inside) for c in self._work.plan.piece(link.piece).checks]
        judged = self._work.verdicts(line[place].commit, checks)
        self._judged += len(judged)
        return failed(judged)

    def _textual(self, link: Link, line: Sequence[Link], paths: Sequence[str]) -> Conflict:
        others = [
            each.piece for each in self._since(link, line) if set(paths) & set(self._changed(each))
        ]
        reason = f"{TEXTUAL} with {_named(others)} in {', '.join(paths[:10])}"
        return Conflict(
            piece=link.piece, kind=TEXTUAL, others=others, reason=reason, paths=paths[:50]
        )

    def _clashes(self, link: Link, line: Sequence[Link]) -> list[Clash]:
        mine = self._side(link, link.base, link.result)
        found: list[Clash] = []
        for other in self._since(link, line):
            theirs = self._side(other, self._work.yard.parent(other.commit), other.commit)
            for changer, user in ((theirs, mine), (mine, theirs)):
                merged = self._work.yard.texts(link.commit, sorted(changer.before))
                found += find_clashes(changer, user, merged)
        return found

    def _side(self, link: Link, before: str, after: str) -> Side:
        yard = self._work.yard
        paths = [path for path in yard.changed(before, after) if path.endswith(".py")]
        return Side(
            piece=link.piece,
            before=yard.texts(before, paths),
            after=yard.texts(after, paths),
            paths=frozenset(path for path in yard.paths(after) if path.endswith(".py")),
        )

    def _since(self, link: Link, line: Sequence[Link]) -> list[Link]:
        """What was merged after a piece's agent began: the line is its base and then these."""
        standing = self._standing
        at = next((place + 1 for place, each in enumerate(standing) if each.commit == link.base), 0)
        return [*standing[at:], *line]

    def _changed(self, link: Link) -> Sequence[str]:
        return self._work.yard.changed(self._work.yard.parent(link.commit), link.commit)

    def _failed(self, line: Sequence[Link], place: int, wrong: Judged) -> Conflict:
        """A check that fails here: whose it is, and, of a check of its own, with whom it does not go."""
        link = line[place]
        owners = [
            each.piece
            for each in (*self._standing, *line[:place])
            if wrong.check in self._work.plan.piece(each.piece).checks
        ]
        own = wrong.check in self._work.plan.piece(link.piece).checks
        others = owners
        if own and not owners:
            partner = self._partner(link, line[:place], wrong.check)
            others = [partner] if partner else []
        kind = SEMANTIC if others else FAILING
        whose = f"check of {_named(owners)}" if owners else "check of its own"
        reason = f"{kind} with {_named(others)}" if others else kind
        reason += f": both merge cleanly, and the {whose} fails: {wrong.check}"
        return Conflict(piece=link.piece, kind=kind, others=others, reason=reason, told=wrong.told)

    def _partner(self, link: Link, line: Sequence[Link], check: str) -> str:
        """The first piece merged since the agent began on top of which the check fails."""
        since = self._since(link, line)
        asks = first_failing(len(since))
        try:
            ask = next(asks)
            while True:
                ask = asks.send(self._holds(link, since[ask], check))
        except StopIteration as end:
            return "" if end.value is None else since[end.value].piece
        except UnavailableError:
            return ""

    def _holds(self, link: Link, on: Link, check: str) -> bool:
        rebased = self._work.yard.rebase(link.result, on.commit, "tried\n", self._at)
        if not rebased.commit:
            return False
        judged = self._work.verdicts(rebased.commit, [check])
        self._judged += len(judged)
        if judged[-1].verdict == "inconclusive":
            raise UnavailableError(judged[-1].told)
        return judged[-1].verdict == "pass"

    def _message(self, name: str) -> str:
        """The words of a piece's commit: what it is, and what it was let in on."""
        piece, body = self._work.plan.piece(name), self._now.pieces[name].body
        approved = [each["by"] for each in body["reviewed"] if each["how"] == "approve"]
        title = " ".join(piece.what.split())
        lines = [
            f"{name}: {title}"[:72],
            "",
            *([title, ""] if len(title) + len(name) > 68 else []),
            f"Lignin-Fleet: {self._work.fleet}",
            f"Lignin-Piece: {name}",
            *(f"Lignin-Check: {' '.join(check.split())}" for check in piece.checks),
            f"Lignin-Worker: {' '.join(self._work.worker.name.split())}",
            f"Lignin-Walls: {self._work.worker.walls}",
            f"Lignin-Attempts: {body['attempts']}",
            *(f"Lignin-Approved-By: {who}" for who in approved[-1:]),
            *(["Lignin-Simulated: yes"] if self._work.settings.simulated else []),
        ]
        return "\n".join([*lines, ""])


def _semantic(name: str, clashes: Sequence[Clash]) -> Conflict:
    others = dict.fromkeys(
        other for each in clashes for other in (each.changer, each.user) if other != name
    )
    told = "\n".join(each.told for each in clashes)
    reason = f"{SEMANTIC} with {_named(list(others))}: {clashes[0].told}"
    return Conflict(
        piece=name,
        kind=SEMANTIC,
        others=list(others),
        reason=reason[:1000],
        told=told,
        names=[each.to_json() for each in clashes],
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "what was there before"
