"""A coding agent as a command proposes as the port demands: in the sandbox, as a process, behind a wall."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.unopened import no_model, no_wall
from lignin.adapters.proposers.opening import open_proposer
from lignin.adapters.sandbox.bubblewrap import find_open_wall
from lignin.adapters.systems.content import read_content
from lignin.adapters.systems.orphans import running
from lignin.app import load_settings, open_context
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.ports.proposer import Proposer, ProposerAsked
from lignin.ports.sandbox import Sandbox
from lignin.testing.conformance.proposer import BRIEF, Make, ProposerConformance
from lignin.testing.fakes.model_server import Reply, model_server
from lignin.testing.fakes.sandbox import ProcessSandbox

AGENT = """
import json, os, sys
brief = sys.stdin.read()
assert open("BRIEF.md").read() == brief, "no brief"
how = sys.argv[1]
if how == "drafts":
    open("files/prompts/main.md", "w").write("Say no.\\n")
    os.remove("files/prompts/old.md")
    open("files/prompts/new.md", "w").write("And why.\\n")
if how == "refuses":
    json.dump({"refused": "No."}, open("draft.json", "w"))
if how == "breaks":
    sys.exit("no idea")
if how == "outside":
    open("files/agent.py", "a").write("print('no')\\n")
    open("files/prompts/main.md", "w").write("Say no.\\n")
if how == "links":
    os.remove("files/prompts/main.md")
    os.symlink("/etc/passwd", "files/prompts/main.md")
if how == "folder":
    os.symlink("/etc", "files/prompts/inner")
if how == "garbled":
    open("draft.json", "w").write("{")
if how == "endless":
    while True: pass
if how == "drafts":
    told = {"kind": "prompt", "hypothesis": "It is told to say yes.", "predicted": 0.4}
    json.dump(told, open("draft.json", "w"))
print("done")
"""


class TestCommand(ProposerConformance):
    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        made = ProcessSandbox()
        yield made
        made.close()

    @pytest.fixture
    def make(self, tmp_path: Path, sandbox: Sandbox) -> Make:
        (tmp_path / "agent").mkdir(exist_ok=True)
        (tmp_path / "agent" / "main.py").write_text(AGENT)

        def made(behaviour: str) -> Proposer:
            limit_s = 1.5 if behaviour == "endless" else 20.0
            words = f"python agent/main.py {behaviour}"
            return opened(tmp_path, words, sandbox, limit_s=limit_s)

        return made

    def test_what_it_changed_added_and_deleted_is_the_draft(self, make: Make) -> None:
        proposed = make("drafts").propose(BRIEF, 0)
        assert proposed.draft is not None
        assert {path: file and file.content for path, file in proposed.draft.files.items()} == {
            "prompts/main.md": b"Say no.\n",
            "prompts/new.md": b"And why.\n",
            "prompts/old.md": None,
        }
        assert proposed.draft.predicted == 0.4

    @pytest.mark.parametrize("behaviour", ["links", "folder"])
    def test_a_link_is_refused_by_name_and_never_followed(self, make: Make, behaviour: str) -> None:
        proposed = make(behaviour).propose(BRIEF, 0)
        assert (proposed.ended, proposed.draft) == ("failed", None)
        assert "files/prompts/" in proposed.why
        assert "root:" not in proposed.why

    def test_an_answer_that_is_no_json_is_a_failure(self, make: Make) -> None:
        assert "draft.json" in make("garbled").propose(BRIEF, 0).why

    def test_what_never_ends_is_ended(self, make: Make) -> None:
        assert make("endless").propose(BRIEF, 0).ended == "failed"


class TestCommandInRealSandbox(TestCommand):
    @pytest.fixture
    def sandbox(self, real_sandbox: Sandbox) -> Sandbox:
        return real_sandbox

    def test_it_reaches_nothing_but_its_folder(self, tmp_path: Path, sandbox: Sandbox) -> None:
        """Neither the store, nor hidden cases, nor variables, nor a network, nor a way out."""
        home = tmp_path / "home"
        home.mkdir()
        (home / "ledger.db").write_text("the hidden case cas_hidden")
        (tmp_path / "spy.py").write_text(SPY)
        proposed = opened(tmp_path, f"python spy.py {home}", sandbox).propose(BRIEF, 0)
        assert proposed.draft is not None, proposed.why
        found = json.loads(proposed.draft.files["prompts/seen.md"].content)  # type: ignore[union-attr]
        assert found == {
            "store": False,
            "link": False,
            "secrets": [],
            "net": False,
            "wrote": [],
            "hidden": [],
            "processes": True,
        }
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "spy.py"]


SPY = """
import json, os, socket, sys
home = sys.argv[1]
found = {"store": os.path.exists(os.path.join(home, "ledger.db"))}
os.symlink(home, "files/way"), os.symlink(os.path.join(home, "ledger.db"), "files/file")
try:
    found["link"] = bool(open("files/file").read())
except OSError:
    found["link"] = False
os.remove("files/way"), os.remove("files/file")
found["secrets"] = [name for name in os.environ if "KEY" in name or "LIGNIN" in name or "TOKEN" in name]
try:
    socket.create_connection(("127.0.0.1", 80), 2).close()
    found["net"] = True
except OSError as error:
    found["net"] = isinstance(error, ConnectionRefusedError)
found["wrote"] = []
for place in ("/usr/x", "/artifact/x", os.path.join(home, "x"), "/etc/x"):
    try:
        open(place, "w").close()
        found["wrote"].append(place)
    except OSError:
        pass
found["hidden"] = []
for folder, inner, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/usr", "/dev", sys.base_prefix, sys.prefix)):
        inner.clear()
        continue
    for name in names:
        try:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and b"cas_hidden" in open(path, "rb").read(100000):
                found["hidden"].append(os.path.join(folder, name))
        except OSError:
            pass
