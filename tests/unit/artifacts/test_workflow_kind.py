"""Workflows as artifacts: what is read of a file, what its manifest may say, and how it is proven."""

import sys
from dataclasses import replace

import pytest

from lignin.artifacts import plan
from lignin.artifacts.check import Observations
from lignin.artifacts.checks import resumption
from lignin.artifacts.kinds import program, workflow
from lignin.artifacts.laws import candidate_from_files
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verification, Verifier
from lignin.artifacts.workflow.rehearsal import RehearsalSandbox
from lignin.domain.artifacts import File, Manifest
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example, parse_example
from lignin.domain.traces import Snippet
from lignin.domain.workflows import WorkflowTerms, retry_wait_s
from lignin.testing.fakes.guest import InProcessSandbox

PAUSES = '''"""Doubles numbers."""

WORKFLOW = {"state": {"seen": {"form": {"type": "integer"}, "initial": 0}}, "on_failure": "tidy",
            "agents": ["helper"]}

def double(number: int) -> int:
    return 2 * number

def pauses(ctx, number: int) -> dict:
    """Doubles a number, waits for a word and asks for another."""
    first = ctx.step("double", double, number)
    ctx.sleep(3600)
    word = ctx.wait("word", 60)
    other = ctx.agent("another word", agent="helper")
    state = ctx.state("seen")
    seen = state.get() + 1
    state.swap(seen)
    return {"first": first, "word": word, "other": other, "seen": seen, "hour": ctx.now().hour}

def tidy(ctx, error: dict, event: dict) -> str:
    return error["code"]
'''


def read(text: str) -> Candidate | Refusal | None:
    snippet = Snippet(
        path="flow.py", text=text, language="python", how="handed over", session="", index=0
    )
    return workflow.recognise(snippet, Provenance(source="test"))


def examples() -> list[Example]:
    return [
        Example(
            arguments={"number": n},
            given={"signals": {"word": [f"go {n}"]}, "agents": ["yes"], "state": {"seen": n}},
            result={"first": 2 * n, "word": f"go {n}", "other": "yes", "seen": n + 1, "hour": 10},
        )
        for n in range(1, 7)
    ]


def verify(text: str, uses: list[Example]) -> Verification:
    made = candidate_from_files(
        {"flow.py": File(content=text.encode())}, "", None, uses, load_kinds()
    )
    checks = load_plugins("lignin.artifacts.checks", "CHECK").values()
    sandbox = RehearsalSandbox(InProcessSandbox())
    return Verifier(sandbox, checks, load_kinds(), scanners=()).verify(made.tree, made.examples)


def test_a_function_that_takes_ctx_first_is_a_workflow_and_no_program() -> None:
    found = read(PAUSES)
    assert isinstance(found, Candidate)
    manifest = found.tree.manifest
    assert (manifest.kind, manifest.entry, found.name) == ("workflow", "flow.py:pauses", "pauses")
    assert list(manifest.interface.input["properties"]) == ["number"]
    assert manifest.workflow is not None
    assert manifest.workflow.on_failure == "flow.py:tidy"
    assert manifest.needs_human
    snippet = Snippet(
        path="p.py", text="def f(n: int) -> int:\n    return n\n", language="python",
        how="handed over", session="", index=0,
    )  # fmt: skip
    assert workflow.recognise(snippet, Provenance(source="test")) is None
    assert isinstance(program.recognise(snippet, Provenance(source="test")), Candidate)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("WORKFLOW = {'max_steps': 0}\n", "max_steps"),
        ("WORKFLOW = {'unknown': 1}\n", "unknown: there is no such key; there are agents, "),
        ("WORKFLOW = {'agents': {'a': 1}}\n", 'agents: expected a list, such as ["NAME"]'),
        ("WORKFLOW = dict(max_steps=3)\n", "no literal object"),
        ("WORKFLOW = {'tools': ['a']}\n", "maps names to digests"),
        ("WORKFLOW = {'retry': {'code': {}}}\n", "retry"),
        ("WORKFLOW = {'state': {'A b': {'form': {}}}}\n", "state"),
        ("def other(ctx, n: int) -> int:\n    return n\n", "which of"),
    ],
)
def test_what_a_file_says_wrongly_is_refused_with_the_place(text: str, why: str) -> None:
    found = read(text + 'def flow(ctx, n: int) -> int:\n    """Does."""\n    return n\n')
    assert isinstance(found, Refusal)
    assert why in found.reason


