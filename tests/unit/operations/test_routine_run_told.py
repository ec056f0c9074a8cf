"""What a served task says of itself: no more than is known."""

from typing import Any

from lignin.operations.routine_run import RoutineRan


def ran(*done: dict[str, Any], answer: str | None = "Done.") -> str:
    made = RoutineRan(
        ended="done", answer=answer, done=list(done), why="", routine="", task="", proposals=[]
    )
    return made.to_text()


READ = {"number": 1, "tool": "get_order", "arguments": {"id": "O-1"}, "changes": False}
NOTED = {"number": 2, "tool": "add_note", "arguments": {"text": "refused"}, "changes": True}


def test_what_was_changed_stands_before_the_learned_words() -> None:
    first, second, third, *answer = ran(READ, {**NOTED, "result": {}}).splitlines()
    assert (first, second) == ("changed:", "  add_note {'text': 'refused'}")
    assert "in the words of the runs" in third
    assert answer == ["Done."]


def test_where_nothing_was_changed_the_text_does_not_leave_it_at_done() -> None:
    assert ran(READ).startswith("nothing was changed\n")
    assert ran(READ, {**NOTED, "error": "guard"}).startswith("nothing was changed\n")
    assert ran(answer=None) == "nothing was changed\nwhat to say at the end is not known"
