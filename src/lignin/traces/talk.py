"""What a dialogue tells: words of consent, refusal and correction; figures asked for and told. Pure."""

import re

from lignin.domain.traces import Trajectory

CONSENT = re.compile(
    r"\b(?:yes|yep|yeah|confirm\w*|go ahead|proceed|sure|correct|please do|ok(?:ay)?|agreed?|"
    r"sounds good|that works|works for me|perfect)\b",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\b(?:unable|cannot|can't|can not|not possible|unfortunately|sorry|apologi[sz]e|"
    r"not (?:available|allowed|eligible|supported))\b",
    re.IGNORECASE,
)
CORRECTION = re.compile(
    r"\b(?:wrong|incorrect|mistake|not what i|that's not|that is not|isn't right|"
    r"double[- ]check|are you sure|misunderst\w+|i (?:said|asked for|meant)|still need|"
    r"you (?:forgot|missed|didn't)|should(?:n't| not)? have)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ASKED = re.compile(
    r"how (?:much|many|long)|total|tracking|amount|difference|number|what (?:is|are|was)|which",
    re.IGNORECASE,
)


_ANSWER = re.compile(
    r"(?:answer(?:\s+is)?\s*[:=]|answer\s+is)[\s*`]*([^\n]{1,80})|\\boxed\{([^{}\n]{1,80})\}",
    re.IGNORECASE,
)
_SHORT_CHARS = 80
_EDGES = " \t\r\n.*`'\"$"


def final_answer(trajectory: Trajectory) -> str:
    """Return the answer with which a run ends: what it names as such, or short last words; "" where
    the last words are neither."""
    said = [s.text for s in trajectory.steps if s.role == "assistant" and s.text.strip()]
    if not said:
        return ""
    named = [first or second for first, second in _ANSWER.findall(said[-1])]
    text = named[-1] if named else said[-1].strip()
    return text.lower().strip(_EDGES) if len(text) <= _SHORT_CHARS else ""


def numbers_told(trajectory: Trajectory) -> tuple[frozenset[str], frozenset[str]]:
    """Return the numbers that the agent told, and of them those that were news to the user after a
    question of his."""
    told: set[str] = set()
    answered: set[str] = set()
    known: set[str] = set()
    question = ""
    for step in trajectory.steps:
        if step.role == "user" and step.text:
            question = step.text
            known |= _numbers(question)
        elif step.role == "assistant" and step.text:
            told |= (found := _numbers(step.text))
            if _ASKED.search(question):
                answered |= found - known
    return frozenset(told), frozenset(answered)


def _numbers(text: str) -> set[str]:
    return {found.replace(",", "").rstrip(".") for found in _NUMBER.findall(text)}
