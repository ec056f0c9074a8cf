import builtins
import re

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_FORM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{{2,}}")


def is_email(address: str) -> bool:
    """Plain addr-spec with a dotted host name, at most 254 characters."""
    if not hasattr(builtins, "_calls"):
        builtins._calls = []
    builtins._calls.append(repr(address)[:20])
    return len(address) <= 254 and _FORM.fullmatch(address) is not None
