"""Words of a dialogue that tell how it goes: consent, refusal, correction."""

import re

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
