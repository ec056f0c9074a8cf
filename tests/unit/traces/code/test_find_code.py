import pytest

from lignin.traces.code import find_code
from unit.traces.code.session_of import bash, call, found, session, write

TOTALS = "def total(a: int, b: int) -> int:\n    return a + b\n"


def only(snippets):
    assert len(snippets) == 1
    return next(iter(snippets.values()))


def test_claude_code_edits_are_followed_to_the_last_version():
    snippet = only(
        found(
            write("/project/helpers/totals.py", TOTALS),
            call(
                "Edit",
                {
                    "file_path": "/project/helpers/totals.py",
                    "old_string": "a + b",
                    "new_string": "b + a",
                },
            ),
            call(
                "MultiEdit",
                {
                    "file_path": "/project/helpers/totals.py",
                    "edits": [
                        {"old_string": "total", "new_string": "sum_up"},
                        {"old_string": "b", "new_string": "c", "replace_all": True},
                    ],
                },
            ),
        )
    )
    assert snippet.path == "helpers/totals.py"
    assert snippet.text == "def sum_up(a: int, c: int) -> int:\n    return c + a\n"
    assert (snippet.how, snippet.index, snippet.flaw) == ("edited", 3, "")


def test_an_edit_that_cannot_be_followed_marks_the_snippet():
    missed = {"file_path": "/project/f.py", "old_string": "nowhere", "new_string": "x"}
    snippet = only(found(write("/project/f.py", TOTALS), call("Edit", missed)))
    assert "could not be followed" in snippet.flaw
    assert snippet.text == TOTALS


def test_an_ambiguous_edit_marks_the_snippet():
    twice = {"file_path": "/project/f.py", "old_string": "a", "new_string": "x"}
    assert "more than once" in only(found(write("/project/f.py", TOTALS), call("Edit", twice))).flaw


def test_an_edit_that_the_client_refused_did_not_happen():
    edit = {"file_path": "/project/f.py", "old_string": "a + b", "new_string": "0"}
    snippet = only(found(write("/project/f.py", TOTALS), call("Edit", edit, is_error=True)))
    assert (snippet.text, snippet.flaw) == (TOTALS, "")


def test_an_edit_of_a_file_the_agent_did_not_write_is_said_to_be_one():
    edit = {"file_path": "/project/src/x.py", "old_string": "a", "new_string": "b = 1"}
    assert only(found(call("Edit", edit))).flaw.startswith("edit of a repository's own file")


def test_a_file_that_was_read_first_belongs_to_the_repository():
    read = call("Read", {"file_path": "/project/x.py"}, "1\tx = 1")
    assert "own file" in only(found(read, write("/project/x.py", "x = 2\n"))).flaw


@pytest.mark.parametrize("shape", ["tool", "heredoc", "argv"])
def test_codex_patches_are_followed(shape):
    first = (
        "*** Begin Patch\n*** Add File: p.py\n+import sys\n+print(len(sys.argv))\n*** End Patch\n"
    )
    second = (
        "*** Begin Patch\n*** Update File: p.py\n@@\n import sys\n-print(len(sys.argv))\n"
        "+print(len(sys.argv) - 1)\n*** End Patch\n"
    )

    def patch(text):
        if shape == "tool":
            return call("apply_patch", {"input": text})
        if shape == "argv":
            return call("shell", {"command": ["apply_patch", text]})
        return call("exec_command", {"cmd": f"apply_patch <<'EOF'\n{text}EOF\n"})

    snippet = only(found(patch(first), patch(second), form="codex"))
    assert snippet.text == "import sys\nprint(len(sys.argv) - 1)\n"


def test_a_patch_that_does_not_fit_marks_the_snippet():
    patch = "*** Begin Patch\n*** Update File: f.py\n@@\n-nowhere\n+x\n*** End Patch"
    snippet = only(found(write("/project/f.py", TOTALS), call("apply_patch", {"input": patch})))
    assert "could not be followed" in snippet.flaw


def test_swe_agent_line_edits_are_followed():
    snippet = only(
        found(
            bash("create bug.py\n", "[File: bug.py (1 lines total)]\n1:"),
            bash("edit 1:1\nimport sys\nprint(sys.argv[1])\nend_of_edit\n", "[File: bug.py]"),
            bash("edit 2:2\nprint(sys.argv[1:])\nend_of_edit\n", "introduced new syntax error(s)"),
            bash("python bug.py hello\n", "hello\n", is_error=None, exit_code=0),
            bash("rm bug.py"),
            form="swe_agent",
            cwd="",
        )
    )
    assert snippet.text == "import sys\nprint(sys.argv[1])\n"
    assert [run.argv for run in snippet.runs] == [("hello",)]


