"""One iteration of a loop's run: context, then stage by stage act and gate, then the goal, then filing.

Where a stage needs approval, or asks something, the iteration is filed as a part of one, and the next one
goes on from there with the answer. Each step commits under keys of its own and can be made again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError, LigninError
from lignin.domain.events import Change, format_time
from lignin.domain.loops import Action, Amounts, Stage, parse_amounts
from lignin.loops.budgets import Budgets, parse_ticket
from lignin.loops.inbox import Filing, Inbox
from lignin.loops.laws.answers import (
    Answer,
    Finding,
    Verdict,
    joined,
    parse_verdict,
)
from lignin.loops.laws.asking import asked_of, what_follows
from lignin.loops.laws.filling import said_value
from lignin.loops.laws.ladder import Standing
from lignin.loops.laws.spending import (
    added,
    counted,
    is_used_up,
    less,
    longest_s,
    paid,
    spent_by,
)
from lignin.loops.service import Loops, given_to, loop_of_run, told_iterations
from lignin.operations.context import Context
from lignin.operations.loopacting import perform, pull
from lignin.operations.loopapplying import apply_item
from lignin.operations.loopladder import current_standing
from lignin.operations.loopplaces import Places, folders_of
from lignin.operations.loopremembering import (
    answer_of,
    carried_by,
    heard_by,
    memory_of,
    stood,
    told_by,
)
from lignin.ports.engine import RunStopped
from lignin.ports.ledger import View, require_known
from lignin.ports.sandbox import never

Step = Callable[[str, Callable[[], Json]], Json]
"""Do something once under a name: an engine records what it gave, and never does it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What an iteration came to.

    Args:
        passed: Whether its gates let it through; None where one could not say, or none was reached.
        reached: What the goal's checker said; None where it was not asked. `open` is its word for what is
            missing.
        ask: On what it waits: a question, or "" for none; `approval` for whether a result may stand.
        stage: Where the next one goes on; 0 where this one is whole.
    """

    acts: Sequence[Mapping[str, Json]]
    answers: Sequence[Answer]
    verdicts: Sequence[Verdict]
    passed: bool | None = None
    reached: bool | None = None
    open: str = ""
    failed: str = ""
    ask: str = ""
    approval: bool = False
    stage: int = 0

    @property
    def waits(self) -> bool:
        """Whether somebody has to answer before it goes on."""
        return not self.failed and (bool(self.ask) or self.approval)


class Iteration:
    """One iteration of one run."""

    def __init__(
        self,
        context: Context,
        run: str,
        planned: Mapping[str, Json],
        step: Step,
        stopped: Callable[[], bool] = never,
    ) -> None:
        self._context, self._run, self._step, self._stopped = context, run, step, stopped
        self._number, self._start = int(planned["number"]), int(planned["stage"])
        self._ticket = parse_ticket(planned["ticket"])
        with context.view() as view:
            self._loop = loop_of_run(view, require_known(view, f"looprun/{run}"))
            self._folder, works_in = folders_of(view, self._loop.name, context.cwd)
        self._places = Places(context, self._loop, run, works_in)
        self._left_s = longest_s(self._loop, self._ticket.amounts)
        self._left = paid(self._ticket.amounts)
        self._checked, self._checked_s = list[Amounts](), 0.0

    def make(self) -> Mapping[str, Json]:
        """Make it and file it; `waits` is the item of the inbox that it waits for, if any.

        Raises:
            ConflictError: The run was replaced meanwhile.
        """
        pulled = self._step("context", self._pull)
        self._places.stand = pulled.get("stand")
        if failed := str(pulled.get("failed", "")):
            came = Came(acts=(), answers=(), verdicts=(), failed=failed)
        else:
            came = self._stages(pulled["task"], list(pulled["carried"]))
        branch = ""
        if self._places.stand is not None:
            kept = self._step("branch", self._deliver)
            branch = str(kept["branch"])
            came = replace(came, failed=came.failed or str(kept["failed"]))
        filed: Mapping[str, Json] = self._step("settle", lambda: self._settle(came, branch))
        return filed

    def _deliver(self) -> Json:
        """Keep what was made so far as the run's branch."""
        try:
            return {"branch": self._places.deliver(), "failed": ""}
        except LigninError as error:
            return {"branch": "", "failed": f"{error.message} {error.hint}".strip()}

    def _stages(self, task: Mapping[str, Json], acts: list[Mapping[str, Json]]) -> Came:
        answers, verdicts = self._approved(acts), list[Verdict]()
        fresh = list[Mapping[str, Json]]()
        for place, stage in enumerate(self._loop.stages[self._start :], start=self._start):
            given = {**task, "previous": [act["said"] for act in acts]}
            if stage.action.request:
                named = zip(self._loop.stages, acts, strict=False)
                given["stages"] = {each.name: said_value(str(act["said"])) for each, act in named}
            act = self._step(f"act {stage.name}", _later(self._act, stage, given))
            acts.append(act)
            fresh.append(act)
            self._places.stand = act.get("stand", self._places.stand)
            self._left_s -= float(act["time_s"])
            self._left = less(self._left, parse_amounts(act.get("spent", {})))
            failed = "" if act["ended"] == "done" else f"{stage.name}: {act['why'] or act['ended']}"
            try:
                answer = answer_of(act)
            except InvalidRequestError as error:
                answer, failed = Answer(), f"{stage.name}: its answer: {error.message}"
            answers.append(answer)
            if failed:
                return Came(acts=fresh, answers=answers, verdicts=verdicts, failed=failed)
            if answer.ask:
                return Came(
                    acts=fresh, answers=answers, verdicts=verdicts, ask=answer.ask, stage=place
                )
            verdicts.append(self._gate(stage, act, answer))
            if verdicts[-1].passed is not True:
                passed = verdicts[-1].passed
                return Came(acts=fresh, answers=answers, verdicts=verdicts, passed=passed)
            if stage.gate.kind == "approval":
                return Came(
                    acts=fresh,
                    answers=answers,
                    verdicts=verdicts,
                    passed=True,
                    approval=True,
                    stage=place + 1,
                )
        goal = self._goal(acts[-1])
        return Came(
            acts=fresh,
            answers=answers,
            verdicts=verdicts,
            passed=True,
            reached=goal.passed,
            open="" if goal.passed else goal.why,
        )

    def _approved(self, acts: Sequence[Mapping[str, Json]]) -> list[Answer]:
        """What a person let stand since: what was found then is filed now."""
        if (
            not self._start
            or self._loop.stages[self._start - 1].gate.kind != "approval"
            or not acts
        ):
            return []
        return [answer_of(acts[-1])]

    def _pull(self) -> Json:
        """What it looks at before acting, and what is remembered of the runs before."""
        with self._context.view() as view:
            row = require_known(view, f"looprun/{self._run}")
            memory = memory_of(view, self._loop, self._run)
            told = told_iterations(view, row)
            given, heard = given_to(view, row), heard_by(view, row)
        pulled = {
            query.name: pull(self._context, query.operation, query.request)
            for query in self._loop.context
        }
        task = {
            "goal": self._loop.goal,
            "iteration": self._number,
            "given": given,
            "heard": heard,
            "context": pulled,
            "memory": memory,
            "earlier": [{"note": each["note"], "why": each["why"]} for each in told],
            "limits": self._ticket.amounts.to_json(),
        }
        carried = told[-1]["acts"][: self._start] if told and self._start else []
        try:
            stand, failed = stood(told) or self._places.begin(), ""
        except LigninError as error:
            stand, failed = None, f"{error.message} {error.hint}".strip()
        return {"task": task, "carried": carried, "stand": stand, "failed": failed}

    def _act(self, stage: Stage, task: Mapping[str, Json]) -> Json:
        """Act; what fails is tried again as the loop says, each time with what is left of all."""
        failure, seconds, attempts = self._loop.on_failure, 0.0, 0
        most = failure.retries + 1 if failure.do == "retry" else 1
        left, spent = self._left, Amounts(money_microusd=0, tokens=0)
        while True:
            left_s = self._left_s - seconds
            limits = self._limits(left, left_s)
            done = self._perform(stage.action, {**task, **limits}, left_s, stage.name)
            seconds, attempts = seconds + done["time_s"], attempts + 1
            is_done = done["ended"] == "done"
            cost = counted(left, told_by(done), is_done=is_done)
            left, spent = less(left, cost), added(spent, cost)
            if is_done or attempts >= most or seconds >= self._left_s or is_used_up(left):
                whole = {"time_s": round(seconds, 3), "attempts": attempts}
                stand = self._places.stand
                at = {} if stand is None else {"stand": stand}
                return {**done, **whole, **at, "spent": spent.to_json()}

    def _limits(self, left: Amounts, left_s: float) -> Mapping[str, Json]:
        """What an attempt is told that it may spend."""
        is_timed = self._ticket.amounts.time_s is not None
        return {"limits": replace(left, time_s=int(left_s) if is_timed else None).to_json()}

    def _perform(
        self, action: Action, task: Mapping[str, Json], limit_s: float, name: str = ""
    ) -> dict[str, Json]:
        """Do one thing, as long as the run still counts.

        Raises:
            ConflictError: It does not: it was replaced, or cancelled.
            RunStopped: It may not go on in this process; nothing of it is recorded.
        """
        self._require_wanted()
        keeps = self._places.message(name, self._number) if name and action.unsandboxed else ""
        done = perform(
            self._context,
            action,
            task,
            folder=self._folder,
            place=self._places.here(keeps),
            limit_s=limit_s,
            key=f"{self._run}/{self._number}/{name}",
            stop=lambda: self._stopped() or self._state() != "running",
        ).to_json()
        self._require_wanted()
        return done

    def _require_wanted(self) -> None:
        if self._stopped():
            raise RunStopped(f"the run {self._run} may not go on here")
        if (state := self._state()) != "running":
            raise ConflictError(f"the run {self._run!r} is {state}", hint="it was replaced")

    def _state(self) -> str | None:
        with self._context.view() as view:
            return require_known(view, f"looprun/{self._run}").state

    def _gate(self, stage: Stage, act: Mapping[str, Json], answer: Answer) -> Verdict:
        """Its checks, each in a context of its own: the result and the goal, nothing of how it came."""
        if stage.gate.kind == "head":
            return self._head_gate(stage.gate.head, answer)
        checks = enumerate(stage.gate.checks, start=1)
        return joined([self._check(f"check {stage.name} {n}", each, act) for n, each in checks])

    def _head_gate(self, head: str, answer: Answer) -> Verdict:
        """What would change something is a proposal on that head, which its gate has not rejected."""
        step = f"gate of {head}"
        told = self._step(step, lambda: self._why_not(head, answer))
        return Verdict(passed=not told, why=str(told))

    def _why_not(self, head: str, answer: Answer) -> str:
        with self._context.view() as view:
            for finding in answer.findings:
                if not finding.change:
                    continue
                row = view.row(f"proposal/{finding.request.get('proposal', '')}")
                if row is None or row.body["head"] != head:
                    return f"{finding.key}: it names no proposal on {head}"
                if row.state in ("rejected", "withdrawn", "superseded"):
                    return f"{finding.key}: its proposal is {row.state}"
        return ""

    def _goal(self, act: Mapping[str, Json]) -> Verdict:
        goal = self._loop.stop.goal
        return Verdict(passed=None) if goal is None else self._check("goal", goal, act)

    def _check(self, name: str, check: Action, act: Mapping[str, Json]) -> Verdict:
        task = {"goal": self._loop.goal, "result": act["said"], "iteration": self._number}
        said = self._step(name, lambda: self._perform(check, task, check.limit_s))
        self._checked.append(told_by(said))
        self._checked_s += float(said["time_s"])
        # a step that was recorded before errors were kept has none
        return parse_verdict(
            said["ended"],
            said["said"].encode(),
            said["why"],
            errors=str(said.get("errors", "")),
            is_agent=check.kind == "agent",
        )

    def _settle(self, came: Came, branch: str) -> Json:
        """File the iteration, what it spent, what it found; then do what it may do by itself."""
        filings, standings = self._filings(came)
        asks = self._question(came, branch) if came.waits else None
        seconds = self._checked_s + sum(float(act["time_s"]) for act in came.acts)
        spent = spent_by(self._ticket.amounts, came.acts, self._checked, seconds)
        last = came.answers[-1] if came.answers else Answer()
        figures: dict[str, Json] = {
            "number": self._number,
            "mark": last.mark,
            "reached": came.reached,
            "passed": came.passed,
            "found": len(filings),
            "spent": spent.to_json(),
            "failed": came.failed[:300],
            "waits": came.waits,
            "stage": came.stage,
            "branch": branch,
        }
        why = came.failed or next((v.why for v in came.verdicts if v.passed is not True), "")
        acts = [dict(act) for act in came.acts]
        told = {"acts": acts, "note": last.note, "why": why, "open": came.open}

        def decide(view: View) -> tuple[None, list[Change]]:
            row = require_known(view, f"looprun/{self._run}")
            if len(row.body["iterations"]) >= self._number:  # filed before a crash
                return None, []
            if row.state != "running":
                raise ConflictError(f"the run {self._run!r} is {row.state}", hint="it was replaced")
            scope, ids = self._context.scope, self._context.ids
            kept = carried_by(view, row, self._start)
            filed = {**told, "acts": [*kept, *acts]}
            return None, [
                Loops(ids).iterated(scope, row, filed, figures),
                Budgets(ids).settle(scope, self._ticket, spent),
                *Inbox(ids).file(view, scope, [*filings, *([asks] if asks else [])]),
            ]

        self._context.decide_and_commit(decide)
        for filing in filings:
            standing = standings.get(filing.finding.change)
            if came.passed and standing is not None and standing.level == "automatic":
                self._apply(filing, standing)
        if asks is not None:
            self._wait(asks.item)
        return {"waits": asks.item if asks else ""}

    def _filings(self, came: Came) -> tuple[list[Filing], dict[str, Standing]]:
        """What it found, unless a gate refused it, and how far it may go with each class."""
        if came.passed is False or came.failed or came.approval:
            return [], {}
        findings = {found.key: found for answer in came.answers for found in answer.findings}
        jobs = {found.key: answer.job for answer in came.answers for found in answer.findings}
        classes = {found.change for found in findings.values()} - {""}
        standings = {c: current_standing(self._context, self._loop, c) for c in sorted(classes)}
        filings = [
            Filing(
                loop=self._loop.name,
                run=self._run,
                kind="finding",
                finding=found,
                level=standings[found.change].level if found.change else "suggest",
                job=jobs[found.key],
            )
            for found in findings.values()
        ]
        return filings, standings

    def _apply(self, filing: Filing, standing: Standing) -> None:
        """By itself, with the audit in the inbox; where that fails the item stays for a person."""
        try:
            apply_item(self._context, self._loop, filing.item, standing)
        except LigninError as error:
            self._context.progress(f"{filing.item} stays open: {error.message}", 0, None)

    def _question(self, came: Came, branch: str) -> Filing:
        """On what the run waits: what the action asks, or whether its result may stand."""
        last = came.answers[-1] if came.answers else Answer()
        stage = came.stage if came.ask else came.stage - 1
        title = came.ask.splitlines()[0][:200] if came.ask else asked_of(self._loop, stage)
        said = str(came.acts[-1]["said"])[:8000] if came.acts and not came.ask else ""
        made = f"what it made so far is on the branch {branch}" if branch else ""
        evidence = tuple(text for text in (came.ask, made, last.note, said) if text)
        until = self._context.ledger.now() + timedelta(seconds=self._loop.stop.expires_s)
        return Filing(
            loop=self._loop.name,
            run=self._run,
            kind="question" if came.ask else "approval",
            finding=Finding(
                key=str(self._number),
                title=title,
                evidence=evidence,
                proposed=what_follows(self._loop, stage, until, is_question=bool(came.ask)),
            ),
            until=format_time(until),
        )

    def _wait(self, item: str) -> None:
        def decide(view: View) -> tuple[None, list[Change]]:
            row, asked = require_known(view, f"looprun/{self._run}"), view.row(f"inbox/{item}")
            if row.state != "running" or asked is None or asked.state not in ("open", "snoozed"):
                return None, []  # it waits already, or was answered before a crash
            until = str(asked.body["until"])
            return None, [Loops(self._context.ids).waits(self._context.scope, row, item, until)]

        self._context.decide_and_commit(decide)


def _later(
    do: Callable[[Stage, Mapping[str, Json]], Json], stage: Stage, given: Mapping[str, Json]
) -> Callable[[], Json]:
    return lambda: do(stage, given)
