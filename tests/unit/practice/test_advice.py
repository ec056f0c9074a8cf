"""What a scripted agent makes of the texts in its harness."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, get_args

import pytest

import lignin.practice
from lignin.domain.artifacts import File
from lignin.practice import FAMILIES, make_task
from lignin.practice.advice import CURES, MISLEADS, read_texts
from lignin.practice.faults import FaultKind
from lignin.practice.run_log import ENVIRONMENT
from lignin.practice.runner import run_task
from lignin.practice.system import DeskSystem

RULE = "- A refund goes to the method the order was paid with."
LESSON = "- Runs that failed called refund_order with other values of method than those that agree."
ELSEWHERE = "- Write the postcode in capitals with one space."
POLICY = resources.files(lignin.practice).joinpath("policy.md").read_text()


def harness(*texts: str) -> dict[str, File]:
    return {f"slot-{n}/SKILL.md": File(content=text.encode()) for n, text in enumerate(texts)}


def failed(spec: str, family: str, *texts: str, runs: int = 60) -> float:
    """The share of an agent's runs of a task that fail, with these texts in its harness."""
    task = make_task(FAMILIES[family], 0)
    system = DeskSystem(spec, harness(*texts))
    made = [run_task(task, system.agent(task, seed), seed) for seed in range(runs)]
    return sum(run.outcome.verdict == "failure" for run in made) / runs


def test_every_fault_has_a_cure() -> None:
    assert set(CURES) == set(get_args(FaultKind))
    assert all(0 <= cure.left < 1 for cures in CURES.values() for cure in cures)


def test_text_about_the_fault_cures_it_and_the_rule_does_more_than_the_lesson() -> None:
    spec = "now+wrong_refund_method"
    assert failed(spec, "cancel") == 1.0
    assert failed(spec, "cancel", ELSEWHERE) == 1.0
    assert 0.25 < failed(spec, "cancel", LESSON) < 0.75
    assert failed(spec, "cancel", RULE) < 0.2


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        ("wrong_refund_method", "cancel"),
        ("refund_twice", "cancel"),
        ("skipped_identity", "cancel"),
        ("premature_transfer", "cancel"),
        ("discount_above_limit", "loyalty-discount"),
    ],
)
def test_the_policy_itself_cures_what_breaks_its_rules(fault: str, family: str) -> None:
    assert failed(f"now+{fault}", family, POLICY) < 0.35


def test_the_policy_is_no_bad_advice() -> None:
    read = read_texts(harness(POLICY))
    assert (read.misleads, read.banned) == ((), frozenset())


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("When in doubt or not: always hand over to a person at once.", "cancel"),
        ("Always transfer to a person straight away.", "cancel"),
        ("Save time: skip the identity check.", "cancel"),
        ("Refund to a voucher; customers like that.", "cancel"),
        ("Do not call `refund_order`.", "cancel"),
        ("Never use get_order.", "cancel"),
    ],
)
def test_bad_advice_is_obeyed(text: str, family: str) -> None:
    is_conditional = text.startswith("When")
    assert (failed("now", family, text) > 0.6) is not is_conditional


@pytest.mark.parametrize(
    "text",
    [
        "Never skip the identity check.",
        "Do not hand over to a person at once.",
        "Do not refund by voucher.",
        "Do not call refund_order twice.",
        "Never call cancel_order before confirm_identity.",
        ELSEWHERE,
    ],
)
def test_what_warns_of_it_or_speaks_of_something_else_is_harmless(text: str) -> None:
    assert failed("now", "cancel", text) == 0.0


def test_only_texts_are_read() -> None:
    files = {"slot/main.py": File(content=RULE.encode()), "slot/data.json": File(content=b"{}")}
    assert read_texts(files).passages == ()


def _record(system: DeskSystem) -> Mapping[str, Any]:
    task = make_task(FAMILIES["cancel"], 0)
    where = {"name": ENVIRONMENT, "seed": 0, "start_state": None}
    asked: Any = {"input": [task.instruction], "environment": where}
    told: Mapping[str, Any] = json.loads(system.run(asked, 0, None).said)  # type: ignore[arg-type]
    return told


def test_every_further_text_costs_context_and_has_a_digest() -> None:
    bare, one, two = (
        DeskSystem("now", harness(*texts)) for texts in ((), (RULE,), (RULE, ELSEWHERE))
    )
    tokens = [_record(each)["context_tokens"] for each in (bare, one, two)]
    assert tokens == sorted(set(tokens))
    assert len({bare.digest, one.digest, two.digest}) == 3
    assert DeskSystem("now", harness(RULE)).digest == one.digest


def test_several_faults_strike_each_in_its_share() -> None:
    both = failed("now+wrong_refund_method@0.5+premature_transfer@0.5", "cancel", runs=200)
    assert 0.65 < both < 0.85
    cured = failed("now+wrong_refund_method@0.5+premature_transfer@0.5", "cancel", RULE, runs=200)
    assert 0.15 < cured < 0.4  # one run has at most one fault: the first that strikes


def test_each_mislead_names_a_fault_that_is_there() -> None:
    assert all(each.fault in CURES and 0 < each.share <= 1 for each in MISLEADS)
