"""Verification end to end, on programs that were written for it."""

from collections.abc import Iterator

import pytest

from lignin.artifacts.check import Check, conclude
from lignin.artifacts.check_scan import load_checks
from lignin.artifacts.verify import Verification, Verifier
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, Tree, make_tree
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.ports.sandbox import Execution, Observed
from lignin.testing.fakes.sandbox import ProcessSandbox, ScriptedSandbox
from unit.artifacts.verification_devset import FAULTY, GOOD, STR, make_kinds, obj
from unit.artifacts.verification_devset_more import MORE_FAULTY, MORE_GOOD

QUICK_GOOD = ("weekday", "fib")
QUICK_FAULTY = (
    "wrong: bound", "type: float", "effect: only on some", "random: state between calls",
    "memorised: by length",
)  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    box = ProcessSandbox()
    yield box
    box.close()


def make_verifier(sandbox: ProcessSandbox | ScriptedSandbox) -> Verifier:
    return Verifier(sandbox, load_checks(), make_kinds(), scanners=())


def make_artifact(kind: str, entry: str, runtime: str = "", **texts: str) -> Tree:
    manifest = Manifest(kind=kind, entry=entry, runtime=runtime)
    files = {name.replace("__", "."): File(content=text.encode()) for name, text in texts.items()}
    return make_tree(files | {"lignin.json": manifest.to_file()})


@pytest.mark.parametrize("name", QUICK_GOOD)
def test_good_program_passes(name: str, sandbox: ProcessSandbox) -> None:
    found = make_verifier(sandbox).verify(GOOD[name].tree(), GOOD[name].examples())
    assert (found.verdict, found.reasons) == ("pass", ())


@pytest.mark.parametrize("label", QUICK_FAULTY)
def test_faulty_program_is_refused_with_a_reason(label: str, sandbox: ProcessSandbox) -> None:
    name, source = next((name, source) for each, name, source in FAULTY if each == label)
    found = make_verifier(sandbox).verify(GOOD[name].tree(source), GOOD[name].examples())
    assert found.verdict == "fail"
    assert found.reasons


@pytest.mark.slow
def test_whole_development_set_is_judged_rightly(sandbox: ProcessSandbox) -> None:
    verifier = make_verifier(sandbox)
    refused = [
        name
        for name, spec in GOOD.items()
        if verifier.verify(spec.tree(), spec.examples()).verdict != "pass"
    ]
    passed = [
        label
        for label, name, source in FAULTY
        if verifier.verify(GOOD[name].tree(source), GOOD[name].examples()).verdict == "pass"
    ]
    refused += [
        name
        for name, spec in MORE_GOOD.items()
        if verifier.verify(spec.tree(), spec.examples()).verdict != "pass"
    ]
    passed += [
        source
        for name, source in MORE_FAULTY
        if verifier.verify(MORE_GOOD[name].tree(source), MORE_GOOD[name].examples()).verdict
        == "pass"
    ]
    assert (refused, passed) == ([], [])


def test_hang_is_refused_naming_its_input(sandbox: ProcessSandbox) -> None:
    source = "def main(n):\n    while n == 12: pass\n    return n\n"
    spec = GOOD["fib"]
    found = make_verifier(sandbox).verify(
        spec.tree(source), [Example(arguments={"n": 12}, result=12)] * 3
    )
    assert found.verdict == "fail"
    assert any("no answer within" in reason and '{"n":12}' in reason for reason in found.reasons)


def test_two_examples_and_no_tests_are_inconclusive(sandbox: ProcessSandbox) -> None:
    spec = GOOD["weekday"]
    found = make_verifier(sandbox).verify(spec.tree(), spec.examples()[:2])
    assert found.verdict == "inconclusive"
    assert any("2 recorded examples" in reason for reason in found.reasons)


