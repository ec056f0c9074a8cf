import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.governance.laws.grants import parse_grants, parse_servers

GOOD = {"variable": '"T"', "hosts": '["a.test"]', "paths": '["/v1/"]'}


def text(**changes: str | None) -> str:
    fields = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return "[secrets.s]\n" + "\n".join(f"{key} = {value}" for key, value in fields.items())


def test_grant_says_source_host_header_method_and_path() -> None:
    grant = parse_grants(text())["s"]
    assert (grant.header, grant.value("x"), grant.methods) == ("Authorization", "Bearer x", ["GET"])
    assert [str(origin) for origin in grant.origins] == ["https://a.test"]


@pytest.mark.parametrize(
    "changes",
    [
        {"hosts": "[]"},
        {"hosts": '["http://a.test"]'},
        {"hosts": '["*.a.test"]'},
        {"hosts": '["10.0.0.1"]'},
        {"hosts": '["a.test/v1"]'},
        {"paths": "[]"},
        {"paths": None},
        {"paths": '["v1"]'},
        {"paths": '["/v1/../"]'},
        {"paths": '["/v%31"]'},
        {"paths": '["//"]'},
        {"methods": '["CONNECT"]'},
        {"methods": '["get"]'},
        {"header": '"Host"'},
        {"header": '"X-Forwarded-For"'},
        {"header": '"A: b"'},
        {"form": '"Bearer"'},
        {"form": '"{} {}"'},
        {"form": '"Bearer {}\\r\\n"'},
        {"form": '"ü {}"'},
        {"variable": None},
        {"file": '"~/t"'},
        {"value": '"hunter2hunter2"'},
    ],
    ids=str,
)
def test_grant_that_is_too_wide_or_unclear_is_refused(changes: dict[str, str | None]) -> None:
    with pytest.raises(InvalidRequestError, match="secrets"):
        parse_grants(text(**changes))


@pytest.mark.parametrize("broken", ["[secrets", "secret = 1", "[secrets]\na = 1"])
def test_broken_grants_file_grants_nothing(broken: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_grants(broken)


def test_a_refused_file_is_not_quoted() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_grants(text(value='"hunter2hunter2"'))
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


def test_servers_are_read_beside_the_secrets() -> None:
    servers = parse_servers(
        text() + '\n[servers.desk-2]\ncommand = ["serve", "--fast"]\nvariables = ["TOKEN"]\n'
        '[servers.far]\nurl = "https://tools.example.test/mcp"\ntimeout_s = 5\n'
        '[servers.near]\nurl = "http://127.0.0.1:8000/mcp"\n'
    )
    assert list(servers) == ["desk-2", "far", "near"]
    assert (servers["desk-2"].command, servers["far"].timeout_s) == (["serve", "--fast"], 5)


@pytest.mark.parametrize(
    "broken",
    [
        "[servers.a]\n",
        '[servers.a]\ncommand = ["x"]\nurl = "https://a.test/"\n',
        '[servers.a]\ncommand = [""]\n',
        '[servers.a]\ncommand = "x"\n',
        '[servers.A]\ncommand = ["x"]\n',
        '[servers."a b"]\ncommand = ["x"]\n',
        '[servers.a]\nurl = "http://a.test/"\n',
        '[servers.a]\nurl = "http://localhost.a.test/"\n',
        '[servers.a]\nurl = "https://me:pass@a.test/"\n',
        '[servers.a]\nurl = "file:///etc/passwd"\n',
        '[servers.a]\ncommand = ["x"]\ntimeout_s = 0\n',
        '[servers.a]\ncommand = ["x"]\ntimeout_s = 9999\n',
        '[servers.a]\ncommand = ["x"]\nreset_tool = "reset"\n',
        '[servers.a]\ncommand = ["x"]\nstate_tool = "dump"\n',
        '[servers.a]\ncommand = ["x"]\nenv = {A = "b"}\n',
    ],
)
def test_server_that_is_unclear_or_in_the_clear_is_refused(broken: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_servers(broken)
