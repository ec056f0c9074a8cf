import pytest

from unit.artifacts.snippets import KINDS, candidate, refusal, run

SHELL = '#!/bin/sh\n# Count the lines of a file. Prints one number.\nwc -l < "$1"\n'
PYTHON = '"""Shout."""\nimport sys\nprint(sys.argv[1].upper())\n'


def shell(text, *runs, path="bin/count.sh", **more):
    return candidate(text, *runs, path=path, language="shell", **more)


def test_a_shell_script_with_parameters_is_a_script():
    found = shell(SHELL, run("2", "a.txt", files={"a.txt": "1\n2\n"}))
    manifest = found.tree.manifest
    assert (found.name, manifest.kind, manifest.entry) == ("count", "script", "count.sh")
    assert (manifest.runtime, manifest.capabilities.processes) == ("sh", True)
    assert found.tree.files["count.sh"].mode == "0755"
    assert found.examples[0].argv == ("a.txt",)
    assert found.examples[0].result == {"stdout": "2", "exit_code": 0}
    assert KINDS["script"].summary(found.tree) == "Count the lines of a file. Prints one number."


def test_a_python_file_meant_to_be_run_is_a_script():
    found = candidate(PYTHON, run("HI", "hi"), path="my-shout.py")
    manifest = found.tree.manifest
    assert (found.name, manifest.entry, manifest.runtime) == ("my-shout", "my_shout.py", "python")
    assert not manifest.capabilities.processes
    assert len(found.examples) == 1
    assert KINDS["script"].summary(found.tree) == "Shout."


@pytest.mark.parametrize("text", ["print(1 + 1)\n", "import os\nos.listdir('.')\n"])
def test_a_python_one_off_is_refused(text):
    assert refusal(text) == "one-off: no parameters, no function, nothing to reuse"


def test_inline_code_that_only_calls_another_file_is_a_one_off():
    text = "from totals import total; print(total([1]))"
    assert (
        refusal(text, path="inline-4.py", how="inline", siblings={"totals.py": ""})
        == "one-off: only calls totals.py"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ls -la\n", "one-off: no parameters, no function, nothing to reuse"),
        ('grep "$1" /testbed/src/a.py\n', "reads /testbed/src/a.py, which only that machine had"),
    ],
)
def test_a_shell_refusal_says_why(text, reason):
    assert refusal(text, path="f.sh", language="shell") == reason


def test_a_shell_script_that_needs_another_session_file_is_refused():
    reason = refusal(
        '. ./lib.sh\ngo "$1"\n', path="f.sh", language="shell", siblings={"lib.sh": "x"}
    )
    assert reason.startswith("runs lib.sh")


def test_output_that_may_hold_the_second_stream_is_no_example():
    for text in [SHELL + "echo done >&2\n", 'echo "$1" 2>/dev/stderr\n']:
        assert shell(text, run("x", "a")).examples == ()
    assert (
        candidate("import sys\nsys.stderr.write('x')\nprint(sys.argv)\n", run("x")).examples == ()
    )
    assert candidate(PYTHON, run("x", "a", exit_code=None)).examples == ()
    failed = "import sys\nif not sys.argv[1:]:\n    sys.exit('no words')\n"
    assert candidate(failed, run("no words", exit_code=1)).examples == ()


def test_files_named_by_absolute_paths_move_into_the_work_folder():
    seen = run("2", "/tmp/a.txt", files={"/tmp/a.txt": "1\n2\n"})
    example = shell(SHELL, seen).examples[0]
    assert (example.argv, example.files) == (("a.txt",), {"a.txt": "1\n2\n"})
    told = run("2 /tmp/a.txt", "/tmp/a.txt", files={"/tmp/a.txt": "1\n2\n"})
    assert shell(SHELL, told).examples == ()


SKILL = "---\nname: count-lines\ndescription: Counts lines. Use when asked.\n---\n# Count\n"


def test_a_skill_folder_is_one_artifact():
    siblings = {".claude/skills/count-lines/scripts/c.sh": SHELL, "other.py": "x = 1\n"}
    found = candidate(
        SKILL, path=".claude/skills/count-lines/SKILL.md", language="markdown", siblings=siblings
    )
    assert (found.name, found.tree.manifest.kind) == ("count-lines", "skill")
    assert sorted(found.tree.files) == ["SKILL.md", "lignin.json", "scripts/c.sh"]
    assert KINDS["skill"].summary(found.tree) == "Counts lines. Use when asked."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# Count\n", "SKILL.md has no front matter"),
        ("---\nname: a\n---\n", "SKILL.md has no description"),
        ("---\n[a\n---\n", "the front matter of SKILL.md is not YAML"),
    ],
)
def test_a_broken_skill_is_refused(text, reason):
    assert refusal(text, path="s/SKILL.md", language="markdown") == reason


def test_prompts_are_told_from_notes_by_their_place():
    found = candidate(
        "# Title\n\nYou sum orders. Be exact.\n", path="prompts/sum.md", language="markdown"
    )
    assert (found.name, found.tree.manifest.kind) == ("sum", "prompt")
    assert KINDS["prompt"].summary(found.tree) == "You sum orders. Be exact."
    assert refusal("# Notes\n", path="NOTES.md", language="markdown").startswith("notes for people")


TEST = "from totals import total\n\ndef test_total():\n    assert total([1]) == 1\n"
CODE = {"totals.py": "def total(x: list[int]) -> int:\n    return sum(x)\n"}


def test_a_test_carries_the_code_that_it_tests():
    found = candidate(TEST, path="tests/test_totals.py", siblings=CODE)
    assert (found.tree.manifest.kind, found.tree.manifest.entry) == ("test", "test_totals.py")
    assert sorted(found.tree.files) == ["lignin.json", "test_totals.py", "totals.py"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import pytest\n" + TEST, "imports pytest, which is not in the standard library"),
        (
            TEST.replace("test_total()", "test_total(tmp_path)"),
            "needs the fixture tmp_path of a test runner",
        ),
        ("def test_a():\n    assert 1\n", "tests nothing that its session wrote"),
        ("x = 1\n", "holds no test function"),
    ],
)
def test_a_test_that_proves_nothing_here_is_refused(text, reason):
    assert refusal(text, path="test_totals.py", siblings=CODE) == reason


def test_an_unfollowed_snippet_is_refused_with_its_flaw_in_every_language():
    for path, language in [
        ("f.py", "python"),
        ("f.sh", "shell"),
        ("a.md", "markdown"),
        ("a.js", "other"),
    ]:
        assert refusal("x", path=path, language=language, flaw="lost") == "lost"


def test_other_languages_are_refused_by_name():
    reason = refusal("let x = 1", path="a.ts", language="other")
    assert reason == "written in TypeScript; only Python and shell can be proven"