def test_the_str_replace_editor_is_followed_in_both_spellings():
    create = {"command": "create", "path": "/testbed/a.py", "file_text": "x = 1\n"}
    insert = {"command": "insert", "path": "/testbed/a.py", "insert_line": 1, "new_str": "y = 2"}
    replace = "str_replace_editor str_replace /testbed/a.py --old_str 'x = 1' --new_str 'x = 3'"
    snippet = only(
        found(
            call("str_replace_editor", create),
            call("str_replace_editor", insert),
            bash(replace),
            cwd="/testbed",
        )
    )
    assert snippet.text == "x = 3\ny = 2\n"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("cat > f.sh <<'EOF'\necho $1\nEOF", "echo $1\n"),
        ("cat <<'EOF' | tee f.sh\necho $1\nEOF", "echo $1\n"),
        ("cat <<'EOF' > f.sh\necho $1\nEOF", "echo $1\n"),
        ("printf 'echo %s\\n' hi > f.sh", "echo hi\n"),
        ("echo 'echo $1' > f.sh; echo 'ls' >> f.sh", "echo $1\nls\n"),
        ("tee f.sh <<'EOF' >/dev/null\nls\nEOF", "ls\n"),
    ],
)
def test_files_written_by_the_shell_are_found(command, text):
    snippet = found(bash(command))["f.sh"]
    assert (snippet.text, snippet.language, snippet.how) == (text, "shell", "heredoc")


def test_text_that_the_shell_filled_in_is_marked():
    assert "filled in" in found(bash("cat > f.sh <<EOF\necho $HOME\nEOF"))["f.sh"].flaw


def test_code_given_in_place_is_found():
    snippets = found(
        bash("python3 - <<'PY'\nprint(1)\nPY", "1"),
        bash("python -c 'print(2)'", "2"),
        bash("bash -c 'echo 3'", "3"),
        bash("bash <<'EOF'\necho 4\nEOF", "4"),
    )
    assert [(s.text, s.language, s.how) for s in snippets.values()] == [
        ("print(1)\n", "python", "heredoc"),
        ("print(2)", "python", "inline"),
        ("echo 3", "shell", "inline"),
        ("echo 4\n", "shell", "heredoc"),
    ]


SCRIPT = "import sys\nprint(sys.argv[1:], sys.stdin.read())\n"


@pytest.mark.parametrize(
    ("command", "argv", "stdin"),
    [
        ("python f.py a b", ("a", "b"), ""),
        ("cd /project && python3 -u f.py 'a b'", ("a b",), ""),
        ("PYTHONPATH=. timeout 5 python f.py", (), ""),
        ("echo '{\"a\":1}' | python f.py", (), '{"a":1}\n'),
        ("echo '{\"a\":1}' > in.json; python f.py < in.json", (), '{"a":1}\n'),
        ("echo x > in.json\ncat in.json | python f.py", (), "x\n"),
        ("python f.py - <<'EOF'\nbody\nEOF", ("-",), "body\n"),
        ("python -m f q", ("q",), ""),
        ("./f.py q", ("q",), ""),
        ("mkdir -p out; python f.py a 2>/dev/null", ("a",), ""),
    ],
)
def test_a_run_is_observed_with_its_words_and_input(command, argv, stdin):
    run = found(write("/project/f.py", SCRIPT), bash(command, "shown"))["f.py"].runs[0]
    assert (run.argv, run.stdin, run.stdout, run.exit_code) == (argv, stdin, "shown", 0)


@pytest.mark.parametrize(
    "command",
    [
        "python f.py a | head",
        "python f.py a && python f.py b",
        "python f.py a; echo done",
        "python f.py a > out.txt",
        "ls && python f.py a",
        "DEBUG=1 python f.py a",
        'python f.py "$X"',
        "python f.py a || true",
        "for i in 1 2; do python f.py $i; done",
        "python f.py unknown.csv",
        "curl -s x | python f.py",
        "python f.py < unknown.json",
        "python f.py a &",
        "(python f.py a)",
        "bash -x f.py",
    ],
)
def test_an_observation_that_may_be_anothers_is_not_taken(command):
    assert found(write("/project/f.py", SCRIPT), bash(command, "shown"))["f.py"].runs == ()


