"""Does the artifact compute its answers, or does it know its examples by heart?

Two kinds of sign. The source holds a table whose entries are the examples (see
`lignin.artifacts.overfit`). Or behaviour: inputs that are like the examples all get one and the
same answer although the examples have three or more.

A small table that covers an honest domain (weekdays) cannot be told from a memorised one by its
text; it passes where some input that is no example gets an answer of its own, or where
the examples record the error that every other input gets. Answers that stand in
the source without what they are looked up by (a classifier has them too) count only where most of
the inputs like the examples get one answer that few examples have.

A program that looks things up by its tools has its answers from them: it gives one answer to all
that they do not know. So what the tools told alike counts once, where on the examples they did not
tell the same every time. A table of answers in the source stays a sign, whatever is called besides.
"""

from collections import Counter

from lignin.artifacts.answers import expected_outcome, outcome_of
from lignin.artifacts.check import Check, InputRun, Observations, conclude, shown, shown_use
from lignin.artifacts.overfit import Case, Sign, find_signs, find_text_sign
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import CodecError
from lignin.domain.evidence import CheckResult

MIN_ALIKE = 6
SAME_SHARE = 0.95
MOSTLY_ONE = 0.8


def judge(observations: Observations) -> CheckResult:
    """Judge the signs in the source and in the answers to inputs like the examples."""
    ended = [run for run in observations.inputs if run.observed.status == "exited"]
    alike = [run for run in ended if run.input.tier in {"near", "dictionary"}]
    informed = _is_informed(observations)
    if informed:
        alike = _told_apart(alike)
    signs = _source_signs(observations)
    beyond = _goes_beyond(observations, ended)
    unsure = _is_mostly_one(observations, alike) and (len(alike) >= MIN_ALIKE or not informed)
    faults, excused = [], False
    for sign in signs:
        if (sign.is_enumeration and beyond) or (sign.is_weak and not unsure):
            excused |= sign.is_enumeration
        else:
            faults.append(sign.reason)
    same = _same_answer(observations, alike)
    if same is not None and (faults or not excused):
        faults.append(same)
    measured = {"signs": len(signs), "alike": len(alike)}
    return conclude("memorised", faults=faults, measured=measured)


def _is_informed(observations: Observations) -> bool:
    """True where the tools told different things on the examples, so that answers can be theirs."""
    runs = (*observations.visible_runs, *observations.held_out_runs)
    return len({run.observed.told for run in runs if run.observed.told}) > 1


def _told_apart(alike: list[InputRun]) -> list[InputRun]:
    """Keep one run of each thing that the tools told, and all that asked nothing."""
    first = {run.observed.told: run for run in reversed(alike)}
    return [run for run in alike if not run.observed.told or first[run.observed.told] is run]


def _goes_beyond(observations: Observations, ended: list[InputRun]) -> bool:
    """True where some input that is no example gets an answer other than the usual one."""
    answers = [_answer(observations, run) for run in ended]
    counted = Counter(map(_text, answers))
    if not counted:
        return False
    usual = counted.most_common(1)[0][0]
    if any(case.error is not None for case in observations.examples):
        # The record itself says that what lies outside the domain is an error.
        return all("error" in answer or _text(answer) != usual for answer in answers)
    return any("error" not in answer and _text(answer) != usual for answer in answers)


def _is_mostly_one(observations: Observations, alike: list[InputRun]) -> bool:
    """True where most of the inputs like the examples get one answer that few examples have."""
    counted = Counter(_text(_answer(observations, run)) for run in alike)
    if not counted:
        return True
    usual, count = counted.most_common(1)[0]
    return count >= MOSTLY_ONE * len(alike) and _share(observations, usual) <= 1 / 3


def _share(observations: Observations, answer: str) -> float:
    recorded = [
        _text(expected_outcome(case, is_call=observations.is_call))
        for case in observations.examples
    ]
    return recorded.count(answer) / max(1, len(recorded))


def _source_signs(observations: Observations) -> list[Sign]:
    texts = [text for path, text in observations.sources.items() if path.endswith(".py")]
    if not observations.is_call:
        outputs = [
            str(expected_outcome(case, is_call=False)["stdout"]) for case in observations.examples
        ]
        scripts = [t for path, t in observations.sources.items() if path != "lignin.json"]
        found = [find_text_sign(text, outputs) for text in scripts]
        return [sign for sign in found if sign is not None]
    cases = [
        Case(arguments=case.arguments, result=case.result)
        for case in observations.examples
        if case.arguments is not None and case.error is None
    ]
    return [sign for text in texts for sign in find_signs(text, cases)]


def _answer(observations: Observations, run: InputRun) -> Json:
    return outcome_of(run.observed, is_call=observations.is_call)


def _same_answer(observations: Observations, alike: list[InputRun]) -> str | None:
    recorded = Counter(
        _text(expected_outcome(case, is_call=observations.is_call))
        for case in observations.examples
    )
    if len(recorded) < 3 or len(alike) < MIN_ALIKE:
        return None
    answers = Counter(_text(_answer(observations, run)) for run in alike)
    common, count = answers.most_common(1)[0]
    usual = recorded[common] / sum(recorded.values())
    if count < SAME_SHARE * len(alike) or usual > 1 / 3:
        return None
    return (
        f"{count} of {len(alike)} inputs like the examples got the one answer {shown(common)} "
        f"while the examples have {len(recorded)}; such as {shown_use(alike[0].input.use)}"
    )


def _text(answer: Json) -> str:
    try:
        return canonical_bytes(answer).decode()
    except CodecError:
        return repr(answer)


CHECK = Check(
    name="memorised",
    needs=frozenset({"files", "examples", "held_out", "inputs"}),
    judge=judge,
    version=3,
)
