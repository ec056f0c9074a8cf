"""What becomes of a whole verification where the code reaches for the recorder, in both tiers."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lignin.adapters.sandbox.none import UnsafeSandbox
from lignin.artifacts.check_scan import load_checks
from lignin.artifacts.verify import Verification, Verifier
from lignin.ports.sandbox import Sandbox
from unit.artifacts.verification_devset import GOOD, make_kinds

FORGED = '{"type": "result", "returned": true, "result": 1}'
TRICKS = {  # what the program does first, and which check refuses it for what
    "guest._record = lambda *_: None": "effects: had the effect guest (the recorder)",
    "guest._ON = {}": "effects: had the effect guest (the recorder)",
    "old = guest._tell; guest._tell = print; open(os.devnull).close(); guest._tell = old": (
        "effects: had the effect guest (the recorder)"
    ),
    "guest._tell = lambda *_: None": "examples: ",
    "guest._record.__code__ = f.__code__": "effects: had the effect guest (object.__setattr__)",
    "inspect.currentframe()": "effects: had the effect guest (sys._getframe)",
    "gc.get_referents(guest._kept)": "effects: had the effect guest (gc.get_referents)",
    "guest._answer({'type': 'result', 'returned': True, 'result': 1}); os._exit(0)": "examples: ",
    f"guest._dumps = lambda *_: '{FORGED}'; open('x', 'w'); os._exit(0)": "examples: ",
    f"guest._send({FORGED.replace('true', 'True')}); os._exit(0)": "examples: ",
}


@pytest.fixture(params=["none", "ns"])
def tier(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param == "ns":
        yield request.getfixturevalue("namespace_sandbox")
        return
    opened = UnsafeSandbox()
    yield opened
    opened.close()


def verified(tier: Sandbox, trick: str) -> Verification:
    """Verify a good program with the trick as its first step; its source is not asked for marks."""
    program = make_kinds()["program"]
    checks = tuple(name for name in program.checks if name not in ("sandbox_marks", "static"))
    kinds = {"program": replace(program, checks=checks)}
    good = GOOD["is_prime"]
    top = "import gc, inspect, os\nimport lignin_guest as guest\ndef f(kind, target): pass\n"
    source = re.sub(r"(?m)^(def .*:)\n", rf"\1\n    {trick}\n", good.source, count=1)
    assert source != good.source
    return Verifier(tier, load_checks(), kinds).verify(good.tree(top + source), good.examples())


@pytest.mark.parametrize("trick", TRICKS)
def test_a_program_that_reaches_for_the_recorder_fails(tier: Sandbox, trick: str) -> None:
    found = verified(tier, trick)
    assert found.verdict == "fail"
    assert any(reason.startswith(TRICKS[trick]) for reason in found.reasons)


def test_the_same_program_without_a_trick_passes(tier: Sandbox) -> None:
    found = verified(tier, "pass")
    assert (found.verdict, found.reasons) == ("pass", ())
