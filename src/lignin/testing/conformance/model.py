"""What every model does, whatever answers behind it.

Subclass `ModelConformance` in a test module that has a `make` fixture: it returns a model whose next
answers are as named. Needs pytest, which production code does not.

- `text`: answers in the word "yes".
- `form`: hands in `{"colour": "red"}` where a form is asked for.
- `call`: asks for `look` with `{"at": "x"}`.
- `refuses`: will not answer. `limited`: asks to wait 7 seconds. `down`: is out of order.
- `no_key`: does not take the key. `broken`: answers in no JSON. `misfit`: hands in what does not fit.
- `cut`: its answer ends too early. `slow`: says nothing for as long as it is waited for.
"""

from typing import Protocol

import pytest

from lignin.ports.model import Message, Model, Question
from lignin.ports.tools import ToolSpec

FORM = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
LOOK = ToolSpec(
    name="look",
    description="Looks.",
    input={"type": "object", "properties": {"at": {"type": "string"}}},
    effect="read",
    idempotent=True,
)


class Make(Protocol):
    """Makes a model whose answers are as named."""

    def __call__(self, behaviour: str) -> Model: ...


def question(text: str = "which?", **more: object) -> Question:
    """A question of one message."""
    return Question(
        instructions="Answer.",
        messages=(Message(by="user", text=text),),
        limit_s=20,
        **more,  # type: ignore[arg-type]
    )


class ModelConformance:
    """Ends are told apart, use is counted, nothing is raised."""

    def test_text_comes_back_with_what_it_used(self, make: Make) -> None:
        answer = make("text").ask(question())
        assert (answer.ended, answer.text, answer.value, answer.why) == (
            "answered",
            "yes",
            None,
            "",
        )
        assert answer.model
        assert answer.usage["input_tokens"] > 0
        assert answer.usage["output_tokens"] > 0

    def test_an_answer_in_a_form_fits_it(self, make: Make) -> None:
        answer = make("form").ask(question(form=FORM))
        assert (answer.ended, answer.value) == ("answered", {"colour": "red"})

    def test_a_call_that_it_wants_made_is_told(self, make: Make) -> None:
        answer = make("call").ask(question(tools={"look": LOOK}))
        assert answer.ended == "answered"
        assert [(each.tool, each.arguments) for each in answer.calls] == [("look", {"at": "x"})]

    def test_a_call_comes_before_an_answer_in_a_form(self, make: Make) -> None:
        answer = make("call").ask(question(tools={"look": LOOK}, form=FORM))
        assert (answer.ended, answer.value, len(answer.calls)) == ("answered", None, 1)

    def test_a_refusal_is_an_end_of_its_own(self, make: Make) -> None:
        answer = make("refuses").ask(question(form=FORM))
        assert (answer.ended, answer.value) == ("refused", None)
        assert answer.why

    def test_a_limit_says_how_long_to_wait(self, make: Make) -> None:
        answer = make("limited").ask(question())
        assert (answer.ended, answer.retry_after_s) == ("limited", 7.0)

    def test_what_is_out_of_order_may_work_later(self, make: Make) -> None:
        assert make("down").ask(question()).ended == "unavailable"

    def test_silence_ends_in_time(self, make: Make) -> None:
        asked = Question(instructions="", messages=(Message(by="user", text="?"),), limit_s=0.4)
        assert make("slow").ask(asked).ended == "unavailable"

    @pytest.mark.parametrize("behaviour", ["no_key", "broken", "misfit", "cut"])
    def test_a_failure_says_why_and_has_no_answer(self, make: Make, behaviour: str) -> None:
        answer = make(behaviour).ask(question(form=FORM))
        assert (answer.ended, answer.value) == ("failed", None)
        assert answer.why
