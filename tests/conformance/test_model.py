"""Models over real HTTP, in either way of speaking, and the fake, by one suite."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lignin.adapters.models.opening import open_model
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.ports.model import Answer, Message, Model, Question, ToolAsked
from lignin.testing.conformance.model import LOOK, Make, ModelConformance, question
from lignin.testing.fakes.model import ScriptedModel
from lignin.testing.fakes.model_server import ModelServer, Reply, model_server
from lignin.traces.redact import redact

SECRET = "AKIA" + "QYLPMN5HFXB2ZC7T"
REPLIES = {
    "text": Reply(text="yes"),
    "form": Reply(value={"colour": "red"}),
    "call": Reply(value={"at": "x"}, tool="look"),
    "refuses": Reply(refuses="I will not help with that."),
    "limited": Reply(status=429, retry_after="7", text="slow down"),
    "down": Reply(status=503, text="overloaded"),
    "no_key": Reply(status=401, text="the key my-very-own-key is not known"),
    "broken": Reply(text="Sure! The colour is red."),
    "misfit": Reply(value={"colour": 3}),
    "cut": Reply(value={"colour": "red"}, cut=True),
    "slow": Reply(waits_s=30),
}


def mask(text: str) -> str:
    return redact(text.encode(), b"k" * 32).content.decode()


class TestProviders(ModelConformance):
    @pytest.fixture(params=["openai", "anthropic"])
    def provider(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def servers(self) -> Iterator[ExitStack]:
        with ExitStack() as stack:
            yield stack

    @pytest.fixture
    def make(self, servers: ExitStack, provider: str) -> Make:
        def made(behaviour: str) -> Model:
            server = servers.enter_context(model_server([REPLIES[behaviour]]))
            return opened(server, provider)

        return made

    def test_arguments_that_are_no_json_are_a_failure(
        self, servers: ExitStack, provider: str
    ) -> None:
        server = servers.enter_context(model_server([Reply(broken='{"at": ', tool="look")]))
        answer = opened(server, provider).ask(question(tools={"look": LOOK}))
        assert (answer.ended, answer.calls) == ("failed", ())

    def test_a_body_that_is_no_answer_is_a_failure(self, servers: ExitStack, provider: str) -> None:
        server = servers.enter_context(model_server([Reply(raw="<html>proxy</html>")]))
        assert opened(server, provider).ask(question()).ended in {"failed", "unavailable"}

    def test_a_secret_is_masked_before_it_leaves(self, servers: ExitStack, provider: str) -> None:
        server = servers.enter_context(model_server([REPLIES["text"]]))
        asked = Question(
            instructions=f"Use aws_access_key_id={SECRET}.",
            messages=(
                Message(by="user", text=f"aws_access_key_id={SECRET}"),
                Message(
                    by="model",
                    calls=(ToolAsked(call="c1", tool="look", arguments={"at": f"x {SECRET}"}),),
                ),
                Message(by="tool", call="c1", text=f"found aws_access_key_id={SECRET}"),
            ),
            tools={"look": LOOK},
        )
        assert opened(server, provider).ask(asked).ended == "answered"
        left = json.dumps(server.asked)
        assert SECRET not in left
        assert left.count("[redacted:") == 4

    def test_a_key_is_sent_and_never_told(self, servers: ExitStack, provider: str) -> None:
        server = servers.enter_context(model_server([REPLIES["no_key"]]))
        model = opened(server, provider, "my-very-own-key")
        answer = model.ask(question())
        assert server.keys[0].removeprefix("Bearer ") == "my-very-own-key"
        assert "my-very-own-key" not in answer.why + repr(model)

    def test_it_is_asked_once_and_no_more(self, servers: ExitStack, provider: str) -> None:
        server = servers.enter_context(model_server([REPLIES["down"]]))
        opened(server, provider).ask(question())
        assert len(server.asked) == 1

    def test_nobody_there_is_unavailable(self, provider: str) -> None:
        gone = {"OPENAI_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
        assert open_model(f"{provider}:m", gone, mask).ask(question()).ended == "unavailable"


def opened(server: ModelServer, provider: str, key: str = "test-key") -> Model:
    return open_model(f"{provider}:some-model", server.environment(key), mask)


class TestScripted(ModelConformance):
    @pytest.fixture
    def make(self) -> Make:
        ends = {
            "text": Answer(ended="answered", text="yes"),
            "form": Answer(ended="answered", value={"colour": "red"}),
            "call": Answer(
                ended="answered", calls=(ToolAsked(call="1", tool="look", arguments={"at": "x"}),)
            ),
            "refuses": Answer(ended="refused", why="no"),
            "limited": Answer(ended="limited", retry_after_s=7.0),
            "down": Answer(ended="unavailable"),
            "slow": Answer(ended="unavailable"),
        }

        def made(behaviour: str) -> Model:
            end = ends.get(behaviour, Answer(ended="failed", why=behaviour))
            told = {"input_tokens": 3, "output_tokens": 1}
            return ScriptedModel(
                lambda _: Answer(
                    ended=end.ended,
                    text=end.text,
                    value=end.value,
                    calls=end.calls,
                    why=end.why,
                    retry_after_s=end.retry_after_s,
                    model="m",
                    usage=told,
                )
            )

        return made


def test_list_prices_are_told_where_they_are_known() -> None:
    with model_server([REPLIES["text"]]) as server:
        known = open_model("openai:gpt-4o", server.environment(), mask).ask(question())
        unknown = open_model("openai:nobody-s", server.environment(), mask).ask(question())
    assert known.cost_microusd == 600  # 120 tokens at 2.50 and 30 at 10 dollars a million
    assert unknown.cost_microusd is None


@pytest.mark.parametrize("name", ["gpt-4o", "openai:", "nobody:model", ""])
def test_what_names_no_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        open_model(name, {}, mask)


def test_a_model_without_a_key_says_which_one_is_missing() -> None:
    with pytest.raises(UnavailableError) as error:
        open_model("anthropic:claude", {"OPENAI_API_KEY": "x"}, mask)
    assert error.value.hint == "set ANTHROPIC_API_KEY"