def test_only_a_workflow_has_terms_and_others_keep_their_digests() -> None:
    with pytest.raises(ValueError, match="a program has no terms of a workflow"):
        Manifest(kind="program", entry="a.py:f", workflow=WorkflowTerms())
    plain = Manifest(kind="program", entry="a.py:f", runtime="python")
    assert b"workflow" not in plain.to_file().content


def test_a_workflow_is_proven_by_examples_that_say_what_it_finds() -> None:
    found = verify(PAUSES, examples())
    assert (found.verdict, found.reasons) == ("pass", ())
    measured = {result.check: result.measured for result in found.results}
    assert measured["resumption"]["runs"] == 4
    assert measured["resumption"]["steps"] == 4 * 6


def test_a_wrong_answer_is_refused_and_a_missing_agents_answer_proves_nothing() -> None:
    wrong = verify(PAUSES.replace("2 * number", "3 * number"), examples())
    assert wrong.verdict == "fail"
    mute = [replace(use, given={**use.given, "agents": []}) for use in examples()]
    unproven = verify(PAUSES, mute)
    assert unproven.verdict == "inconclusive"
    assert any("no answer of the agent" in reason for reason in unproven.reasons)


FICKLE = '''"""Keeps something in its process."""
import sys

def note(number: int) -> int:
    return number

def fickle(ctx, number: int) -> int:
    """Takes other steps once its process is another."""
    calls = vars(sys).setdefault("calls_of_fickle", [])
    calls.append(1)
    ctx.step(f"note {len(calls)}", note, number)
    ctx.sleep(1)
    return number
'''


def test_code_that_takes_other_steps_when_it_is_replayed_is_refused_by_the_step() -> None:
    sandbox = RehearsalSandbox(InProcessSandbox())
    made = candidate_from_files(
        {"flow.py": File(content=FICKLE.encode())}, "", None, (), load_kinds()
    )
    use = Example(arguments={"number": 1})
    try:
        seen = sandbox.run(plan.plan_run(made.tree.manifest, made.tree.files, use, plan.KILLED))
    finally:
        vars(sys).pop("calls_of_fickle", None)
    assert (seen.returned, seen.error) == (False, "DivergedError")
    assert "step 2 of the replay is function 'note 2'" in seen.message


def test_the_check_of_replays_needs_a_run_that_came_to_its_end() -> None:
    made = candidate_from_files(
        {"flow.py": File(content=PAUSES.encode())}, "", None, (), load_kinds()
    )
    seen = Observations(manifest=made.tree.manifest, tree=made.tree, sources={})
    assert resumption.judge(seen).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("error", "attempt", "wait_s"),
    [
        ({"class": "infrastructure", "code": "unavailable"}, 1, 5.0),
        ({"class": "infrastructure", "code": "unavailable"}, 2, 15.0),
        ({"class": "infrastructure", "code": "unavailable"}, 3, None),
        ({"class": "tool", "code": "busy"}, 1, 1.0),
        ({"class": "tool", "code": "gone"}, 1, None),
        ({"class": "refused", "code": "denied"}, 1, None),
    ],
)
def test_a_step_is_tried_again_as_its_terms_say(
    error: dict[str, Json], attempt: int, wait_s: float | None
) -> None:
    terms = WorkflowTerms.model_validate(
        {
            "retry": {
                "infrastructure": {"attempts": 3, "first_wait_s": 5, "factor": 3},
                "tool:busy": {"attempts": 2},
            }
        }
    )
    assert retry_wait_s(terms, error, attempt) == wait_s


@pytest.mark.parametrize(
    "example",
    [{"arguments": {"number": 1}, "given": []}, {"arguments": {"number": 1}, "given": "x"}],
)
def test_what_an_example_is_given_is_an_object(example: Json) -> None:
    with pytest.raises(InvalidRequestError):
        parse_example(example)
