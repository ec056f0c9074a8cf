"""What holds of every operation and every family of errors, so that no surface meets a surprise."""

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from lignin.domain import errors
from lignin.interfaces.commands import make_command
from lignin.interfaces.errors import EXIT_INCONCLUSIVE, FAMILIES, envelope_of, exit_code_of
from lignin.operations.registry import EFFECTS, Operation, load_noun, load_operations, nouns

OPERATIONS = load_operations()


def families() -> list[type[errors.LigninError]]:
    families = errors.LigninError.__subclasses__()
    return [family for family in families if family.__module__ == errors.__name__]


def models(model: type[BaseModel], seen: set[type]) -> Iterator[type[BaseModel]]:
    """A model and every model that its fields lead to."""
    if model in seen:
        return
    seen.add(model)
    yield model
    for info in model.model_fields.values():
        pending = [info.annotation]
        while pending:
            part = pending.pop()
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part, seen)
            pending += typing.get_args(part)


@pytest.mark.parametrize("family", families(), ids=lambda family: family.__name__)
def test_every_family_of_errors_has_an_exit_code_and_a_status(
    family: type[errors.LigninError],
) -> None:
    assert family in FAMILIES
    error = family("what happened", hint="what to do", place="here")
    assert exit_code_of(error) == FAMILIES[family][0]
    assert set(envelope_of(error)) == {"error", "code", "remediation", "fields"}


def test_exit_codes_are_distinct_and_none_means_something_else() -> None:
    codes = [code for code, _ in FAMILIES.values()]
    assert len(set(codes)) == len(codes)
    assert {0, 1, EXIT_INCONCLUSIVE}.isdisjoint(codes)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_the_command_line_takes_json_only_for_what_may_be_anything(operation: Operation) -> None:
    params = {param.name: param for param in make_command("verb", operation).params}
    for name, info in operation.request.model_fields.items():
        # JSON text is for what has no form of its own on a command line
        is_any = info.annotation is typing.Any or "dict" in str(info.annotation)
        assert (params[name].type.name == "json") is is_any, (operation.name, name)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_says_what_it_does_takes_and_answers(operation: Operation) -> None:
    assert operation.summary.endswith((".", ":")) or ";" in operation.summary
    assert operation.effect in EFFECTS
    seen: set[type] = set()
    for model in (operation.request, operation.response):
        for found in models(model, seen):
            unsaid = [name for name, info in found.model_fields.items() if not info.description]
            assert unsaid == [], f"{operation.name}: {found.__name__}"


def test_what_only_reads_can_be_repeated() -> None:
    assert [o.name for o in OPERATIONS.values() if o.effect == "read" and not o.idempotent] == []


@pytest.mark.parametrize("noun", nouns())
def test_every_noun_of_the_command_line_has_operations(noun: str) -> None:
    assert load_noun(noun)
