"""Opens the judge that was asked for: `model:PROVIDER:MODEL`, else a program as a system is opened."""

from collections.abc import Callable
from dataclasses import replace

from lignin.adapters.judges.model import ModelJudge
from lignin.adapters.judges.program import ProgramJudge
from lignin.ports.judge import LIMIT_S, Judge, JudgeAsked
from lignin.ports.model import Model
from lignin.ports.system import System, SystemAsked

MODEL = "model:"


def open_judge(
    asked: JudgeAsked,
    open_model: Callable[[str], Model],
    open_system: Callable[[SystemAsked], System],
) -> Judge:
    """Open a judge.

    Raises:
        DeniedError: A function, without leave to run unconfined.
        InvalidRequestError: No name of a model, or no command line.
        NotFoundError: No such module or function.
        UnavailableError: There is no key for the model, or no sandbox.
    """
    if asked.spec.startswith(MODEL):
        return ModelJudge(open_model(asked.spec.removeprefix(MODEL)), limit_s=asked.limit_s)
    wanted = SystemAsked(
        spec=asked.spec,
        folder=asked.folder,
        environment=asked.environment,
        unsandboxed=asked.unsandboxed,
        limit_s=asked.limit_s,
    )
    system = open_system(wanted)
    # The time it is given is no part of what it says: else a judge that was measured under one limit were
    # another one under the limit of trials, and no decision could rest on it.
    known = system if asked.limit_s == LIMIT_S else open_system(replace(wanted, limit_s=LIMIT_S))
    return ProgramJudge(system, known.digest)