found["hidden"] = [each for each in found["hidden"] if not each.endswith("spy.py")]
found["processes"] = len([name for name in os.listdir("/proc") if name.isdigit()]) < 6
json.dump(found, open("files/prompts/seen.md", "w"))
"""


class TestPlainCommand(TestCommand):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        (tmp_path / "agent").mkdir(exist_ok=True)
        (tmp_path / "agent" / "main.py").write_text(AGENT)
        python = sys.executable

        def made(behaviour: str) -> Proposer:
            limit_s = 1.5 if behaviour == "endless" else 20.0
            return opened(tmp_path, f"{python} agent/main.py {behaviour}", None, limit_s=limit_s)

        return made

    def test_it_is_not_told_where_the_store_is(self, tmp_path: Path) -> None:
        (tmp_path / "spy.py").write_text(
            "import os\nopen('files/prompts/main.md', 'w').write(' '.join(sorted(os.environ)))\n"
        )
        environment = {**os.environ, "LIGNIN_HOME": "/x", "LIGNIN_STORE": "sqlite:///x", "OWN": "1"}
        proposed = opened(tmp_path, f"{sys.executable} spy.py", None, environment).propose(BRIEF, 0)
        assert proposed.draft is not None
        seen = proposed.draft.files["prompts/main.md"].content.decode()  # type: ignore[union-attr]
        assert "OWN" in seen
        assert "LIGNIN" not in seen

    def test_a_program_that_is_not_there_is_a_failure(self, tmp_path: Path) -> None:
        assert opened(tmp_path, "no-such-program", None).propose(BRIEF, 0).ended == "failed"


def opened(
    folder: Path,
    words: str,
    sandbox: Sandbox | None,
    environment: dict[str, str] | None = None,
    limit_s: float = 20.0,
) -> Proposer:
    asked = ProposerAsked(
        spec=f"command:{words}",
        folder=folder,
        unsandboxed=sandbox is None,
        environment=environment or dict(os.environ),
        limit_s=limit_s,
    )

    def content(command: str) -> tuple[object, object]:
        found = read_content(command, folder)
        return found.placed, found.files

    return open_proposer(asked, no_model, lambda: sandbox, content, no_wall, keep=running)  # type: ignore[arg-type, return-value]


class TestWalledCommand(TestCommand):
    """Behind walls that have a network: for agents that cannot do without one."""

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        (tmp_path / "agent").mkdir(exist_ok=True)
        (tmp_path / "agent" / "main.py").write_text(AGENT)

        def made(behaviour: str) -> Proposer:
            limit_s = 3.0 if behaviour == "endless" else 20.0
            return walled(tmp_path, f"agent/main.py {behaviour}", limit_s=limit_s)

        return made

    def test_it_reaches_the_network_what_is_shared_and_nothing_else(self, tmp_path: Path) -> None:
        home, shared = tmp_path / "home", tmp_path / "shared"
        home.mkdir(), shared.mkdir()
        (home / "hidden.json").write_text("the hidden case cas_hidden")
        (shared / "account").write_text("mine")
        for folder in (shared, tmp_path, *tmp_path.parents):
            if "pytest" in str(folder):
                folder.chmod(0o755)
        (tmp_path / "spy.py").write_text(
            SPY.replace('127.0.0.1", 80', '127.0.0.1", int(os.environ["OWN_PORT"])').replace(
                'found["processes"]',
                f'found["account"] = open({str(shared / "account")!r}).read()\nfound["processes"]',
            )
        )
        with model_server([Reply()]) as server:
            variables = {"OWN_PORT": server.address.rsplit(":", 1)[1], "OWN_TOKEN": "secret"}
            proposed = walled(
                tmp_path,
                f"spy.py {home}",
                environment={
                    **os.environ,
                    "LIGNIN_HOME": str(home),
                    "HOME": str(home),
                    **variables,
                },
                variables=("OWN_PORT",),
                share=(str(shared),),
            ).propose(BRIEF, 0)
        assert proposed.draft is not None, proposed.why
        found = json.loads(proposed.draft.files["prompts/seen.md"].content)  # type: ignore[union-attr]
        assert found == {
            "store": False,
            "link": False,
            "secrets": [],
            "net": True,
            "wrote": [],
            "hidden": [],
            "processes": True,
            "account": "mine",
        }
        assert (shared / "account").read_text() == "mine"

    def test_what_is_not_there_cannot_be_shared_or_given(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidRequestError, match="OWN_ABSENT"):
            walled(tmp_path, "-c 1", variables=("OWN_ABSENT",))
        with pytest.raises(UnavailableError, match="absent is not there"):
            walled(tmp_path, "-c 1", share=(str(tmp_path / "absent"),)).propose(BRIEF, 0)


def walled(
    folder: Path,
    words: str,
    *,
    environment: dict[str, str] | None = None,
    variables: tuple[str, ...] = (),
    share: tuple[str, ...] = (),
    limit_s: float = 20.0,
) -> Proposer:
    """A command as the program itself opens it, where walls with a network can be had."""
    environment = {**(environment or dict(os.environ)), "LIGNIN_HOME": str(folder / "home")}
    reason = find_open_wall(("/usr/bin/python3",), (), "/home/dev").without
    if reason:
        pytest.skip(f"no walls with a network here: {reason}")
    asked = ProposerAsked(
        spec=f"command:/usr/bin/python3 {words}",
        folder=folder,
        environment=environment,
        network=True,
        share=share,
        variables=variables,
        limit_s=limit_s,
    )
    with open_context(load_settings(environment, folder)) as context:
        return context.open_proposer(asked)
