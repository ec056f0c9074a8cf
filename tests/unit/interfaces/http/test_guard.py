"""Who is not answered, and what nobody may ask for from elsewhere."""

from pathlib import Path

import anyio
import pytest
from fastmcp import Client

from lignin.domain.errors import DeniedError
from lignin.interfaces.http.guard import GOVERN_TOKEN_FILE, MAX_BODY_BYTES
from lignin.interfaces.http.serve import load_token, make_app
from lignin.interfaces.listening import serve_app
from lignin.interfaces.remote import OPEN_TEXTS, PATTERNS, open_fields, request_schema
from lignin.operations.context import Serving
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.interfaces.serving import DOUBLE, OPERATIONS, Served, serving_store

EVERYWHERE = ("/api/v1/artifact/list", "/api/v1/openapi.json", "/mcp", "/v1/traces", "/nothing")


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize(
    "shown",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}, {"authorization": ""}],
    ids=str,
)
def test_nothing_answers_without_the_token(
    standing: Served, path: str, shown: dict[str, str]
) -> None:
    for method in ("GET", "POST"):
        got = standing.ask(method, path, shown=False, headers=shown)
        assert got.status == 401
        assert got.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost.evil.example"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
    ],
    ids=str,
)
def test_a_foreign_host_or_page_is_refused_even_with_the_token(
    standing: Served, path: str, headers: dict[str, str]
) -> None:
    assert standing.ask("GET", path, headers=headers).status == 403


def test_a_page_of_the_server_itself_may_ask(standing: Served) -> None:
    headers = {"host": "localhost:4320", "origin": "http://localhost:4320"}
    assert standing.ask("GET", "/api/v1/artifact/list", headers=headers).status == 200


def test_a_body_is_bounded_whether_it_says_its_length_or_not(standing: Served) -> None:
    size = str(MAX_BODY_BYTES + 1)
    path = "/api/v1/session/start"
    assert standing.ask("POST", path, headers={"content-length": size}).status == 413
    assert standing.ask("POST", path, content=b" " * (MAX_BODY_BYTES + 1)).status == 413


def test_without_the_token_only_reading_and_writing_is_open_and_mcp_is_not(
    tmp_path: Path, sandbox: ProcessSandbox
) -> None:
    with serving_store(tmp_path, sandbox, Serving(token=False)) as served:

        def status(method: str, path: str, **more: object) -> int:
            return served.ask(method, path, shown=False, **more).status  # type: ignore[arg-type]

        assert status("GET", "/api/v1/artifact/list") == 200
        assert status("POST", "/api/v1/session/start", json={"client": "c"}) == 200
        assert status("POST", "/api/v1/artifact/capture", json=DOUBLE) == 401
        assert status("POST", "/api/v1/head/create", json={"name": "h"}) == 401
        assert status("POST", "/mcp", json={}) == 401
        for operation in OPERATIONS.values():
            if operation.remote and operation.effect in {"execute", "govern"}:
                path = f"/api/v1/{operation.name.replace('.', '/')}"
                assert status("POST", path, json={}) == 401, operation.name


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("govern", [False, True])
def test_the_token_of_agents_decides_nothing(
    tmp_path: Path, sandbox: ProcessSandbox, govern: bool
) -> None:
    with serving_store(tmp_path, sandbox, Serving(govern=govern)) as served:
        governing = [
            each for each in OPERATIONS.values() if each.remote and each.effect == "govern"
        ]
        assert {"lesson.approve", "artifact.promote"} <= {each.name for each in governing}
        for operation in governing:
            for query in ("", "?dry_run=true"):
                path = f"/api/v1/{operation.name.replace('.', '/')}{query}"
                got = served.ask("POST", path, json={})
                assert (got.status, got.json["code"]) == (403, "denied"), operation.name
                assert got.headers["content-type"] == "application/problem+json"
                assert ("http-govern.token" if govern else "--govern") in got.json["remediation"]
        assert served.post("head.create", name="other").status == 403
        assert "other" not in served.get("head.list").text


def test_the_token_that_governs_works_where_that_is_on_and_nowhere_else(
    tmp_path: Path, sandbox: ProcessSandbox
) -> None:
    with serving_store(tmp_path, sandbox, Serving(govern=True)) as served:
        token = load_token(served.context.home, GOVERN_TOKEN_FILE)
        assert token != served.token
        asked = {"json": {"name": "other"}, "headers": bearer(token)}
        assert served.ask("POST", "/api/v1/head/create", **asked).status == 200  # type: ignore[arg-type]
        assert "other" in served.ask("GET", "/api/v1/head/list", headers=bearer(token)).text
    with serving_store(tmp_path, sandbox) as served:
        for path in ("/api/v1/head/create", "/mcp", "/v1/traces"):
            assert served.ask("POST", path, json={}, headers=bearer(token)).status == 401


