"""Scoring by a rubric: which rubric and judge are meant, what a judge is shown, one verdict.

A judge is shown the rubric, the task and the run. Where it gives no verdict the trial is missing: that is
nobody's failure but its own, and too many of them leave a decision undecided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.counts import known_sum
from lignin.domain.errors import InvalidRequestError, NotFoundError, UnavailableError
from lignin.domain.rubrics import RUBRIC_GRADER, Rubric, grader_of, parse_rubric
from lignin.domain.states import Row
from lignin.domain.trials import Scored, TrialKind
from lignin.evals.output import Output
from lignin.evals.rubrics import agreement_of
from lignin.operations.context import Context
from lignin.ports.judge import Judge, JudgeAsked, Sheet
from lignin.ports.ledger import View, every_row
from lignin.traces.redact import redact

TRIES = 3
"""So often a judge is asked for one verdict."""
MAX_RUN_CHARS = 40_000
MAX_RUBRIC_BYTES = 256 * 1024
_LEAST_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRubric:
    """A rubric with its judge, as a case's scorer."""

    rubric: Rubric
    judge: Judge
    key: bytes

    @property
    def grader(self) -> str:
        """What the trials are scored by: scores of another version never compare."""
        return grader_of(self.rubric, self.judge.name, self.judge.digest)

    def score(self, task: Mapping[str, Json], output: Output) -> tuple[Scored, dict[str, Json]]:
        """Score what a system left; also return what the judge was shown, {} where it was not asked."""
        if output.fault not in {None, "not_a_score", "contradicting_scores"}:
            return _failed(output.fault), {}
        if not output.run and not output.words:
            kind: TrialKind = "no_outcome" if output.is_empty else "forged_score"
            return _failed(output.fault or kind), {}
        shown: dict[str, Json] = {"task": self._clean(task), "run": self._clean(run_of(output))}
        sheet = Sheet(rubric=self.rubric, task=shown["task"], run=shown["run"])
        cost: int | None = None
        scored = Scored(kind="infrastructure", score=None)
        for _ in range(TRIES):
            verdict = self.judge.score(sheet)
            cost = known_sum((cost, verdict.cost_microusd))
            if verdict.level is not None:
                why = f"{verdict.level.label}: {verdict.reason}"
                scored = Scored(kind="scored", score=verdict.level.score, reasons=(why,))
                break
            why = f"the judge gave no verdict ({verdict.ended}): {verdict.why}"
            scored = replace(scored, reasons=(why,))
            if verdict.ended == "refused":
                break
        return replace(scored, judge_microusd=cost), shown

    def _clean(self, value: Mapping[str, Json]) -> dict[str, Json]:
        return cleaned(value, self.key)


def run_of(output: Output) -> dict[str, Json]:
    """What a judge is shown of a run: what was said, and its messages where it tells them.

    Neither a score that the system gave itself nor anything of who ran it.
    """
    run: dict[str, Json] = {"said": _cut(output.words)}
    if output.run:
        messages = parse_json(output.run).get("messages")
        run["messages"] = messages if len(str(messages)) <= MAX_RUN_CHARS else _cut(str(messages))
    return run


def cleaned(value: Mapping[str, Json], key: bytes) -> dict[str, Json]:
    """JSON without its secrets."""
    kept: dict[str, Json] = parse_json(redact(canonical_bytes(dict(value)), key).content)
    return kept


def _cut(text: str) -> str:
    """A text that is not too long, its beginning and its end."""
    if len(text) <= MAX_RUN_CHARS:
        return text
    half, left = MAX_RUN_CHARS // 2, len(text) - MAX_RUN_CHARS
    return f"{text[:half]}\n[{left} characters are left out here]\n{text[-half:]}"


def _failed(kind: TrialKind) -> Scored:
    return Scored(kind=kind, score=0.0)


