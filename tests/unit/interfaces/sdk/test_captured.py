"""`@lignin.capture`: the function is what it was, and its calls prove it."""

import importlib
import itertools
import logging
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lignin
from lignin.interfaces.sdk import captured
from lignin.interfaces.sdk.client import Client
from lignin.interfaces.sdk.transport import Server
from unit.interfaces.serving import Served

TEXT = '''
import lignin

SEP = "-"


@lignin.capture
def {name}(title: str) -> str:
    """Turns a title into the end of an address."""
    return SEP.join(title.lower().split())
'''


_NUMBERS = itertools.count()


def load(folder: Path, text: str) -> ModuleType:
    """A module of its own name."""
    name = f"lignin_captured_{next(_NUMBERS)}"
    (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    return importlib.import_module(name)


@pytest.fixture
def as_default(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """What the decorators of a loaded module ask."""
    monkeypatch.setattr(captured, "default_client", lambda: client)
    return client


def wait() -> None:
    """Until nothing is captured in the background any more."""
    for thread in threading.enumerate():
        if thread.name == "lignin-capture":
            thread.join(timeout=60)


def test_three_calls_prove_it_in_the_background(as_default: Client, module: Path) -> None:
    name = f"slug_{next(_NUMBERS)}"
    slug = getattr(load(module, TEXT.format(name=name)), name)
    with as_default.session() as session:
        assert [slug("Two Words"), slug(title="ONE"), slug("a b c")] == [
            "two-words",
            "one",
            "a-b-c",
        ]
        wait()
        assert as_default.artifact(slug.captured.proof.name)(title="At Once") == "at-once"
    proof = slug.captured.proof
    assert (proof.state, proof.examples) == ("verified", 3), proof.reason
    shown = as_default.artifact(f"{proof.name}@{proof.digest}").show()
    assert shown.provenance[0]["session"] == session.id
    assert shown.summary == "Turns a title into the end of an address."


def test_it_is_proven_on_demand_and_not_twice(
    local: Client, module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captured, "default_client", lambda: local)
    given = [("A", "a"), ("B c", "b-c")]
    examples = [{"arguments": {"title": title}, "result": slug} for title, slug in given]
    text = TEXT.format(name="demanded").replace(
        "@lignin.capture",
        f"@lignin.capture(background=False, name='title-slug', examples={examples!r})",
    )
    slug = load(module, text).demanded
    slug("Third One")
    wait()
    assert slug.captured.proof is None
    proof = slug.prove()
    assert (proof.name, proof.state, proof.examples) == ("title-slug", "verified", 3), proof.reason
    assert slug.prove() is proof
    slug("and a fourth")
    assert slug.prove().examples == 4


def test_one_function_is_captured_beside_a_public_one_that_it_uses(
    as_default: Client, module: Path
) -> None:
    text = """
import os
import lignin

words = os.environ.get("HOME")
total = lignin.search
print([rest for rest in (1, 2)])


def shorter(title: str) -> str:
    return title[:20]


@lignin.capture(background=False)
def headline(title: str, total: int) -> str:
    words, rest = title.split(), ""
    return shorter(" ".join(words[:total]) + rest)
"""
    headline = load(module, text).headline
    for title in ("a b c", "one", "two words"):
        headline(title, 2)
    proof = headline.prove()
    assert (proof.name, proof.state) == ("headline", "verified"), proof.reason
    assert as_default.artifact(f"headline@{proof.digest}")(title="to be or", total=2) == "to be"


def test_a_failed_capture_never_reaches_the_program(
    module: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Client(Server("http://127.0.0.1:9", ""))
    monkeypatch.setattr(captured, "default_client", lambda: gone)
    slug = load(module, TEXT.format(name="lonely")).lonely
    with caplog.at_level(logging.WARNING, logger="lignin.capture"):
        assert [slug(each) for each in ("a", "b", "c", "d")] == ["a", "b", "c", "d"]
        wait()
    assert isinstance(slug.captured.fault, lignin.UnavailableError)
    assert "lonely was not captured" in caplog.text
    with pytest.raises(lignin.UnavailableError):
        slug.prove()


def test_what_is_no_plain_function_works_and_says_why_it_is_not_captured() -> None:
    async def waits(number: int) -> int:
        return number

    class Held:
        @lignin.capture
        def method(self, number: int) -> int:
            return number + 1

    assert lignin.capture(waits) is waits
    assert Held().method(1) == 2
    assert lignin.capture(len)([1, 2]) == 2
    with pytest.raises(lignin.InvalidRequestError, match="no plain function"):
        lignin.capture(waits).prove()
    with pytest.raises(lignin.InvalidRequestError, match="inside something else"):
        Held.method.prove()


def test_errors_are_raised_as_ever_and_are_examples(module: Path) -> None:
    text = (
        "import lignin\n\n@lignin.capture(background=False)\ndef root(n: int) -> float:\n"
        '    """Root."""\n    if n < 0:\n        raise ValueError(n)\n    return n ** 0.5\n'
    )
    root = load(module, text).root
    with pytest.raises(ValueError, match="-1"):
        root(-1)
    assert root(4) == 2.0
    kept = list(root.captured._examples.values())
    assert kept == [
        {"arguments": {"n": -1}, "error": "ValueError"},
        {"arguments": {"n": 4}, "result": 2.0},
    ]


@pytest.mark.parametrize(
    "value", [(1, 2), {1: "a"}, object(), float("nan"), {"deep": [(1,)]}, "x" * 20_000]
)
def test_arguments_that_json_has_otherwise_are_no_example(value: Any, module: Path) -> None:
    def same(given: Any) -> Any:
        return given

    kept = lignin.capture(background=False)(same)
    assert kept(value) is value
    assert kept.captured._examples == {}


def test_arguments_are_kept_as_they_were_before_the_call() -> None:
    def emptied(numbers: list[int]) -> int:
        total = sum(numbers)
        numbers.clear()
        return total

    kept = lignin.capture(background=False)(emptied)
    assert kept([1, 2]) == 3
    assert list(kept.captured._examples.values()) == [
        {"arguments": {"numbers": [1, 2]}, "result": 3}
    ]


def test_only_so_many_calls_are_looked_at() -> None:
    def same(number: int) -> int:
        return number

    kept = lignin.capture(background=False)(same)
    for _ in range(captured.MAX_LOOKS + 1):
        kept(1)
    kept(2)
    assert len(kept.captured._examples) == 1


def test_it_is_still_found_by_its_name(module: Path) -> None:
    slug = load(module, TEXT.format(name="named")).named
    assert getattr(importlib.import_module(slug.__module__), slug.__qualname__) is slug
    assert (slug.__name__, slug.__doc__) == ("named", "Turns a title into the end of an address.")


def test_a_secret_among_the_calls_is_refused_and_nothing_is_kept(
    as_default: Client, module: Path, store: Served
) -> None:
    name = f"hidden_{next(_NUMBERS)}"
    slug = getattr(load(module, TEXT.format(name=name)), name)
    secret = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA2cD4"
    slug(secret)
    with pytest.raises(lignin.InvalidRequestError, match="nothing was captured"):
        slug.prove()
    with store.context.view() as view:
        assert view.row(f"artifact/{name.replace('_', '-')}") is None
