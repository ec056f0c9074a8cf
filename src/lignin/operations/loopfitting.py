"""What a loop's file gives as arguments, tried before it is added: what cannot work is refused by its place.

Runs nothing and reaches nobody. What a run fills in is unknown here, and let through; so is what only a skill or
a tool server could tell of its own arguments.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import ValidationError

from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError, NotFoundError
from lignin.domain.loops import Action, Loop
from lignin.governance.laws.connectors import HookGrant, MailGrant
from lignin.loops.laws.filling import Reference, references
from lignin.operations.connecting import open_named, require_connector
from lignin.operations.connector import Send, posting_of
from lignin.operations.context import Context
from lignin.operations.loopacting import find_operation
from lignin.operations.registry import Operation, Request

_ACTS = frozenset({"read", "write", "execute"})
_OF_STAGE = frozenset(
    {"goal", "given", "heard", "context", "memory", "earlier", "limits", "previous", "stages"}
)
_OF_CHECK = frozenset({"goal", "result", "iteration"})
_OF_CLASS = frozenset({"goal", "change", "key"})
_FILLS: Mapping[str, Json] = {"subject": "x", "body": "x", "ticket": "1"}
"""What stands for a text that a run fills in, where only the rest is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An action where it stands.

    Args:
        where: The place of its arguments.
        has: What a run has for it, by name.
        effects: What an operation may do here.
        stages: The stages before it.
        is_whole: Nobody adds arguments but its file.
    """

    where: str
    action: Action
    has: frozenset[str]
    effects: frozenset[str] = _ACTS
    stages: tuple[str, ...] = ()
    is_whole: bool = True

    def fault(self, key: str, what: str, hint: str) -> InvalidRequestError:
        place = f"{self.where}.{key}" if key else self.where
        return InvalidRequestError(f"{place}: {what}", hint=hint, where=place)


def require_fitting(context: Context, loop: Loop) -> None:
    """Raise where something in a loop's file cannot work whatever comes.

    Raises:
        NotFoundError: It names an operation that there is not.
        DeniedError: A loop may not use that operation there.
        InvalidRequestError: An argument is unknown, missing or no such value, or refers to what no run has.
    """
    for number, query in enumerate(loop.context):
        action = Action(kind="operation", name=query.operation, request=query.request)
        place = _Place(
            where=f"context[{number}].with",
            action=action,
            has=frozenset(),
            effects=frozenset({"read"}),
        )
        found = _find(place)
        _require_request(place, found.request, query.request, query.operation)
    queries = tuple(query.name for query in loop.context)
    for place in _places(loop):
        action = place.action
        _require_references(place, queries)
        if action.kind == "operation":
            found = _find(place)
            _require_request(place, found.request, action.request, action.name)
        elif action.kind == "send":
            request = {**action.request, "name": action.server}
            _require_request(place, Send, request, "connector.send")
            if place.is_whole:
                _require_sendable(context, place, request)


def _find(place: _Place) -> Operation:
    where = place.where.removesuffix(".with")
    try:
        return find_operation(place.action.name, place.effects)
    except (NotFoundError, DeniedError) as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint, where=where) from error


def _places(loop: Loop) -> Iterator[_Place]:
    alone = len(loop.stages) == 1 and loop.stages[0].name == "act"
    for number, stage in enumerate(loop.stages):
        at = "" if alone else f"stages[{number}]."
        before = tuple(each.name for each in loop.stages[:number])
        yield _Place(where=f"{at}action.with", action=stage.action, has=_OF_STAGE, stages=before)
        for index, check in enumerate(stage.gate.checks):
            yield _Place(where=f"{at}gate.checks[{index}].with", action=check, has=_OF_CHECK)
    if loop.stop.goal is not None:
        yield _Place(where="stop.goal.with", action=loop.stop.goal, has=_OF_CHECK)
    for name, action in loop.autonomy.classes.items():
        yield _Place(
            where=f"autonomy.classes.{name}.with",
            action=action,
            has=_OF_CLASS,
            effects=_ACTS | {"govern"},
            is_whole=False,
        )


def _require_references(place: _Place, queries: tuple[str, ...]) -> None:
    for key, value in place.action.request.items():
        for found in references(value):
            _require_reference(place, key, found, queries)


def _require_reference(place: _Place, key: str, found: Reference, queries: tuple[str, ...]) -> None:
    if found.root not in place.has:
        # another word with a dollar is left as it stands; a slip of the pen is not
        if close := get_close_matches(found.root, place.has, n=1, cutoff=0.75):
            raise place.fault(
                key, f"{found.text!r:.60}: there is no {found.root!r}", f"is it ${close[0]}?"
            )
        return
    named = {"stages": place.stages, "context": queries}.get(found.root)
    if named is not None and found.parts and found.parts[0] not in named:
        what = {"stages": "earlier stage", "context": "context"}[found.root]
        there = ", ".join(named) or "none"
        raise place.fault(
            key,
            f"{found.text!r:.60}: there is no {what} {found.parts[0]!r:.40}",
            f"there are {there}",
        )


def _is_open(place: _Place, value: Json) -> bool:
    return any(found.root in place.has for found in references(value))


def _require_request(
    place: _Place, model: type[Request], request: Mapping[str, Json], name: str
) -> None:
    """Its fixed arguments fit, and what must be there is given or filled in."""
    hint = f"`lignin schema {name}` says what it takes"
    if unknown := sorted(request.keys() - model.model_fields.keys()):
        close = get_close_matches(unknown[0], model.model_fields, n=1)
        told = f"is it {close[0]!r}? {hint}" if close else hint
        raise place.fault(unknown[0], f"is no argument of {name}", told)
    fixed = {key: value for key, value in request.items() if not _is_open(place, value)}
    try:
        model.model_validate(fixed)
    except ValidationError as error:
        for each in error.errors():
            key = str(each["loc"][0]) if each["loc"] else ""
            if each["type"] == "missing" and len(each["loc"]) == 1:
                if key in request or not place.is_whole:
                    continue
                raise place.fault(key, f"is missing, and {name} needs it", hint) from error
            if not key and (len(fixed) < len(request) or not place.is_whole):
                continue  # how they go together shows once all are there
            at = ".".join(map(str, each["loc"]))
            if each["type"] == "list_type" and isinstance(each["input"], str):
                hint = f"a list: {key} = [{json.dumps(each['input'])}]"
            raise place.fault(at, f"{each['msg']}, not {each['input']!r:.60}", hint) from error


def _require_sendable(context: Context, place: _Place, request: Mapping[str, Json]) -> None:
    """The connector takes such a thing, as far as that can be told without what a run fills in."""
    name = place.action.server
    try:
        grant = require_connector(context, name)
    except LigninError:
        return  # told as not here: another machine may have it
    if isinstance(grant, HookGrant) or (isinstance(grant, MailGrant) and not grant.smtp):
        raise place.fault(
            "", f"nothing goes out by the connector {name!r}", "`lignin connector list` says which"
        )
    try:
        sink = open_named(context, name).sink
    except LigninError:
        return  # such as a credential that this shell lacks: told where it is used
    opened = {key for key, value in request.items() if _is_open(place, value)}
    if sink is None or "branch" in request or opened - _FILLS.keys():
        return
    filled = {**request, **{key: _FILLS[key] for key in opened}}
    try:
        sink.certainty(posting_of(context, Send.model_validate(filled)))
    except (InvalidRequestError, DeniedError) as error:
        raise place.fault(
            "", f"{name} would refuse it: {error.message}", error.hint.replace("--", "")
        ) from error
