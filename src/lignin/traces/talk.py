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
