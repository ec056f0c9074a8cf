"""Code that forges the guest's word or switches its recorder off, in both tiers."""

from collections.abc import Iterator

import pytest

from lignin.adapters.sandbox.none import UnsafeSandbox
from lignin.ports.sandbox import Sandbox
from lignin.testing.conformance.sandbox import call

FRAME = "len(raw).to_bytes(4, 'big') + raw"


@pytest.fixture(params=["none", "ns"])
def tier(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param == "ns":
        yield request.getfixturevalue("namespace_sandbox")
        return
    opened = UnsafeSandbox()
    yield opened
    opened.close()


@pytest.mark.parametrize("end", ["os.close(3)", "os._exit(0)", "pass"])
def test_a_result_frame_without_the_runs_key_is_a_fault(tier: Sandbox, end: str) -> None:
    forged = '{"type": "result", "returned": true, "result": {"ran": 9, "passed": 9}}'
    body = f"import os\ndef f():\n    raw = b'{forged}'\n    os.write(3, {FRAME})\n    {end}"
    seen = call(tier, body)
    assert (seen.returned, seen.result, seen.error) == (False, None, "BrokenChannel")
    assert "without the key" in seen.message


@pytest.mark.parametrize(
    "trick",
    [
        "guest._active = False",
        "guest._inside = True; guest._active = False",
        "guest._record = lambda *_: None",
        "guest._saw_write = lambda *_: None",
        "guest._ON = {}",
        "guest._tell = lambda *_: None",
        "guest._record.__code__ = (lambda kind, target: None).__code__",
        "time.time.__globals__['_active'] = False",
        "guest._kept.gi_frame.f_locals",
        "gc.get_objects()",
        "gc.get_referents(guest._kept)",
        "sys._getframe(1).f_locals",
    ],
)
def test_reaching_for_the_recorder_is_seen(tier: Sandbox, trick: str) -> None:
    body = (
        "import gc, sys, time\nimport lignin_guest as guest\ndef f():\n"
        f"    {trick}\n    open('/work/left', 'w').close()\n    return 1"
    )
    seen = call(tier, body)
    told = any(effect.kind == "guest" for effect in seen.effects)
    assert told or not seen.returned


@pytest.mark.parametrize(
    "order", ["_kept.send(('result', None, answer))", "_answer(None, answer)", "_send(answer)"]
)
def test_the_guests_own_functions_forge_no_result(tier: Sandbox, order: str) -> None:
    body = (
        "import lignin_guest as guest\ndef f():\n"
        "    answer = {'type': 'result', 'returned': True, 'result': 9}\n"
        f"    guest.{order}\n    return 1"
    )
    seen = call(tier, body)
    assert seen.result != 9


def test_what_named_tuples_logging_and_tracebacks_do_is_no_reaching(tier: Sandbox) -> None:
    body = (
        "import collections, logging, traceback, enum, warnings\ndef f():\n"
        "    P = collections.namedtuple('P', 'a b')\n    logging.warning('x')\n"
        "    E = enum.Enum('E', 'a b')\n    warnings.warn('w')\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError:\n        traceback.format_exc()\n"
        "    return P(1, 2)[1]"
    )
    seen = call(tier, body)
    assert (seen.result, [e for e in seen.effects if e.kind == "guest"]) == (2, [])


@pytest.mark.parametrize(
    "look",
    ["inspect.getsource(f)", "tokenize.open(__file__).read()", "exec(LOOK)"],
)
def test_source_read_by_other_code_than_itself_is_seen(tier: Sandbox, look: str) -> None:
    seen = call(
        tier,
        f"import inspect, tokenize\nLOOK = compile('open(__file__).read()', 'other', 'exec')\ndef f():\n    {look}",
    )
    reads = [effect.target for effect in seen.effects if effect.kind == "read"]
    assert [target.startswith("/artifact/") for target in reads] == [True]


def test_source_shown_in_a_traceback_or_a_warning_is_not_read_by_the_code(tier: Sandbox) -> None:
    body = (
        "import traceback, warnings\ndef f():\n    warnings.warn('w')\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError:\n        traceback.format_exc()\n"
        "    return 1"
    )
    assert not [effect for effect in call(tier, body).effects if effect.kind == "read"]
