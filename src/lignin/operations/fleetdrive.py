"""The supervisor: asks the law what is next, says it on the ledger, does it, says what it came to.

Everything it knows is on the ledger and in the yard, so that one which is killed anywhere is gone on with:
what was answered is not run again, what was running is run once more, what was being merged is tried again.
Agents and merges run in threads; this one thread commits.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.domain.events import Change, parse_time
from lignin.domain.fleets import DONE, Piece
from lignin.domain.states import Row
from lignin.loops.fleets import FleetNow, Fleets, load_digests, load_fleet, reviews
from lignin.loops.laws.fleet_digests import Returned, prompt_of
from lignin.loops.laws.fleet_pace import Pace, decide_pace
from lignin.loops.laws.fleet_steps import Next, left_out, over_budget, plan_next
from lignin.operations.context import Context
from lignin.operations.fleetinbox import sync_inbox
from lignin.operations.fleetmerge import Conflict, Merged, merge_batch
from lignin.operations.fleetpieces import Result, run_piece
from lignin.operations.fleetwork import Work, read_settings, worker_asked, yard_place
from lignin.ports.ledger import View

LOOK_S = 0.5
BRANCHES = "lignin/"


def pace_of(context: Context, view: View, chosen: int | None) -> Pace:
    """How many unreviewed results may be open in this space."""
    return decide_pace(map(parse_time, reviews(view)), context.clock.now(), chosen)


def advance(
    context: Context, fleet: str, stop: Callable[[], bool] = lambda: False
) -> dict[str, Json]:
    """Go on with a fleet that was begun until it ends, or nothing goes on without a person; say where it is.

    Args:
        stop: Asked now and then whether to leave it; agents that run are ended, and known to have been begun.

    Raises:
        NotFoundError: There is no such fleet, or its repository is not on this machine.
        InvalidRequestError: It was not begun.
        LimitedError: Another process runs it.
    """
    with context.view() as view:
        now = load_fleet(view, fleet)
    if now.row.state == "planned":
        raise InvalidRequestError(f"fleet {fleet} was not begun", hint="`lignin fleet run`")
    settings = read_settings(now.row.body["settings"])
    if now.row.state != "cancelled":
        folder = context.path(now.row.body["repository"])
        if not folder.is_dir():
            raise NotFoundError(f"{folder} is not there", hint="run it where its repository is")
        work = Work(
            context=context,
            fleets=Fleets(context.ids),
            fleet=fleet,
            plan=now.plan,
            settings=settings,
            base=now.row.body["base"],
            yard=context.repositories().yard(folder, yard_place(context, fleet)),
            worker=context.open_worker(worker_asked(context, settings)),
            stop=stop,
        )
        if now.row.state == "open":
            run_fleet(work)
        deliver(work)
        now = _load(work)
    branch = now.row.body["branch"]
    asked = [name for name, row in now.pieces.items() if row.state == "asked"]
    return {
        "fleet": fleet,
        "state": str(now.row.state),
        "asked": asked,
        "branch": branch["branch"] if branch else "",
    }


def run_fleet(work: Work) -> FleetNow:
    """Run a fleet until nothing goes on without a person, or it has ended; return where it stands.

    Raises:
        LimitedError: Another process runs it.
    """
    with work.yard.held():
        for tree in work.yard.left():
            work.worker.end_left(tree)
            work.yard.remove(tree)
        with ThreadPoolExecutor(max_workers=work.settings.workers + 1) as pool:
            try:
                _Supervisor(work, pool).run()
            finally:
                work.ended.set()  # what still runs is ended, and known to have been begun
        return _load(work)


class _Supervisor:
    """One process's hold on a fleet. Mutable: what runs here now."""

    def __init__(self, work: Work, pool: ThreadPoolExecutor) -> None:
        self._work, self._pool = work, pool
        self._running: dict[str, Future[Result]] = {}
        self._merging: Future[Merged] | None = None

    def run(self) -> None:
        while True:
            now = _load(self._work)
            if now.row.state != "open":
                return
            if sync_inbox(self._work.context, now):
                continue
            step = self._next(now)
            if step.finished:
                _finish(self._work, now)
                return
            if not self._work.ended.is_set() and self._begin(now, step):
                continue
            if not self._running and self._merging is None:
                return
            self._take()

    def _next(self, now: FleetNow) -> Next:
        settings = self._work.settings
        with self._work.context.view() as view:
            bound = pace_of(self._work.context, view, settings.unreviewed).bound
        return plan_next(
            now.plan,
            now.standing,
            in_flight=self._running.keys(),
            merging=self._merging is not None,
            workers=settings.workers,
            batch=settings.batch,
            bound=bound,
        )

    def _begin(self, now: FleetNow, step: Next) -> bool:
        """Say and do what is next; True where the fleet stands elsewhere for it."""
        work = self._work
        for name in step.stuck:
            text = "its run broke off twice before anybody took its answer"
            work.context.commit(
                work.fleets.asked(work.context.scope, now.pieces[name], "stuck", text)
            )
        for name in step.ask:
            text = work.masked(now.plan.piece(name).what)
            work.context.commit(
                work.fleets.asked(work.context.scope, now.pieces[name], "judgement", text)
            )
        for name in step.start:
            self._start(now, name)
        if step.merge:
            change = work.fleets.merging(work.context.scope, now.row, step.merge)
            if not self._said(change):
                return True
            fresh = _load(work)
            at = _seconds(fresh.row.body["attempts"][-1]["at"])
            self._merging = self._pool.submit(merge_batch, work, fresh, step.merge, at)
            work.context.progress(f"merging {', '.join(step.merge)}", *_done(fresh))
        return bool(step.stuck or step.ask or step.start or step.merge)

    def _start(self, now: FleetNow, name: str) -> None:
        work, row = self._work, now.pieces[name]
        if row.state == "running":  # as it was begun: the same commit, told the same
            base = row.body["run"]["base"]
            with work.context.view() as view:
                prompt = view.blob(row.body["run"]["prompt"]).decode()
        else:
            base = now.row.body["tip"]
            prompt = work.masked(_prompt(work.context, now, name))
        change = work.fleets.started(
            work.context.scope, row, base, prompt.encode(), work.worker.name[:200]
        )
        if not self._said(change):
            return
        with work.context.view() as view:
            begun = view.row(row.stream)
        assert begun is not None
        at = _seconds(begun.body["run"]["at"])
        piece = now.plan.piece(name)
        self._running[name] = self._pool.submit(run_piece, work, piece, base, prompt, at)
        work.context.progress(f"{name} runs, attempt {begun.body['attempts']}", *_done(now))

    def _said(self, change: Change) -> bool:
        """Commit; False where the fleet has changed under us, and is to be read again."""
        try:
            self._work.context.commit(change)
        except ConflictError:
            return False
        return True

    def _take(self) -> None:
        """Wait for something to end, or for a word from outside, and take what ended."""
        futures: set[Future[object]] = {*self._running.values()}  # type: ignore[arg-type]
        if self._merging is not None:
            futures.add(self._merging)  # type: ignore[arg-type]
        done, _ = wait(futures, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        if not done:
            if self._work.stop() or _load(self._work).row.state != "open":
                self._work.ended.set()
            return
        for name in [name for name, future in self._running.items() if future.done()]:
            result = self._running.pop(name).result()
            _take_result(self._work, result)
        if self._merging is not None and self._merging.done():
            merged, self._merging = self._merging.result(), None
            _take_merge(self._work, merged)


def _take_result(work: Work, result: Result) -> None:
    """Say what a run came to, where the fleet still goes on."""
    now = _load(work)
    row, piece = now.pieces[result.piece], now.plan.piece(result.piece)
    if now.row.state != "open" or row.state != "running":
        return
    scope, body = work.context.scope, row.body
    if result.is_lost:
        if work.ended.is_set():
            return
        text = f"{result.fault}: {result.told}".removesuffix(": ")
        work.context.commit(work.fleets.asked(scope, row, "stuck", work.masked(text[:2000])))
        return
    spent = {**body["spent"]}
    for unit, count in result.spent.items():
        spent[unit] = spent.get(unit, 0) + count
    if not result.commit:
        asks = _gives_up(piece, row, spent, result)
        change = work.fleets.returned(
            scope,
            row,
            result.fault,
            result.told.encode(),
            patch=result.patch,
            spent=spent,
            asks=asks,
        )
        work.context.commit(change)
        return
    asks = None
    if piece.gate == "approval":
        asks = {"why": "approval", "text": f"{result.piece} is done and its checks pass"}
    facts: dict[str, Json] = {
        "base": body["run"]["base"],
        "commit": result.commit,
        "paths": list(result.paths)[:500],
        "checks": list(result.checks),
    }
    work.context.commit(
        work.fleets.answered(scope, row, facts, result.digest, spent, patch=result.patch, asks=asks)
    )


def _gives_up(
    piece: Piece, row: Row, spent: dict[str, int], result: Result
) -> dict[str, Json] | None:
    """Why a piece goes to a person rather than to its agent again."""
    if result.refused:
        return {"why": "stuck", "text": f"its agent would not do it: {result.refused}"}
    if over := over_budget(piece, spent):
        return {"why": "stuck", "text": f"{result.fault}; its budget is used up: {over}"}
    if row.body["attempts"] >= piece.budget.attempts:
        return {
            "why": "stuck",
            "text": f"{result.fault}; attempt {row.body['attempts']} of {piece.budget.attempts}",
        }
    return None


def _take_merge(work: Work, merged: Merged) -> None:
    """Say what a merge came to: all of it at once."""
    now = _load(work)
    if now.row.state != "open":
        return
    scope = work.context.scope
    outcome: dict[str, Json] = {
        "merged": [each.piece for each in merged.line],
        "conflicts": [each.to_json() for each in merged.conflicts],
        "judged": merged.judged,
        "unclear": work.masked(merged.unclear[:2000]),
    }
    line = [(now.pieces[each.piece], each.commit) for each in merged.line]
    changes = [work.fleets.tried(scope, now.row, merged.tip, line, outcome)]
    for conflict in merged.conflicts:
        row = now.pieces[conflict.piece]
        changes.append(
            work.fleets.returned(
                scope,
                row,
                conflict.reason,
                work.masked(conflict.told).encode(),
                known_patch=row.body["result"]["patch"],
                asks=_conflict_asks(now.plan.piece(conflict.piece), row, conflict),
            )
        )
    for name in merged.lost:
        text = f"it could not be verified: {merged.unclear}"
        text = work.masked(text[:2000])
        changes.append(work.fleets.asked(scope, now.pieces[name], "stuck", text, can_pass=True))
    work.context.commit(*changes)


def _conflict_asks(piece: Piece, row: Row, conflict: Conflict) -> dict[str, Json] | None:
    over = over_budget(piece, row.body["spent"])
    if row.body["attempts"] < piece.budget.attempts and not over:
        return None
    why = over or f"attempt {row.body['attempts']} of {piece.budget.attempts}"
    return {"why": "stuck", "text": f"{conflict.reason}; {why}"}


def _finish(work: Work, now: FleetNow) -> None:
    """End a fleet whose pieces are done or left out, and give its repository the branch."""
    gone = left_out(now.plan, now.standing)
    merged = [name for name, _ in now.row.body["merged"]]
    facts: dict[str, Json] = {
        "tip": now.row.body["tip"],
        "left_out": sorted(gone),
        "merged": merged,
        "simulated": work.settings.simulated,
    }
    work.context.commit(work.fleets.finished(work.context.scope, now.row, facts))
    deliver(work)


def deliver(work: Work) -> None:
    """Give the repository the branch of a fleet that is finished, where it has not got it yet."""
    now = _load(work)
    body = now.row.body
    if now.row.state != "finished" or body["branch"] or body["tip"] == body["base"]:
        return
    branch = f"{BRANCHES}fleet-{now.row.key[-8:].lower()}"
    work.yard.deliver(branch, body["tip"], body["base"])
    work.context.commit(work.fleets.branched(work.context.scope, now.row, branch, body["tip"]))


def _prompt(context: Context, now: FleetNow, name: str) -> str:
    with context.view() as view:
        returned = [
            Returned(
                reason="\n\n".join(filter(None, [each["reason"], _blob(view, each["told"])])),
                patch=_blob(view, each["patch"]),
            )
            for each in now.pieces[name].body["returned"]
        ]
        return prompt_of(now.plan, now.plan.piece(name), load_digests(view, now), returned)


def _blob(view: View, digest: str) -> str:
    return view.blob(digest).decode(errors="replace") if digest else ""


def _load(work: Work) -> FleetNow:
    with work.context.view() as view:
        return load_fleet(view, work.fleet)


def _done(now: FleetNow) -> tuple[int, int]:
    return sum(row.state in DONE for row in now.pieces.values()), len(now.pieces)


def _seconds(at: str) -> int:
    return int(parse_time(at).timestamp())