def open_scorer(
    context: Context, view: View, rubric: str, judge: str, *, unsandboxed: bool, limit_s: float
) -> ByRubric:
    """The scorer that a caller names.

    Raises:
        InvalidRequestError: One is named without the other, or a version that is not in use.
        NotFoundError: There is no such rubric.
    """
    if not rubric or not judge:
        raise InvalidRequestError(
            "a rubric needs a judge, and a judge a rubric",
            hint="--rubric NAME --judge 'python judge.py', or --judge model:PROVIDER:MODEL",
        )
    row = find_rubric(view, rubric)
    if row.state != "in_use":
        raise InvalidRequestError(
            f"this version of {row.body['name']} is not in use",
            hint="`lignin rubric compare` and `rubric adopt` put one in use",
        )
    return ByRubric(
        rubric=rubric_of(view, row),
        judge=open_judge(context, judge, unsandboxed=unsandboxed, limit_s=limit_s),
        key=context.redaction_key,
    )


def unmeasured_graders(view: View, graders: Iterable[str]) -> list[str]:
    """Those rubrics with their judges that were not shown to agree with people: nothing rests on them."""
    found = []
    for grader in sorted({each for each in graders if each.startswith(RUBRIC_GRADER)}):
        row = view.row(agreement_of(grader))
        if row is None or row.body["outcome"] != "pass":
            found.append(grader)
    return found


def open_judge(context: Context, spec: str, *, unsandboxed: bool, limit_s: float) -> Judge:
    """A judge as a caller names it.

    Raises:
        InvalidRequestError: A practice agent, which judges nothing, or no command line.
        UnavailableError: A dry run asks no model and runs nothing unconfined.
    """
    if spec.startswith(("desk:", "artifact:")):
        raise InvalidRequestError(
            f"{spec:.80} is no judge", hint="a command line, python:MODULE:FUNCTION or model:..."
        )
    if context.dry_run and (unsandboxed or spec.startswith("model:")):
        raise UnavailableError(
            "a dry run asks no model and runs nothing unconfined", hint="leave out --dry-run"
        )
    return context.open_judge(
        JudgeAsked(
            spec=spec,
            folder=context.cwd,
            environment=context.environment,
            unsandboxed=unsandboxed,
            limit_s=limit_s,
        )
    )


def read_rubric(context: Context, named: str) -> Rubric:
    """A rubric from a file, YAML or JSON.

    Raises:
        InvalidRequestError: It holds none.
        NotFoundError: There is no file.
    """
    path = context.path(named)
    if not path.is_file():
        raise NotFoundError(f"{path} is no file", hint="a rubric in YAML or JSON")
    if path.stat().st_size > MAX_RUBRIC_BYTES:
        raise InvalidRequestError(f"{path} is larger than {MAX_RUBRIC_BYTES // 1024} KiB")
    try:
        value: Any = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())[:200]
        raise InvalidRequestError(
            f"{path.name} is no YAML: {told}", hint="rubric, question, criteria, scale"
        ) from None
    return parse_rubric(value)


def find_rubric(view: View, named: str) -> Row:
    """A rubric's version: `NAME`, the one in use, or `NAME@DIGITS`.

    Raises:
        NotFoundError: There is none.
        InvalidRequestError: Several begin with these digits, or none is in use.
    """
    name, _, digits = named.partition("@")
    digits = digits.removeprefix("sha256:")
    rows = [row for row in every_row(view, "rubric") if row.body["name"] == name]
    if not rows:
        raise NotFoundError(f"there is no rubric {named!r:.80}", hint="`lignin rubric list`")
    if not digits:
        found = [row for row in rows if row.state == "in_use"]
        if not found:
            raise InvalidRequestError(
                f"no version of {name} is in use", hint=f"`lignin rubric adopt {name}@DIGITS`"
            )
        return found[0]
    found = [row for row in rows if row.key.removeprefix("sha256:").startswith(digits)]
    if len(digits) < _LEAST_DIGITS or not found:
        raise NotFoundError(
            f"{name} has no version {digits:.80}",
            hint=f"`lignin rubric list`; at least {_LEAST_DIGITS} digits",
        )
    if len(found) > 1:
        raise InvalidRequestError(f"{named!r:.80} are several", hint="give more digits")
    return found[0]


def rubric_of(view: View, row: Row) -> Rubric:
    """The rubric that a row holds."""
    return parse_rubric(parse_json(view.blob(row.body["content"])))
