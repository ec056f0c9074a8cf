"""The suite that a request is about: stored cases, or a file of the user's own; who judges them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from pydantic import Field

from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.relations import basis_of_grader
from lignin.domain.rubrics import RUBRIC_GRADER
from lignin.evals.laws.table import parse_rows
from lignin.operations.context import Context
from lignin.operations.gate import named_cases
from lignin.operations.registry import Request
from lignin.operations.rubricwork import open_scorer
from lignin.operations.subjects import open_subject
from lignin.operations.trialwork import SuiteCase, stored_suite, told_case
from lignin.ports.ledger import View
from lignin.ports.system import LIMIT_S

MAX_BYTES = 64 * 2**20


class SuiteRequest(Request):
    case: list[str] = Field(
        default_factory=list,
        description="only these cases, comma-separated or @FILE; default: all that are accepted",
    )
    suite: str = Field(
        "",
        description="a file of your own cases instead, JSON lines of {case, input, ...}: the system "
        "itself says how each went",
    )
    rubric: str = Field(
        "", description="NAME or NAME@DIGITS: a judge scores the cases of --suite by this rubric"
    )
    judge: str = Field(
        "",
        description="who judges: a command line (in the sandbox), model:PROVIDER:MODEL, or "
        "python:MODULE:FUNCTION",
    )
    unsandboxed_judge: bool = Field(
        False, description="run the judge as you, outside the sandbox: for `claude -p` and the like"
    )
    reference: str = Field(
        "",
        description="a system that cases of --suite with a relation `agrees` are to agree with: another "
        "version, or another agent",
    )
    unsandboxed: bool = Field(
        False,
        description="run the system as you, outside the sandbox, with all that you may do; trials count "
        "for the code and texts of the program's own folder as they are",
    )
    reads_path: list[str] = Field(
        default_factory=list,
        description="a file or folder that a system with --unsandboxed reads besides those: it counts as part "
        "of it",
    )
    reads_variable: list[str] = Field(
        default_factory=list,
        description="the name of a variable of the environment that decides what it does, likewise; its value "
        "is kept nowhere",
    )
    limit_s: float = Field(LIMIT_S, gt=0, le=86_400, description="seconds for one trial")
    parallel: int = Field(1, ge=1, le=64, description="at most so many trials at a time")
    workers: bool = Field(
        False,
        description="hand trials to the workers that live (`lignin worker`), as far as they can",
    )


class Opened(Protocol):
    """How systems are opened, as a request says it."""

    unsandboxed: bool
    limit_s: float
    reads_path: list[str]
    reads_variable: list[str]


def options_of(context: Context, request: Opened) -> dict[str, Any]:
    """How the systems of a request are opened, as `open_subject` takes it."""
    return {
        "unsandboxed": request.unsandboxed,
        "limit_s": request.limit_s,
        "reads": [context.path(each).resolve() for each in request.reads_path],
        "variables": request.reads_variable,
    }


def load_suite(context: Context, view: View, request: SuiteRequest) -> list[SuiteCase]:
    """The cases that a request is about.

    Raises:
        InvalidRequestError: There are none.
        NotFoundError: A named one is not there.
    """
    if not request.suite:
        if request.rubric or request.judge or request.reference:
            raise InvalidRequestError(
                "stored cases have checks, and those judge",
                hint="--rubric and --reference are for cases of --suite",
            )
        suite = stored_suite(view, named_cases(context, request.case))
    else:
        suite = own_suite(context, request.suite)
        suite = _with_reference(context, request, suite)
        if request.rubric or request.judge:
            if related := [case.name for case in suite if case.relations]:
                raise InvalidRequestError(
                    f"relations judge already: {', '.join(related[:10])}",
                    hint="a case has one judge: leave out --rubric, or its relations",
                )
            scorer = open_scorer(
                context,
                view,
                request.rubric,
                request.judge,
                unsandboxed=request.unsandboxed_judge,
                limit_s=request.limit_s,
            )
            suite = [replace(case, scorer=scorer) for case in suite]
    if not suite:
        raise InvalidRequestError(
            "there are no cases", hint="`lignin trace cases` makes some; --suite brings your own"
        )
    return suite


def own_suite(context: Context, file: str) -> list[SuiteCase]:
    """The cases of a file of the user's own.

    Raises:
        NotFoundError: There is no such file.
        InvalidRequestError: It is too large, a row is no case, or a case is there twice.
    """
    path = context.path(file)
    if not path.is_file():
        raise NotFoundError(f"{path} is no file", hint="JSON lines of {case, input, ...}")
    if path.stat().st_size > MAX_BYTES:
        raise InvalidRequestError(f"{path} is larger than {MAX_BYTES // 2**20} MiB")
    suite = [told_case(row) for row in parse_rows(path.read_text("utf-8"), path.name)]
    if double := [n for n, k in Counter(case.name for case in suite).items() if k > 1]:
        raise InvalidRequestError(f"cases that are there twice: {', '.join(double[:10])}")
    return suite


def _with_reference(
    context: Context, request: SuiteRequest, suite: list[SuiteCase]
) -> list[SuiteCase]:
    """The suite, its cases that are to agree with another system with that one.

    Raises:
        InvalidRequestError: There are such cases and no other system, or the reverse.
    """
    differential = {c.name for c in suite if any(r.is_differential for r in c.relations)}
    if bool(differential) != bool(request.reference):
        told = f"no case of {request.suite} has a relation `agrees`"
        if differential:
            told = f"with what are these to agree? {', '.join(sorted(differential)[:10])}"
        raise InvalidRequestError(told, hint="--reference SYSTEM is what such cases agree with")
    if not differential:
        return suite
    reference = open_subject(context, request.reference, **options_of(context, request))
    return [replace(c, reference=reference) if c.name in differential else c for c in suite]


def basis_of(view: View, graders: Mapping[str, str]) -> dict[str, int]:
    """How many cases rest on what: declared passes, consensus, the failed run alone, relations between runs,
    agreement with another system, a judge with a rubric, or the system's word.

    Args:
        graders: What judges, by case; only that of a case of the user's own is looked at.
    """
    rows = view.rows([f"case/{name}" for name in graders])
    found = Counter(
        str(row.body["basis"])
        if (row := rows.get(f"case/{name}")) is not None
        else basis_of_grader(grader) or ("rubric" if grader.startswith(RUBRIC_GRADER) else "told")
        for name, grader in graders.items()
    )
    return dict(sorted(found.items()))
