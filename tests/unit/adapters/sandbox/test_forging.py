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


REACHING = {  # what the code does, and what it is seen as
    "guest._active = False": "the recorder",
    "guest._record = lambda *_: None": "the recorder",
    "guest._saw_write = lambda *_: None": "the recorder",
    "guest._ON = {}": "the recorder",
    "guest._tell = lambda *_: None": "the recorder",
    "guest._record.__code__ = (lambda kind, target: None).__code__": "object.__setattr__",
    "time.time.__globals__['_active'] = False": "the recorder",
    "guest.__builtins__['sorted'] = list": "the recorder",
    "guest._kept.gi_frame": "object.__getattr__",
    "gc.get_objects()": "gc.get_objects",
    "gc.get_referents(guest._kept)": "gc.get_referents",
    "sys._getframe(1)": "sys._getframe",
    "inspect.currentframe()": "sys._getframe",
    "inspect.stack()": "sys._getframe",
    "logging.currentframe()": "sys._getframe",
    "next(traceback.walk_stack(None))": "sys._getframe",
}
SILENCING = ("guest._tell = lambda *_: None",)  # then no result is told either
TOP = "import gc, inspect, logging, os, sys, time, traceback\nimport lignin_guest as guest\ndef f():\n"


@pytest.mark.parametrize("trick", REACHING)
def test_reaching_for_the_recorder_is_seen(tier: Sandbox, trick: str) -> None:
    seen = call(tier, f"{TOP}    {trick}\n    open('left', 'w').close()\n    return 1")
    told = {effect.target for effect in seen.effects if effect.kind == "guest"}
    ended = (False, None) if trick in SILENCING else (True, 1)
    assert (seen.returned, seen.result, told) == (*ended, {REACHING[trick]})


SWAPPED = [
    *("_record", "_saw_write", "_on_open", "_ON", "_tell", "_caller", "_path", "_shown", "_below"),
    *("_active", "_is_call", "_IGNORED_FILES", "_roots", "_send", "_kept", "_lock", "_REVEALING"),
]


@pytest.mark.parametrize("name", SWAPPED)
def test_a_part_of_the_recorder_that_is_replaced_and_put_back_is_seen(
    tier: Sandbox, name: str
) -> None:
    body = f"{TOP}    old = guest.{name}\n    guest.{name} = lambda *_, **__: None\n"
    body += f"    open('left', 'w').close()\n    guest.{name} = old\n    return 1"
    seen = call(tier, body)
    told = [effect.target for effect in seen.effects if effect.kind == "guest"]
    ended = (False, None) if name == "_kept" else (True, 1)  # the step itself fails
    assert (seen.returned, seen.result, told) == (*ended, ["the recorder"])


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("guest._roots['tmp'] = '/'", "guest._roots['tmp'] = '/tmp'"),
        ("guest.__builtins__['set'] = frozenset", "guest.__builtins__['set'] = set"),
        ("guest._real.time = int", "guest._real.time = clock"),
    ],
)
def test_what_the_recorder_stands_on_is_seen_when_it_is_changed_in_place(
    tier: Sandbox, change: str, back: str
) -> None:
    body = f"{TOP}    clock = guest._real.time\n    {change}\n"
    seen = call(tier, f"{body}    open('left', 'w').close()\n    {back}\n    return 1")
    told = [effect.target for effect in seen.effects if effect.kind == "guest"]
    assert (seen.returned, told) == (True, ["the recorder"])


@pytest.mark.parametrize(
    "change",
    ["os.path.abspath = lambda _: '/dev/null'", "builtins.any = lambda _: True"]
    + ["sys._getframe = lambda *_: None", "os.fspath = lambda _: '/dev/null'"],
)
def test_functions_replaced_under_the_recorder_hide_nothing(tier: Sandbox, change: str) -> None:
    name = change.partition(" =")[0]
    body = f"import builtins, os, sys\ndef f():\n    old = {name}\n    {change}\n"
    body += f"    open('left', 'w').close()\n    {name} = old\n    return 1"
    effects = [(effect.kind, effect.target) for effect in call(tier, body).effects]
    assert ("write", "/work/left") in effects


@pytest.mark.parametrize(
    ("act", "event"),
    [
        ("open('left', 'w').close()", "open"),
        ("gc.get_referents(guest._kept)", "gc.get_referents"),
        ("guest._kept.gi_frame", "object.__getattr__"),
        ("sys._getframe(1)", "sys._getframe"),
        ("inspect.currentframe()", "sys._getframe"),
    ],
)
def test_what_is_done_while_the_recorder_asks_for_a_path_is_seen(
    tier: Sandbox, act: str, event: str
) -> None:
    body = (
        "import gc, inspect, sqlite3, sys\nimport lignin_guest as guest\nclass P:\n"
        "    asked = False\n    def __fspath__(self):\n        if not self.asked:\n"
        f"            self.asked = True\n            {act}\n        return ':memory:'\n"
        "def f():\n    sqlite3.connect(P()).close()\n    return 1"
    )
    told = {effect.target for effect in call(tier, body).effects if effect.kind == "guest"}
    assert event in told


def test_effects_of_another_thread_are_seen_too(tier: Sandbox) -> None:
    body = (
        "import threading\ndef g(n):\n    for i in range(20):\n"
        "        open(f'{n}-{i}', 'w').close()\n"
        "def f():\n    all_ = [threading.Thread(target=g, args=(n,)) for n in range(4)]\n"
        "    [t.start() for t in all_]\n    [t.join() for t in all_]"
    )
    assert len([effect for effect in call(tier, body).effects if effect.kind == "write"]) == 80


FORGED = {  # only a frame without the key is a fault; else the function's own answer counts
    "_kept.send(('result', answer))": (1, None),
    "_tell('result', answer)": (1, None),
    "_answer(answer)": (1, None),
    "_send(answer)": (None, "BrokenChannel"),
}


@pytest.mark.parametrize("order", FORGED)
def test_the_guests_own_functions_forge_no_result(tier: Sandbox, order: str) -> None:
    body = (
        "import lignin_guest as guest\ndef f():\n"
        "    answer = {'type': 'result', 'returned': True, 'result': 9}\n"
        f"    guest.{order}\n    return 1"
    )
    seen = call(tier, body)
    assert (seen.result, seen.error) == FORGED[order]


@pytest.mark.parametrize(
    "replace",
    ["guest._dumps = evil", "json.dumps = evil", "json._default_encoder.encode = evil"]
    + ["json.encoder.JSONEncoder.encode = evil", "json.encoder.encode_basestring_ascii = evil"],
)
def test_an_encoder_of_the_codes_own_forges_no_result(tier: Sandbox, replace: str) -> None:
    body = (
        "import json, os\nimport lignin_guest as guest\ndef f():\n"
        "    def evil(*_, **__):\n"
        '        return \'{"type": "result", "returned": true, "result": 9}\'\n'
        f"    {replace}\n    open('left', 'w').close()\n    os._exit(0)"
    )
    seen = call(tier, body)
    assert (seen.returned, seen.result) == (False, None)
    assert ("write", "/work/left") in {(each.kind, each.target) for each in seen.effects}


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
