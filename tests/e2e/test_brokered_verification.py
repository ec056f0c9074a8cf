"""Verifying a program that calls tools: against the live practice desk, and against a recording."""

from collections.abc import Callable

import pytest

from lignin.adapters.broker.live import LiveBinding
from lignin.adapters.broker.recorded import RecordedBinding
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verification, Verifier
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, Tree, make_tree
from lignin.domain.examples import Example
from lignin.governance.broker import Broker
from lignin.governance.brokered import BrokeredSandbox
from lignin.ports.broker import Binding, BrokerReport
from lignin.ports.sandbox import Sandbox
from lignin.practice.desk import TOOL_SPECS, PracticeDesk

SEED = 3
HONEST = """
import lignin_guest

def weigh(order_id):
    order = lignin_guest.call("get_order", {"order_id": order_id})
    return {"status": order["status"], "pieces": sum(line["quantity"] for line in order["lines"])}
"""
CARELESS = HONEST.replace("sum(", "1 + sum(")
NOSY = HONEST.replace(
    "    return",
    """    try:
        lignin_guest.call("list_orders", {})
    except lignin_guest.ToolError:
        pass
    return""",
)
SWALLOWING = """
import lignin_guest

def weigh(order_id):
    try:
        order = lignin_guest.call("get_order", {"order_id": order_id})
    except lignin_guest.ToolError:
        return {"status": "pending", "pieces": 0}
    return {"status": order["status"], "pieces": sum(line["quantity"] for line in order["lines"])}
"""
ORDER = {"enum": [order["order_id"] for order in PracticeDesk(SEED).state()["orders"]]}


def program(source: str) -> Tree:
    manifest = Manifest(
        kind="program",
        entry="weigh.py:weigh",
        runtime="python",
        interface=Interface(
            input={"type": "object", "properties": {"order_id": ORDER}, "required": ["order_id"]},
            output={"type": "object"},
            errors=["ToolError"],
        ),
        capabilities=Capabilities(tools={"get_order": TOOL_SPECS["get_order"].digest}),
    )
    files = {"lignin.json": manifest.to_file(), "weigh.py": File(content=source.encode())}
    return make_tree(files)


def examples() -> list[Example]:
    state = PracticeDesk(SEED).state()
    pieces = {
        order["order_id"]: sum(
            line["quantity"]
            for line in state["order_lines"]
            if line["order_id"] == order["order_id"]
        )
        for order in state["orders"]
    }
    return [
        Example(
            arguments={"order_id": order["order_id"]},
            result={"status": order["status"], "pieces": pieces[order["order_id"]]},
        )
        for order in state["orders"][:10]
    ]


def recording(count: int) -> RecordedBinding:
    desk = PracticeDesk(SEED)
    for example in examples()[:count]:
        desk.call("get_order", example.arguments or {})
    return RecordedBinding(desk.recording(), TOOL_SPECS)


def live() -> LiveBinding:
    return LiveBinding(lambda: PracticeDesk(SEED))


def verify(
    sandbox: Sandbox, source: str, binding: Binding
) -> tuple[Verification, list[BrokerReport]]:
    tree, reports = program(source), list[BrokerReport]()
    open_broker: Callable[[bool], Broker] = lambda _: Broker(  # noqa: E731
        tree.manifest.capabilities, binding=binding
    )
    brokered = BrokeredSandbox(
        sandbox, open_broker, binding_digest=binding.digest, on_report=reports.append
    )
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(brokered, checks.values(), load_kinds(), scanners=(), binding=binding.name)
    return verifier.verify(tree, examples()), reports


def test_program_is_proven_against_the_live_desk(sandbox: Sandbox) -> None:
    verification, reports = verify(sandbox, HONEST, live())
    assert verification.verdict == "pass", verification.reasons
    assert {report.binding for report in reports} == {"live"}
    assert all(report.is_conclusive for report in reports)


@pytest.mark.parametrize("source", [CARELESS, NOSY], ids=["wrong answer", "undeclared tool"])
def test_faulty_program_is_refused_against_the_live_desk(sandbox: Sandbox, source: str) -> None:
    verification, _ = verify(sandbox, source, live())
    assert verification.verdict == "fail"
    if source == NOSY:
        assert any("denied" in reason for reason in verification.reasons), verification.reasons


@pytest.mark.parametrize("source", [HONEST, SWALLOWING], ids=["honest", "swallowing"])
def test_call_that_the_recording_does_not_know_is_never_a_pass(
    sandbox: Sandbox, source: str
) -> None:
    verification, reports = verify(sandbox, source, recording(5))
    assert verification.verdict == "inconclusive", verification.reasons
    assert any(report.misses for report in reports)


def test_wrong_answer_on_what_the_recording_knows_is_refused(sandbox: Sandbox) -> None:
    verification, _ = verify(sandbox, CARELESS, recording(10))
    assert verification.verdict == "fail"
