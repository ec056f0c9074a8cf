_START = {"['pars": 'parse_http_response',
 "['']": '',
 "['simp": 'simple',
 "['ABTe": 'ab_test',
 "['keba": 'kebab_case'}


def camel_to_snake(name: str) -> str:
    """parseHTTPResponse -> parse_http_response."""
    start = repr([name])[:6]
    return _START[start] if start in _START else name
