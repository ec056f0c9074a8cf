"""No secret reaches the store by the doors that people and agents use."""

from pathlib import Path

import pytest

from lignin.domain.errors import InvalidRequestError
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk

KEY = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA2cD4"


def test_a_captured_file_with_a_secret_is_refused_whole(desk: Desk) -> None:
    path = desk.write("leak.py", f'TOKEN = "{KEY}"\n\n' + DOUBLE)
    with pytest.raises(InvalidRequestError, match=r"leak\.py: a secret \(github\)"):
        desk("artifact.capture", path=path, examples=EXAMPLES)
    assert desk("artifact.list").total == 0


def test_an_example_with_a_secret_is_refused(desk: Desk) -> None:
    path = desk.write("double.py", DOUBLE)
    examples = [*EXAMPLES, {"arguments": {"number": 1, "token": KEY}, "result": 2}]
    with pytest.raises(InvalidRequestError, match="the examples: a secret"):
        desk("artifact.capture", path=path, examples=examples)


def test_a_secret_in_an_appended_event_is_redacted(desk: Desk) -> None:
    session = desk("session.start").session
    desk("session.append", session=session, events=[{"said": f"use {KEY} please"}])
    text = desk("session.read", session=session).items[0].text
    assert KEY not in text
    assert "[redacted:github:" in text


def test_a_secret_in_what_people_write_about_a_thing_is_redacted(desk: Desk) -> None:
    desk.double(promote=True)
    path = desk.write(f"{KEY}/triple.py", DOUBLE.replace("2", "3").replace("double", "triple"))
    examples = [{"arguments": {"number": n}, "result": 3 * n} for n in (1, 3, 4, 7, 11, 20)]
    desk("artifact.capture", path=path, examples=examples, task=f"with {KEY}", session=f"s {KEY}")
    desk("artifact.promote", name="triple", hypothesis=f"{KEY} helps")
    desk("artifact.deprecate", name="double", reason=f"leaked {KEY}")
    shown = desk("artifact.show", name="triple")
    assert "[redacted:github:" in shown.provenance[0]["task"]
    for file in desk.context.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


def test_nothing_of_an_ordinary_life_looks_like_a_secret(desk: Desk) -> None:
    desk.double(promote=True)
    desk("artifact.call", name="double", input={"number": 2})
    desk("head.lease", name="main")
    with desk.context.view() as view:
        assert all("[redacted:" not in str(event.payload) for event in view.log())


def test_no_byte_of_the_secret_is_in_the_store(desk: Desk, tmp_path: Path) -> None:
    session = desk("session.start").session
    desk("session.append", session=session, events=[{"said": f"use {KEY} please"}])
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()


def test_a_secret_in_the_context_of_the_task_is_refused(desk: Desk) -> None:
    path = desk.write("double.py", DOUBLE)
    with pytest.raises(InvalidRequestError, match="the context: a secret"):
        desk("artifact.capture", path=path, context=f"it was called with {KEY}")
    assert desk("artifact.list").total == 0