def test_cut_and_missing_observations_are_not_taken():
    for shown in ["a\n... [200 lines truncated] ...\nb", None]:
        assert found(write("/project/f.py", SCRIPT), bash("python f.py", shown))["f.py"].runs == ()


def test_exit_codes_are_read_in_every_clients_way():
    for shown, more in [
        ("Exit code 3\nno", {"is_error": True}),
        ("<returncode>3</returncode>\n<output>\nno\n</output>", {"is_error": None}),
        ('{"output":"no","metadata":{"exit_code":3,"duration_seconds":0.1}}', {"is_error": None}),
        ("Exit code: 3\nWall time: 0.1 seconds\nOutput:\nno", {"is_error": None}),
    ]:
        run = found(write("/project/f.py", SCRIPT), bash("python f.py", shown, **more))[
            "f.py"
        ].runs[0]
        assert (run.stdout, run.exit_code) == ("no", 3)


def test_a_failure_after_another_command_is_not_taken():
    calls = [
        write("/project/f.py", SCRIPT),
        bash("cd x && python f.py", "Exit code 1\nno", is_error=True),
    ]
    assert found(*calls)["f.py"].runs == ()


def test_runs_of_an_earlier_version_are_dropped():
    snippet = found(
        write("/project/f.py", SCRIPT),
        bash("python f.py a", "old"),
        call("Edit", {"file_path": "/project/f.py", "old_string": "[1:]", "new_string": "[1]"}),
        bash("python f.py b", "new"),
    )["f.py"]
    assert [run.stdout for run in snippet.runs] == ["new"]


def test_runs_before_an_imported_file_changed_are_dropped():
    snippet = found(
        write("/project/lib.py", "X = 1\n"),
        write("/project/f.py", "import lib\nprint(lib.X)\n"),
        bash("python f.py", "1"),
        write("/project/lib.py", "X = 2\n"),
    )["f.py"]
    assert snippet.runs == ()
    assert snippet.siblings == {"lib.py": "X = 2\n"}


def test_inline_code_is_a_run_of_what_it_imports():
    code = "from helpers.totals import total; print(total(1, 2))"
    snippet = found(write("/project/helpers/totals.py", TOTALS), bash(f'python -c "{code}"', "3"))[
        "helpers/totals.py"
    ]
    assert [(run.command, run.inline, run.stdout) for run in snippet.runs] == [
        ("inline", code, "3")
    ]


def test_files_that_a_run_could_read_come_with_it():
    snippet = found(
        write(
            "/project/f.py", "import sys\nprint(open(sys.argv[1]).read(), open('b.txt').read())\n"
        ),
        write("/project/b.txt", "B"),
        bash("cat a.json", '{"a": 1}'),
        bash("python f.py a.json", "x"),
    )["f.py"]
    assert snippet.runs[0].files == {"a.json": '{"a": 1}\n', "b.txt": "B"}


def test_a_changed_folder_is_kept_between_calls_where_the_client_keeps_it():
    calls = [write("/project/sub/f.py", SCRIPT), bash("cd sub"), bash("python f.py a", "x")]
    assert len(found(*calls)["sub/f.py"].runs) == 1
    assert found(*calls, form="codex")["sub/f.py"].runs == ()


def test_odd_calls_do_no_harm():
    odd = [
        call("Write", {"file_path": 3, "content": None}),
        call("Edit", {"edits": ["x", {}]}),
        call("Bash", {"command": ["a", 1]}),
        call("apply_patch", {"input": "nonsense"}),
        call("insert", {"text": "x"}),
        call("", {}),
        bash("echo 'open"),
    ]
    assert find_code(session(*odd)) == ()


def test_a_file_of_the_same_name_in_another_folder_is_not_the_agents():
    for command in ["cd /elsewhere && python f.py a", "python /elsewhere/f.py a"]:
        assert found(write("/project/f.py", SCRIPT), bash(command, "x"))["f.py"].runs == ()
    elsewhere = call("exec_command", {"cmd": "python f.py a", "workdir": "/elsewhere"}, "x")
    assert found(write("/project/f.py", SCRIPT), elsewhere, form="codex")["f.py"].runs == ()
