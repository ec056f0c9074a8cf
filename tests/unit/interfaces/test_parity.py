"""One spec: command line, HTTP and MCP have the same operations, names, defaults and errors."""

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest

from lignin.interfaces.cli import root
from lignin.interfaces.commands import COMMON, COMMON_SOME, make_command
from lignin.interfaces.http.routes import method_of
from lignin.interfaces.mcp.server import make_server
from lignin.interfaces.mcp.teaching import (
    FEW,
    RATIONALE,
    chosen,
    description_of,
    hints_of,
    in_tools,
    input_schema,
    output_schema,
    title_of,
    tool_name,
)
from lignin.interfaces.remote import open_fields
from lignin.operations.context import Serving
from unit.interfaces.serving import OPERATIONS, Served, path_of, with_client

EVERYTHING = Serving(every=True, govern=True)
ONLY_HERE = {
    # they serve, or work in folders and with commands of the machine
    *(
        "up",
        "mcp",
        "demo",
        "init",
        "plugin.write",
        "skill.serve",
        "store.backup",
        "store.copy",
        "trace.import",
    ),
    *("repo.propose", "repo.prove", "repo.branch", "rubric.add", "tool.list", "dependency.lock"),
    *("gate.campaign", "gate.decide", "trace.judge", "routine.cover"),
    *("worker", "loop.add", "loop.audit", "loop.new", "fleet.check", "fleet.plan", "fleet.run"),
    # they could hold any request, or the answer to it; or speak in the machine's name
    *("job.start", "job.fork", "job.tail", "connector.send"),
    # they need a judge or a proposer, which is a command or a key of the machine
    *("rubric.agree", "rubric.compare", "proposer.try", "proposal.draft"),
}
REMOTE = {name: each for name, each in OPERATIONS.items() if each.remote}


def commands() -> dict[str, click.Command]:
    """Every command of the tree by its operation's name."""
    found: dict[str, click.Command] = {}
    context = click.Context(root, info_name="lignin")
    for noun in root.list_commands(context):
        command = root.get_command(context, noun)
        if noun in OPERATIONS:
            found[noun] = command  # type: ignore[assignment]
        if isinstance(command, click.Group):
            for verb in command.list_commands(context):
                found[f"{noun}.{verb}"] = command.get_command(context, verb)  # type: ignore[assignment]
    return found


def test_all_three_cover_the_same_registry(standing: Served) -> None:
    assert set(OPERATIONS) <= set(commands())
    assert set(OPERATIONS) - set(REMOTE) == ONLY_HERE
    told = standing.ask("GET", "/api/v1/openapi.json").json["paths"]
    assert {path for path in told if path.startswith("/api/")} == set(map(path_of, REMOTE))
    assert set(chosen(OPERATIONS, EVERYTHING)) == set(REMOTE)


@pytest.mark.parametrize("operation", REMOTE.values(), ids=REMOTE)
def test_names_and_defaults_are_the_same_on_all_three(
    operation: Any, document: dict[str, Any]
) -> None:
    spoken = document["paths"][path_of(operation.name)][method_of(operation).lower()]
    assert spoken["operationId"] == operation.name
    if operation.effect == "read":
        asked = [each for each in spoken["parameters"] if each["in"] == "query"]
        over_http = {each["name"]: each["schema"] for each in asked}
    else:
        body = spoken["requestBody"]["content"]["application/json"]["schema"]
        over_http = body["properties"]
    schema = input_schema(operation)
    over_mcp = {k: v for k, v in schema["properties"].items() if k not in {RATIONALE, "dry_run"}}
    by_hand = {param.name for param in make_command("verb", operation).params}
    by_hand -= COMMON | COMMON_SOME
    assert set(over_http) == set(over_mcp) == set(open_fields(operation))
    assert set(over_http) <= by_hand == set(operation.request.model_fields)
    for name, part in over_mcp.items():
        info = operation.request.model_fields[name]
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        assert part.get("default") in (default, None)
        assert over_http[name].get("default") in (default, None)


@pytest.fixture(scope="module")
def document(standing: Served) -> Any:
    """The OpenAPI document."""
    return standing.ask("GET", "/api/v1/openapi.json").json


def test_no_operation_has_a_field_that_the_interfaces_use_themselves() -> None:
    for operation in OPERATIONS.values():
        assert not {RATIONALE, "dry_run"} & set(operation.request.model_fields), operation.name


