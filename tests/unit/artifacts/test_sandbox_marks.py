"""Source that tells the sandbox from the world outside, and source that only seems to."""

import pytest

from lignin.artifacts.check import Observations
from lignin.artifacts.checks.sandbox_marks import CHECK, python_marks, shell_marks
from lignin.artifacts.kinds.program import KIND as PROGRAM
from lignin.domain.artifacts import Capabilities, File, Manifest, make_tree
from lignin.domain.evidence import CheckResult


def judged(path: str, text: str, **manifest: object) -> CheckResult:
    made = Manifest(kind="script", entry=path, **manifest)  # type: ignore[arg-type]
    tree = make_tree({"lignin.json": made.to_file(), path: File(content=text.encode())})
    return CHECK.judge(Observations(manifest=made, tree=tree, sources={path: text}))


@pytest.mark.parametrize(
    "line",
    [
        "import lignin_guest",
        "from lignin_guest import call",
        "x = 'lignin_guest' in sys.modules",
        "x = os.path.exists('/artifact')",
        "x = __file__.startswith('/artifact/')",
        "x = os.getcwd() == '/work'",
        "x = open(f'/work/{name}')",
        "x = os.listdir('/lignin/run')",
        "x = os.getuid() == 1000",
        "x = 1000 != os.geteuid()",
        "x = os.getpid() == 2",
        "x = os.getpid() < 10",
        "x = getppid() in (0, 1)",
        "x = os.getpid() in range(5)",
        "pid = os.getpid()\nif pid < 10: pass",
        "x = socket.gethostname() == 'sandbox'",
        "x = platform.node() != 'a'",
        "x = os.uname().nodename.startswith('lignin')",
        "x = not os.environ",
        "x = 1 if os.environ else 2",
        "x = len(os.environ) < 5",
        "x = os.environ == {}",
        "from os import environ\nif not environ: pass",
    ],
)
def test_python_that_tells_the_sandbox_from_elsewhere_fails_with_its_line(line: str) -> None:
    found = judged("a.py", f"import os\n{line}\n")
    at = 2 + line.count("\n") if not line.startswith("from lignin") else 2
    assert found.verdict == "fail"
    assert found.reasons[0].startswith(f"a.py:{at} looks for the sandbox by ")


@pytest.mark.parametrize(
    "line",
    [
        '"""Works in /work and knows /artifact."""',
        "# runs in /work as lignin_guest",
        "x = 'the work is done'",
        "x = 'http://host/work/a'",
        "x = '/workshop/a'",
        "x = '/artifacts/a'",
        "x = 'not in /work'",
        "x = 'artifact'",
        "x = f'tmp-{os.getpid()}'",
        "x = os.getuid() == 0",
        "x = os.getpid() == other",
        "x = socket.gethostname()",
        "x = tree.node() == 'leaf'",
        "x = 'HOME' in os.environ",
        "x = os.environ.get('HOME') == 'a'",
        "x = dict(os.environ or {})",
        "x = len(words) < 5",
        "x = 1000 == count",
    ],
)
def test_python_that_only_speaks_of_such_things_passes(line: str) -> None:
    assert judged("a.py", f"import os\n{line}\n").reasons == ()


@pytest.mark.parametrize(
    "line",
    [
        "[ -d /artifact ] && exit 0",
        'if [ "$PWD" = "/work" ]; then exit; fi',
        "cat /work/in.txt",
        "ls /lignin/",
        "python3 -c 'import lignin_guest'",
        "if [ $$ -lt 10 ]; then exit; fi",
        '[ "$$" = 2 ]',
        "(( $$ < 5 ))",
        "[ $UID -eq 1000 ]",
        '[ "$(id -u)" = 1000 ]',
        '[ "$(hostname)" = box ]',
        '[[ "$HOSTNAME" == lignin* ]]',
        '[ -z "$(env)" ]',
        "[ $(env | wc -l) -lt 5 ]",
    ],
)
def test_shell_that_tells_the_sandbox_from_elsewhere_fails(line: str) -> None:
    found = judged("a.sh", f"#!/bin/sh\n{line}\n")
    assert found.verdict == "fail"
    assert found.reasons[0].startswith("a.sh:2 looks for the sandbox by ")


@pytest.mark.parametrize(
    "line",
    [
        "# lives in /work",
        "echo 'the work is done' # /artifact",
        "cd work/artifact",
        "cat ./work/in.txt",
        "cat $HOME/work/in.txt",
        "cat ${ROOT}/work/in.txt",
        "curl http://host/work/",
        "ls /workshop /artifacts",
        "out=/tmp/x.$$",
        "[ $UID -eq 0 ]",
        '[ "$count" -eq 1000 ]',
        "hostname",
        "[ $n -lt 10 ]",
        "env LC_ALL=C sort",
    ],
)
def test_shell_that_only_speaks_of_such_things_passes(line: str) -> None:
    assert judged("a.sh", f"#!/bin/sh\n{line}\n").reasons == ()


def test_the_guests_module_is_for_artifacts_with_tools_and_only_what_it_offers() -> None:
    tools = Capabilities(tools={"search": "sha256:" + "0" * 64})
    plain = "import lignin_guest\ndef f():\n    return lignin_guest.call('search', {})\n"
    assert judged("a.py", plain, capabilities=tools).verdict == "pass"
    assert judged("a.py", plain).verdict == "fail"
    reaching = plain + "lignin_guest._active = False\n"
    assert judged("a.py", reaching, capabilities=tools).reasons == (
        "a.py:4 looks for the sandbox by lignin_guest._active",
    )


def test_files_are_read_by_their_runtime_or_shebang_and_tests_are_not() -> None:
    assert judged("tool", "[ -d /artifact ]\n", runtime="bash").verdict == "fail"
    assert judged("tool", "#!/usr/bin/env python3\nopen('/work/a')\n").verdict == "fail"
    assert judged("test_a.py", "x = '/work/a'\n").verdict == "pass"
    assert judged("notes.txt", "/work/a\n").verdict == "pass"


def test_source_that_does_not_parse_has_no_marks_of_its_own() -> None:
    assert (list(python_marks("def (")), list(shell_marks(""))) == ([], [])


def test_programs_are_asked_for_marks_of_the_sandbox() -> None:
    assert "sandbox_marks" in PROGRAM.checks