def test_an_empty_token_opens_nothing(standing: Served) -> None:
    for said in ("Bearer", "Bearer ", "bearer  "):
        for path in (*EVERYWHERE, "/api/v1/head/create"):
            headers = {"authorization": said}
            assert standing.ask("POST", path, headers=headers, json={}).status == 401


def test_over_mcp_too_only_the_token_that_governs_has_the_tools_that_decide(
    tmp_path: Path, sandbox: ProcessSandbox
) -> None:
    with serving_store(tmp_path, sandbox, Serving(govern=True, every=True)) as served:
        governing = load_token(served.context.home, GOVERN_TOKEN_FILE)
        first, second = (tools_over_http(served, token) for token in (served.token, governing))
        assert "artifact_list" in first & second
        assert "artifact_promote" in second - first
        assert {OPERATIONS[name.replace("_", ".", 1)].effect for name in second - first} == {
            "govern"
        }


def tools_over_http(served: Served, token: str) -> set[str]:
    """The names of the tools that a client with a token is offered at `/mcp`."""

    async def ask() -> set[str]:
        with anyio.fail_after(60):
            with serve_app(served.app, "127.0.0.1", 0) as url:
                async with Client(f"{url}/mcp", auth=token) as client:
                    return {tool.name for tool in await client.list_tools()}

    return anyio.run(ask)


def test_without_the_token_no_other_machine_is_let_in(standing: Served) -> None:
    with pytest.raises(DeniedError):
        make_app(standing.context, Serving(token=False), lambda: None, "0.0.0.0")  # type: ignore[arg-type, return-value]


def test_the_telemetry_token_opens_nothing_else(tmp_path: Path, sandbox: ProcessSandbox) -> None:
    with serving_store(
        tmp_path, sandbox, environment={"LIGNIN_OTLP_TOKEN": "intake-only"}
    ) as served:
        shown = {"authorization": "Bearer intake-only"}
        assert served.ask("POST", "/v1/traces", shown=False, headers=shown, json={}).status == 200
        assert served.ask("GET", "/api/v1/artifact/list", shown=False, headers=shown).status == 401
        assert served.ask("POST", "/mcp", shown=False, headers=shown).status == 401


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("artifact.capture", {"path": "/etc/passwd"}),
        ("artifact.capture", {**DOUBLE, "recordings": "/etc/passwd"}),
        ("artifact.call", {"name": "a", "tools": "server"}),
        ("eval.run", {"system": "cat /etc/passwd"}),
        ("eval.run", {"system": "python:os:system", "unsandboxed": True}),
        ("eval.run", {"system": "desk:one", "suite": "/etc/passwd"}),
        ("eval.run", {"system": "desk:one", "judge": "command:id"}),
        ("improve", {"system": "desk:one", "proposer": ["command:id"]}),
        ("rubric.label", {"rubric": "r", "file": "/etc/passwd"}),
        ("gate.prove", {"incumbent": "sh -c id", "candidate": "desk:one"}),
    ],
)
def test_files_and_commands_of_the_servers_machine_are_denied(
    standing: Served, name: str, request_: dict[str, object]
) -> None:
    got = standing.post(name, **request_)
    assert (got.status, got.json["code"]) == (403, "denied")
    assert "root:" not in got.text


def test_a_path_is_denied_below_too_whatever_field_it_came_by(standing: Served) -> None:
    got = standing.post(
        "gate.prove", incumbent="desk:one", candidate="desk:two", must_pass=["@/etc/passwd"]
    )
    assert got.status == 403
    assert "root:" not in got.text


@pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS.values() if o.remote], ids=lambda o: o.name
)
def test_what_a_remote_caller_must_say_is_open_to_it(operation) -> None:  # type: ignore[no-untyped-def]
    required = {n for n, info in operation.request.model_fields.items() if info.is_required()}
    assert required <= set(open_fields(operation))
    shown = request_schema(operation)["properties"]
    assert set(shown) == set(open_fields(operation))
    for name in PATTERNS:
        if name in shown and operation.effect != "read":
            assert "pattern" in shown[name]


def test_fields_that_name_files_are_closed_by_name() -> None:
    hazardous = {
        *("path", "paths", "file", "folder", "data", "output", "patch", "wheels", "recordings"),
        *("suite", "share", "variable", "judge", "proposer", "repo", "traces", "runs", "requires"),
    }
    for operation in OPERATIONS.values():
        texts = set(open_fields(operation)) & OPEN_TEXTS
        assert not hazardous & texts, operation.name
