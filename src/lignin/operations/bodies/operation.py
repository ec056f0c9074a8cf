"""Jobs that do an operation: any one by its name, with its request."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError, UnavailableError
from lignin.jobs.effects import RunLedger
from lignin.operations.context import Context
from lignin.operations.jobkind import JobKind, Work
from lignin.operations.registry import Operation, Request, load_noun
from lignin.ports.engine import ONCE, PATIENT

NOT_AS_JOBS = frozenset({"up", "worker", "job.tail"})
"""These last until somebody stops them, and would hold a worker's place for good."""


def parse_input(value: Json) -> tuple[Operation, Request, str]:
    """The operation, its request, and the folder to stand in (empty for the worker's own).

    Raises:
        InvalidRequestError: It is none, or one that never ends.
        NotFoundError: No such operation.
    """
    if not isinstance(value, dict) or not isinstance(value.get("operation"), str):
        raise InvalidRequestError("an operation job takes {operation, request, folder?}")
    name: str = value["operation"]
    if name in NOT_AS_JOBS:
        raise InvalidRequestError(f"{name} goes on until it is stopped and is no job")
    operation = find_operation(name)
    try:
        request: Any = operation.request.model_validate(value.get("request") or {})
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise InvalidRequestError(
            f"the request does not fit {name}: {told}", hint=f"`lignin schema {name}`"
        ) from error
    return operation, request, str(value.get("folder") or "")


def find_operation(name: str) -> Operation:
    """An operation by its name.

    Raises:
        NotFoundError: There is none.
    """
    noun = name.partition(".")[0]
    try:
        found = load_noun(noun) if noun.isidentifier() else {}
    except ModuleNotFoundError:
        found = {}
    if name not in found:
        raise NotFoundError(f"no operation {name!r:.80}", hint="`lignin --help` has the nouns")
    return found[name]


def _do(work: Work) -> Json:
    operation, request, folder = parse_input(work.job.asked.input)
    if operation.effect == "govern" and not work.context.scope.actor.is_person:
        raise DeniedError(
            f"{operation.name} decides what others are served; an agent's job may not",
            hint="a person asks for it",
        )

    def do(context: Context) -> Json:
        context = replace(context, ledger=RunLedger(context.ledger, work.run.stopped))
        context.cwd = _standing(folder) if folder else context.cwd
        response = operation.run(context, request)
        return {"answer": response.model_dump(mode="json"), "exit_code": response.exit_code()}

    # What is idempotent looks what is there and does the rest. All else is done once under the step's
    # keys, or, where that cannot be, refused.
    is_safe = operation.idempotent or operation.effect == "read"
    return work.step(operation.name, do, PATIENT if is_safe else ONCE, keyed=not is_safe)


def _standing(folder: str) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise UnavailableError(f"{folder} is not here", hint="say with `needs` which host has it")
    return path


KIND = JobKind(
    name="operation",
    summary="Do an operation of this command by its name, with its request.",
    body=_do,
    check=parse_input,
)