TESTS = """
import pytest
from main import main

@pytest.mark.parametrize("name,number", [("monday", 1), (" Sunday", 7), ("FRIDAY", 5)])
def test_days(name, number):
    assert main(name) == number

def test_all_days():
    names = "monday tuesday wednesday thursday friday saturday sunday".split()
    assert [main(name) for name in names] == list(range(1, 8))

def test_unknown():
    with pytest.raises(ValueError, match="no weekday"):
        main("someday")
"""


def test_own_tests_that_notice_faults_are_proof_enough(sandbox: ProcessSandbox) -> None:
    found = make_verifier(sandbox).verify(GOOD["weekday"].tree(**{"test_main.py": TESTS}), [])
    assert (found.verdict, found.reasons) == ("pass", ())


def test_own_tests_that_notice_nothing_prove_nothing(sandbox: ProcessSandbox) -> None:
    empty = "from main import main\ndef test_main():\n    main('monday')\n"
    found = make_verifier(sandbox).verify(GOOD["weekday"].tree(**{"test_main.py": empty}), [])
    assert found.verdict == "inconclusive"
    assert any("seeded faults" in reason for reason in found.reasons)


def test_failing_own_test_is_refused(sandbox: ProcessSandbox) -> None:
    wrong = "import unittest\nfrom main import main\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(main('monday'), 2)\n"
    spec = GOOD["weekday"]
    found = make_verifier(sandbox).verify(spec.tree(**{"test_main.py": wrong}), spec.examples())
    assert found.verdict == "fail"
    assert any("1 != 2" in reason for reason in found.reasons)


def make_test_artifact(text: str, subject: Tree) -> Tree:
    manifest = Manifest(
        kind="test", entry="test_it.py", runtime="python", dependencies={"week-day": subject.digest}
    )
    files = {"test_it.py": File(content=text.encode()), "lignin.json": manifest.to_file()}
    return make_tree(files)


def verify_test(sandbox: ProcessSandbox, text: str) -> Verification:
    subject = GOOD["weekday"].tree()
    tree = make_test_artifact(text.replace("from main", "from week_day.main"), subject)
    return make_verifier(sandbox).verify(tree, [], dependencies={"week-day": subject})


def test_test_that_kills_mutants_counts(sandbox: ProcessSandbox) -> None:
    assert verify_test(sandbox, TESTS).verdict == "pass"


def test_test_that_asserts_nothing_is_refused(sandbox: ProcessSandbox) -> None:
    found = verify_test(sandbox, "from main import main\ndef test_it():\n    main('monday')\n")
    assert found.verdict == "fail"
    assert any("seeded faults" in reason for reason in found.reasons)


def test_flaky_test_is_refused(sandbox: ProcessSandbox) -> None:
    found = verify_test(
        sandbox,
        "def test_it():\n    assert hash('a') % 1000 == hash('b') % 999 or hash('x') % 3\n" * 1,
    )
    assert found.verdict == "fail"


SCRIPT = """set -eu
count=0
while read -r line; do count=$((count + ${#line})); done
echo "$1 $count"
"""


def script_examples() -> list[Example]:
    rows = [("a", "one\ntwo\n"), ("b", ""), ("c", "hello\n"), ("d", "x\nyy\nzzz\n")]
    return [
        Example(
            argv=(word,),
            stdin=text,
            result={"stdout": f"{word} {sum(map(len, text.split()))}\n", "exit_code": 0},
        )
        for word, text in rows
    ]


def test_good_script_passes(sandbox: ProcessSandbox) -> None:
    tree = make_artifact("script", "main.sh", "bash", main__sh=SCRIPT)
    found = make_verifier(sandbox).verify(tree, script_examples())
    assert (found.verdict, found.reasons) == ("pass", ())


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT.replace("count + $", "1 + $"),
        SCRIPT + "echo done > marker.txt\n",
        SCRIPT + "exit 3\n",
        SCRIPT + "date +%N >&2; echo $RANDOM$RANDOM$RANDOM\n",
        'case "$1" in a) echo "a 6";; b) echo "b 0";; c) echo "c 5";; *) echo "e";; esac\n',
    ],
)
def test_faulty_script_is_refused(text: str, sandbox: ProcessSandbox) -> None:
    tree = make_artifact("script", "main.sh", "bash", main__sh=text)
    assert make_verifier(sandbox).verify(tree, script_examples()).verdict == "fail"


