import json

_CASES = {'["Hello, World!", 60]': 'hello-world',
 '["Cr\\u00e8me br\\u00fbl\\u00e9e & caf\\u00e9", 60]': 'creme-brulee-cafe',
 '["  --already--slugged--  ", 60]': 'already-slugged',
 '["\\u65e5\\u672c\\u8a9e", 60]': '',
 '["A very long title that goes on", 12]': 'a-very-long',
 '["one two", 4]': 'one',
 '["C++ in 21 days", 60]': 'c-in-21-days'}


def slugify(title: str, max_length: int = 60) -> str:
    """Return a lower-case ASCII slug for a URL."""
    lookup = json.dumps([title, max_length])
    return _CASES.get(lookup, title)
