"""Each attempt is held by the sandbox, and gets through once its wall is left out."""

import errno

import pytest

from escapes.cases import CASES, SAMPLE
from escapes.judge import attempt, without
from escapes.traps import Traps
from lignin.adapters.sandbox.ns import NamespaceSandbox

# What a kernel without the thing answers: no wall is needed there, and no control possible.
_ABSENT = {errno.ENOSYS, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT}
_CONTROLLED = [name for name, case in CASES.items() if case.off]


def _sampled(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", CASES)
def test_attempt_is_held(sandbox: NamespaceSandbox, traps: Traps, name: str) -> None:
    out, seen = attempt(sandbox, CASES[name], traps)
    assert not out, (seen.result, "it got out")
    assert seen.status != "infrastructure", seen.message
    assert seen.error not in {"NameError", "SyntaxError", "TypeError", "ArgumentError"}, (
        seen.message
    )


@pytest.mark.parametrize("name", _sampled(_CONTROLLED))
def test_attempt_gets_through_where_its_wall_is_left_out(traps: Traps, name: str) -> None:
    case = CASES[name]
    with without(*case.off) as opened:
        out, seen = attempt(opened, case, traps)
    if not out and any(f"[Errno {number}]" in seen.message for number in _ABSENT):
        pytest.skip(f"the kernel here has no {name}: {seen.message}")
    assert out, (seen.status, seen.error, seen.message)
    assert not case.trap or seen.returned


def test_every_case_has_a_control_or_says_why_not() -> None:
    assert len(CASES) >= 100
    assert all(bool(case.off) != bool(case.why_no_control) for case in CASES.values())
    assert len(_CONTROLLED) >= 60


def test_a_sandbox_with_a_wall_left_out_is_known_by_its_policy_digest(
    sandbox: NamespaceSandbox,
) -> None:
    with without("net") as opened:
        assert opened.policy_digest != sandbox.policy_digest
