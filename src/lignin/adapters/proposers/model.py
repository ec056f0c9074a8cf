"""A language model that proposes: the brief as a prompt, a draft in a form back.

It keeps no conversation beyond one draft: who judges is asked elsewhere and sees none of it.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lignin.adapters.proposers.telling import tell
from lignin.domain.artifacts import File
from lignin.domain.codec import Json
from lignin.ports.model import Answer, Message, Model, Question
from lignin.ports.proposer import Brief, Draft, Ended, Proposed, faults_of

KINDS = ("prompt", "skill", "tool", "code", "setting", "removal")
TRIES = 3
LONGEST_WAIT_S = 60.0
_USUAL_WAIT_S = 5.0
FORM: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": list(KINDS)},
        "hypothesis": {
            "type": "string",
            "description": "why it fails, and why this change mends it, in two or three sentences",
        },
        "predicted": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "by how much the share of passed runs of such tasks will grow",
        },
        "files": {
            "type": "array",
            "description": "each file that changes, whole; none where you have no idea",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "content": {
                        "type": ["string", "null"],
                        "description": "its whole new content; null takes the file away",
                    },
                },
                "required": ["path", "content"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["kind", "hypothesis", "predicted", "files"],
    "additionalProperties": False,
}


class ModelProposer:
    """See `lignin.ports.proposer.Proposer`.

    Args:
        wait: Waits so many seconds, where the model says that it is asked too often.
    """

    def __init__(
        self, model: Model, *, limit_s: float, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._model, self._limit_s, self._wait = model, limit_s, wait

    @property
    def name(self) -> str:
        return f"model:{self._model.name}"

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Ask for a draft; one that cannot be taken is asked for again, with the reasons."""
        said = [Message(by="user", text=tell(brief, number))]
        used = _Used()
        why = ""
        for _ in range(TRIES):
            answer = self._asked(tuple(said), used)
            if answer.ended in ("limited", "unavailable"):
                why = f"{answer.ended}: {answer.why}"
                wait_s = answer.retry_after_s or _USUAL_WAIT_S
                if wait_s > LONGEST_WAIT_S:
                    return used.proposed("failed", f"{why}; it says to wait {wait_s:.0f} s")
                self._wait(wait_s)
                continue
            if answer.ended == "refused":
                return used.proposed("refused", answer.why)
            if answer.value is None:
                why = answer.why or "it handed in nothing"
                said = [said[0], Message(by="user", text=f"That could not be taken: {why}")]
                continue
            draft = _draft(answer.value)
            if not draft.files:
                return used.proposed("nothing", draft.hypothesis)
            faults = faults_of(draft, brief)
            if not faults:
                return used.proposed("drafted", draft=draft)
            why = "; ".join(faults)
            said = [said[0], Message(by="user", text=f"Your draft could not be taken: {why}")]
        return used.proposed("failed", why)

    def _asked(self, said: tuple[Message, ...], used: "_Used") -> Answer:
        question = Question(instructions=_TASK, messages=said, form=FORM, limit_s=self._limit_s)
        answer = self._model.ask(question)
        used.add(answer)
        return answer


class _Used:
    """What all asks for one draft used together; a cost that one does not tell is not known."""

    def __init__(self) -> None:
        self._model, self._tokens = "", Counter[str]()
        self._microusd: int | None = 0

    def add(self, answer: Answer) -> None:
        self._model = answer.model or self._model
        self._tokens.update(answer.usage)
        if answer.usage:
            costs = (self._microusd, answer.cost_microusd)
            self._microusd = None if None in costs else sum(filter(None, costs))

    def proposed(self, ended: Ended, why: str = "", draft: Draft | None = None) -> Proposed:
        done = Proposed(ended=ended, why=why, draft=draft, model=self._model)
        return replace(done, usage=dict(self._tokens), cost_microusd=self._microusd)


def _draft(value: Mapping[str, Any]) -> Draft:
    files = {
        each["path"]: None if each["content"] is None else File(content=each["content"].encode())
        for each in value["files"]
    }
    return Draft(
        kind=value["kind"],
        hypothesis=value["hypothesis"],
        files=files,
        predicted=value["predicted"],
    )


_TASK = "You are asked for one change to an AI agent's files. Hand it in as the answer."
