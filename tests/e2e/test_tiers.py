"""One program in two tiers: what only the weaker one refuses never counts against the code."""

from collections.abc import Iterator

import pytest

from lignin.adapters.sandbox.doctor import open_sandbox
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verification, Verifier
from lignin.domain.artifacts import File, Interface, Manifest, make_tree
from lignin.domain.errors import UnavailableError
from lignin.domain.examples import Example
from lignin.ports.sandbox import Sandbox

TEXT = {"type": "string", "maxLength": 40}
TEMPORARY = """import os


def shout(text):
    with open("/tmp/said", "w") as file:
        file.write(text)
    with open("/tmp/said") as file:
        said = file.read()
    os.remove("/tmp/said")
    return said.upper()
"""
WRONG = "def shout(text):\n    return text\n"
THIEF = TEMPORARY.replace("):\n", "):\n    os.environ.get('SECRET' + '_KEY')\n", 1)


@pytest.fixture(scope="module", params=["ns", "landlock"])
def tier(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    try:
        opened = open_sandbox(choice=request.param)
    except UnavailableError as error:
        pytest.skip(error.message)
    yield opened
    opened.close()


def verify(sandbox: Sandbox, source: str) -> Verification:
    interface = Interface(
        input={"type": "object", "properties": {"text": TEXT}, "required": ["text"]},
        output={"type": "string"},
    )
    manifest = Manifest(
        kind="program", entry="shout.py:shout", runtime="python", interface=interface
    )
    files = {"lignin.json": manifest.to_file(), "shout.py": File(content=source.encode())}
    words = ("a", "bc", "def", "Zug", "x y", "ok?", "lorem")
    examples = [Example(arguments={"text": word}, result=word.upper()) for word in words]
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())
    return verifier.verify(make_tree(files), examples)


def test_a_temporary_file_by_its_usual_name_passes_or_has_shown_nothing(tier: Sandbox) -> None:
    found = verify(tier, TEMPORARY)
    if tier.tier == "ns":
        assert (found.verdict, found.reasons) == ("pass", ())
    else:
        assert found.verdict == "inconclusive"
        assert any("the tier landlock has no '/tmp/said'" in reason for reason in found.reasons)


def test_a_wrong_answer_is_refused_in_each(tier: Sandbox) -> None:
    assert verify(tier, WRONG).verdict == "fail"


def test_asking_for_what_a_tier_lacks_hides_nothing_from_the_one_that_has_it(tier: Sandbox) -> None:
    found = verify(tier, THIEF)
    if tier.tier == "ns":
        assert found.verdict == "fail"
        assert any("read the variable SECRET_KEY" in reason for reason in found.reasons)
    else:
        assert found.verdict != "pass"