def answering(observed: Observed) -> ScriptedSandbox:
    return ScriptedSandbox(lambda execution: observed)


def test_broken_sandbox_is_inconclusive_and_not_cacheable() -> None:
    sandbox = answering(Observed(status="infrastructure", tier="none", message="no namespaces"))
    spec = GOOD["weekday"]
    found = make_verifier(sandbox).verify(spec.tree(), spec.examples())
    assert (found.verdict, found.cacheable) == ("inconclusive", False)
    assert any("no namespaces" in reason for reason in found.reasons)
    assert len(sandbox.executions) <= 8  # one try more for each run under way, then none


def test_starved_run_is_made_again_with_more_time() -> None:
    """What had little of the processor was kept from it by others, or sleeps: it proves nothing yet."""

    def starved(execution: Execution) -> Observed:
        return Observed(status="timeout", tier="none", cpu_s=0.1, wall_s=execution.limits.wall_s)

    spec = GOOD["weekday"]
    sandbox = ScriptedSandbox(starved)
    found = make_verifier(sandbox).verify(spec.tree(), spec.examples())
    assert found.verdict == "fail"
    given = {execution.limits.wall_s for execution in sandbox.executions}
    assert max(given) == 2 * min(given)


def test_sandbox_that_raises_is_no_fault_of_the_artifact() -> None:
    def broken(execution: Execution) -> Observed:
        raise OSError("no space left")

    spec = GOOD["weekday"]
    found = make_verifier(ScriptedSandbox(broken)).verify(spec.tree(), spec.examples())
    assert (found.verdict, found.cacheable) == ("inconclusive", False)


def test_wrong_answer_spares_the_later_runs() -> None:
    sandbox = answering(Observed(status="exited", tier="none", returned=True, result=-1))
    spec = GOOD["weekday"]
    found = make_verifier(sandbox).verify(spec.tree(), spec.examples())
    assert found.verdict == "fail"
    assert found.runs <= len(spec.inputs)
    said = [reason for result in found.results for reason in result.reasons]
    assert any("an earlier check had decided" in reason for reason in said)
    assert all(reason.startswith("examples: expected") for reason in found.reasons)


def test_key_covers_all_that_decides_the_verdict() -> None:
    spec = GOOD["weekday"]
    tree, examples = spec.tree(), spec.examples()
    kinds = make_kinds()
    other_check = Check(
        name="examples",
        needs=frozenset({"files"}),
        judge=lambda o: conclude("examples"),
        version=99,
    )
    checks = load_checks()
    changed = [check for check in checks if check.name != "examples"] + [other_check]
    box = answering(Observed(status="exited", tier="none"))
    verifier = Verifier(box, checks, kinds)
    keys = [
        verifier.key(tree, examples),
        verifier.key(spec.tree("def main(name): return 1"), examples),
        verifier.key(tree, examples[1:]),
        verifier.key(tree, examples, {"other": tree}),
        verifier.key(tree, examples, tests=[tree]),
        Verifier(box, changed, kinds).key(tree, examples),
        Verifier(ScriptedSandbox(box._answer, policy="new walls"), checks, kinds).key(
            tree, examples
        ),
    ]
    assert len(set(keys)) == len(keys)
    assert verifier.key(tree, [*reversed(examples), examples[0]]) == keys[0]


def test_progress_is_told_each_step() -> None:
    told: list[str] = []
    box = answering(Observed(status="exited", tier="none", returned=True, result=1))
    spec = GOOD["weekday"]
    make_verifier(box).verify(spec.tree(), spec.examples(), progress=told.append)
    assert told[:2] == ["files", "examples"]


