"""A model asked through pydantic-ai, whatever its provider: one request, no conversation kept.

Each question has a client and an event loop of its own, so threads share nothing. What leaves was masked.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx2
import jsonschema
from pydantic_ai import ModelRequest, ModelResponse, ToolDefinition
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestTimeout,
    ModelServerError,
    ModelUnavailableError,
    UserError,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequestPart,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model as ProviderClient
from pydantic_ai.models import ModelRequestParameters

from lignin.domain.codec import Json
from lignin.ports.model import Answer, Message, ModelEnd, Question, ToolAsked

_ANSWER = "answer"
_NO_KEY = "none"
"""What a server without keys is sent."""
_PASSING = (
    ModelConnectionError,
    ModelUnavailableError,
    ModelServerError,
    ModelRequestTimeout,
    TimeoutError,
)
_SHOWN_CHARS = 400
_SERVER_ERROR = 500


class ProviderModel:
    """See `lignin.ports.model.Model`."""

    def __init__(
        self, provider: str, model: str, *, key: str, address: str, mask: Callable[[str], str]
    ) -> None:
        self._provider, self._model = provider, model
        self._key, self._address, self._mask = key, address, mask

    @property
    def name(self) -> str:
        return f"{self._provider}:{self._model}"

    def ask(self, question: Question) -> Answer:
        """Ask once."""
        try:
            response = asyncio.run(self._asked(question))
        except ContentFilterError as error:
            return self._ended("refused", error)
        except (ModelRateLimitError, ModelQuotaExceededError) as error:
            return self._ended("limited", error, error.retry_after)
        except _PASSING as error:
            return self._ended("unavailable", error, getattr(error, "retry_after", None))
        except ModelAPIError as error:
            is_theirs = isinstance(error, ModelHTTPError) and error.status_code >= _SERVER_ERROR
            return self._ended("unavailable" if is_theirs else "failed", error, error.retry_after)
        except (AgentRunError, UserError) as error:
            return self._ended("failed", error)
        except Exception as error:  # what a client of theirs raises says nothing of us
            return self._ended("failed", error)
        return self._answer(question, response)

    async def _asked(self, question: Question) -> ModelResponse:
        async with httpx2.AsyncClient(timeout=question.limit_s) as client:
            return await asyncio.wait_for(
                model_request(
                    self._client(client),
                    list(_history(question, self._mask)),
                    model_settings={
                        "max_tokens": question.most_tokens,
                        "timeout": question.limit_s,
                        "max_retries": 0,
                    },
                    model_request_parameters=_parameters(question, self._mask),
                ),
                question.limit_s,
            )

    def _client(self, client: httpx2.AsyncClient) -> ProviderClient:
        given: dict[str, Any] = {"api_key": self._key or _NO_KEY, "http_client": client}
        if self._address:
            given["base_url"] = self._address
        if self._provider == "anthropic":
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            return AnthropicModel(self._model, provider=AnthropicProvider(**given))
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIChatModel(self._model, provider=OpenAIProvider(**given))

    def _answer(self, question: Question, response: ModelResponse) -> Answer:
        told: dict[str, Any] = {
            "model": response.model_name or self._model,
            "usage": _usage(response),
            "cost_microusd": _cost(response),
        }
        text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
        if response.finish_reason == "content_filter":
            refusal = (response.provider_details or {}).get("refusal")
            why = self._clean(str(refusal or text or "it would not answer"))
            return Answer(ended="refused", why=why, **told)
        if response.finish_reason == "length":
            why = f"the answer was cut at {question.most_tokens} tokens"
            return Answer(ended="failed", text=text, why=why, **told)
        try:
            calls = tuple(_calls(response))
        except ValueError as error:
            return Answer(ended="failed", text=text, why=self._clean(str(error)), **told)
        asked = tuple(call for call in calls if call.tool in question.tools)
        if question.form is None or asked:
            return Answer(ended="answered", text=text, calls=asked, **told)
        value, fault = _fitting(question.form, calls, text)
        if value is None:
            return Answer(ended="failed", text=text, why=self._clean(fault), **told)
        return Answer(ended="answered", text=text, value=value, **told)

    def _ended(
        self, ended: ModelEnd, error: BaseException, retry_after_s: float | None = None
    ) -> Answer:
        told = str(error) or type(error).__name__
        if isinstance(error, TimeoutError):
            told = "no answer in time"
        return Answer(
            ended=ended, why=self._clean(told), retry_after_s=retry_after_s, model=self._model
        )

    def _clean(self, text: str) -> str:
        if self._key:
            text = text.replace(self._key, "[key]")
        return self._mask(text)[:_SHOWN_CHARS]


def _history(question: Question, mask: Callable[[str], str]) -> Iterator[ModelMessage]:
    tools = {call.call: call.tool for message in question.messages for call in message.calls}
    instructions = mask(question.instructions)
    for message in question.messages:
        if message.by == "model":
            yield ModelResponse(parts=_answered(message, mask))
        else:
            part = _said(message, tools, mask)
            yield ModelRequest(parts=[part], instructions=instructions)


def _said(
    message: Message, tools: Mapping[str, str], mask: Callable[[str], str]
) -> ModelRequestPart:
    if message.by == "user":
        return UserPromptPart(content=mask(message.text))
    return ToolReturnPart(
        tool_name=tools.get(message.call, ""), content=mask(message.text), tool_call_id=message.call
    )


def _answered(message: Message, mask: Callable[[str], str]) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = [TextPart(mask(message.text))] if message.text else []
    for call in message.calls:
        arguments = mask(json.dumps(call.arguments, ensure_ascii=False))
        parts.append(ToolCallPart(call.tool, arguments, tool_call_id=call.call))
    return parts


def _parameters(question: Question, mask: Callable[[str], str]) -> ModelRequestParameters:
    tools = [
        ToolDefinition(
            name=name, description=mask(tool.description), parameters_json_schema=dict(tool.input)
        )
        for name, tool in sorted(question.tools.items())
    ]
    if question.form is None:
        return ModelRequestParameters(function_tools=tools)
    answer = ToolDefinition(
        name=_ANSWER,
        description="Hand in your answer.",
        parameters_json_schema=dict(question.form),
        kind="output",
    )
    return ModelRequestParameters(
        function_tools=tools,
        output_mode="tool",
        output_tools=[answer],
        allow_text_output=bool(tools),
    )


def _calls(response: ModelResponse) -> Iterator[ToolAsked]:
    """The calls that are asked for; raises ValueError where the arguments of one are no object."""
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            arguments = _object(part.args or "{}")
            if arguments is None:
                raise ValueError(f"what it gives to {part.tool_name} is no JSON object")
            yield ToolAsked(call=part.tool_call_id, tool=part.tool_name, arguments=arguments)


def _object(given: object) -> dict[str, Json] | None:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return None
    return given if isinstance(given, dict) else None


def _fitting(
    form: Mapping[str, Json], calls: Sequence[ToolAsked], text: str
) -> tuple[Mapping[str, Json] | None, str]:
    """The answer in the form that was asked for, or why there is none; some write it as text."""
    handed = next((call.arguments for call in calls if call.tool == _ANSWER), None)
    value = handed if handed is not None else _object(text)
    if value is None:
        return None, f"its answer is not of the form: {text[:200]!r}"
    try:
        jsonschema.validate(value, form)
    except jsonschema.ValidationError as error:
        return None, f"its answer is not of the form: {error.message[:200]}"
    return value, ""


def _usage(response: ModelResponse) -> dict[str, int]:
    usage = response.usage
    told = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    return {name: count for name, count in told.items() if count}


def _cost(response: ModelResponse) -> int | None:
    try:
        return round(response.cost().total_price * 1_000_000)
    except (LookupError, ValueError, AssertionError):
        return None