def test_an_error_says_the_same_on_http_and_mcp(standing: Served) -> None:
    problem = standing.get("artifact.show", name="absent").json

    async def ask(client: Any) -> Any:
        asked = {"name": "absent", RATIONALE: "to see"}
        return await client.call_tool("artifact_show", asked, raise_on_error=False)

    import json

    envelope = json.loads(with_client(standing, ask).content[0].text)
    assert (envelope["error"], envelope["code"]) == (problem["detail"], problem["code"])
    assert envelope["remediation"] == in_tools(
        problem["remediation"], {name.replace(".", "_") for name in FEW}
    )


_OF_A_SHELL = re.compile(r"(?<![\w-])--\w|@file|(?<!\")stdin", re.IGNORECASE)


def described(schema: Any) -> Iterator[str]:
    """Every description in a JSON Schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("description"), str):
            yield schema["description"]
        for part in schema.values():
            yield from described(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from described(part)


@pytest.mark.parametrize("operation", REMOTE.values(), ids=REMOTE)
def test_no_text_over_mcp_speaks_of_a_command_line(operation: Any) -> None:
    offered = [name.replace(".", "_") for name in FEW]
    texts = [
        description_of(operation, offered),
        *described(input_schema(operation, offered)),
        *described(output_schema(operation, offered)),
    ]
    assert [each for each in texts if _OF_A_SHELL.search(each)] == []
    assert len(texts) > 3


@pytest.mark.parametrize("operation", REMOTE.values(), ids=REMOTE)
def test_the_title_of_a_tool_is_short_and_breaks_off_in_no_word(operation: Any) -> None:
    title = title_of(operation)
    assert 3 <= len(title) <= 60
    whole = title.removesuffix(" …")
    rest = operation.summary.removeprefix(whole)
    assert rest != operation.summary
    assert not rest[:1].isalnum()


def test_hints_over_mcp_name_tools_where_there_are_such() -> None:
    hint = "`lignin artifact show double --head x` has it; `lignin head show` lists; call double@12"
    assert in_tools(hint, {"artifact_show"}) == (
        "`artifact_show` with double head x has it; `lignin head show` (on the command line) lists; "
        "call double@12"
    )
    assert (
        in_tools("`lignin schema artifact.show` has more", {"a"})
        == "the tool's input schema has more"
    )


def test_an_option_is_an_argument_over_mcp_and_a_command_that_is_no_tool_has_none() -> None:
    assert in_tools("JSON lines, for --recordings; '--odd' is theirs", ()) == (
        "JSON lines, for recordings; '--odd' is theirs"
    )
    assert in_tools("what it is given: JSON, @file, or - for stdin", ()) == "what it is given"
    assert in_tools("`lignin gate plot ID --text > e.svg`", ()) == (
        "`lignin gate plot ID` (on the command line)"
    )


def test_the_few_tools_exist_and_none_of_them_governs() -> None:
    assert set(FEW) <= set(OPERATIONS)
    assert list(chosen(OPERATIONS, Serving())) == list(FEW)
    assert all(OPERATIONS[name].effect != "govern" for name in FEW)


def test_governing_tools_are_there_only_where_that_is_on() -> None:
    without = chosen(OPERATIONS, Serving(every=True))
    assert not [name for name, each in without.items() if each.effect == "govern"]
    assert "artifact.promote" in chosen(OPERATIONS, Serving(govern=True))


@pytest.mark.parametrize("operation", REMOTE.values(), ids=REMOTE)
def test_hints_come_from_the_effect(operation: Any) -> None:
    hints = hints_of(operation)
    assert hints["readOnlyHint"] is (operation.effect == "read")
    assert hints["destructiveHint"] is (operation.effect == "govern")
    assert len(tool_name(operation)) <= 64
    assert tool_name(operation).replace("_", "").isalnum()


def test_every_tool_has_a_schema_of_its_answer(standing: Served) -> None:
    async def ask() -> Any:
        return await make_server(OPERATIONS, standing.calls, EVERYTHING).list_tools()

    import asyncio

    tools = asyncio.run(ask())
    assert len(tools) == len(REMOTE)
    assert all(tool.output_schema and tool.output_schema["type"] == "object" for tool in tools)