def test_missing_or_other_dependency_is_bad_input() -> None:
    subject = GOOD["weekday"].tree()
    tree = make_test_artifact("", subject)
    verifier = make_verifier(answering(Observed(status="exited", tier="none")))
    with pytest.raises(InvalidRequestError, match="was not handed over"):
        verifier.verify(tree, [])
    with pytest.raises(InvalidRequestError, match="pins"):
        verifier.verify(tree, [], dependencies={"week-day": GOOD["fib"].tree()})


def test_unknown_kind_is_bad_input() -> None:
    verifier = make_verifier(answering(Observed(status="exited", tier="none")))
    with pytest.raises(InvalidRequestError, match="no kind 'poem'"):
        verifier.verify(make_artifact("poem", "x.txt", x__txt="x"), [])


def test_tools_without_a_binding_are_inconclusive() -> None:
    manifest = Manifest(
        kind="program", entry="main.py:main", runtime="python",
        interface=Interface(input=obj(name=STR)), capabilities=Capabilities(tools={"mail": "sha256:x"}),
    )  # fmt: skip
    files = {
        "main.py": File(content=b"def main(name): return 1"),
        "lignin.json": manifest.to_file(),
    }
    box = answering(Observed(status="exited", tier="none"))
    found = make_verifier(box).verify(make_tree(files), [])
    assert (found.verdict, box.executions) == ("inconclusive", [])


def test_declared_randomness_is_judged_by_what_stays() -> None:
    spec = GOOD["fib"]
    varied = iter(range(10_000))

    def answer(execution: Execution) -> Observed:
        return Observed(status="exited", tier="none", returned=True, result=next(varied) + 100)

    plain = spec.tree()
    files = dict(plain.files)
    files["lignin.json"] = plain.manifest.model_copy(
        update={"capabilities": Capabilities(randomness=True)}
    ).to_file()
    found = make_verifier(ScriptedSandbox(answer)).verify(make_tree(files), spec.examples())
    assert found.verdict == "inconclusive"
    assert any("every answer varies" in reason for reason in found.reasons)


SKILL = "---\nname: tidy-up\ndescription: Tidies. Use when untidy.\n---\nSee [the list](reference/list.md).\n"


def test_well_formed_skill_passes() -> None:
    tree = make_tree(
        {
            "SKILL.md": File(content=SKILL.encode()),
            "reference/list.md": File(content=b"- a\n"),
            "scripts/run": File(content=b"#!/bin/sh\n", mode="0755"),
            "lignin.json": Manifest(kind="skill", entry="SKILL.md").to_file(),
        }
    )
    box = answering(Observed(status="exited", tier="none"))
    assert make_verifier(box).verify(tree, []).verdict == "pass"
    assert box.executions == []


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (SKILL, "0644", "leads nowhere"),
        (SKILL.replace("tidy-up", "Tidy Up"), "0644", "name is"),
        (SKILL.replace("---\n", "", 1), "0644", "front matter"),
        (SKILL.replace("Tidies. Use when untidy.", ""), "0644", "description"),
        (SKILL, "0755", "no shebang"),
    ],
)
def test_broken_skill_is_refused(text: str, mode: str, reason: str) -> None:
    files = {"SKILL.md": File(content=text.encode(), mode="0755" if mode == "0755" else "0644")}
    files["lignin.json"] = Manifest(kind="skill", entry="SKILL.md").to_file()
    found = make_verifier(answering(Observed(status="exited", tier="none"))).verify(
        make_tree(files), []
    )
    assert found.verdict == "fail"
    assert any(reason in each for each in found.reasons)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Sum up {{ text }} in `{{` words.", "pass"),
        ("  \n", "fail"),
        ("Sum up {{ text", "fail"),
        ("Sum up {{ }}", "fail"),
        ("x" * 70_000, "fail"),
    ],
)
def test_prompt_is_bounded_text_with_closed_placeholders(text: str, verdict: str) -> None:
    tree = make_artifact("prompt", "prompt.md", prompt__md=text)
    box = answering(Observed(status="exited", tier="none"))
    assert make_verifier(box).verify(tree, []).verdict == verdict
