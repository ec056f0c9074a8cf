"""What spaces and heads may be called: the one definition."""

import re

from lignin.domain.errors import InvalidRequestError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def is_name(name: str) -> bool:
    """True where `require_name` would take it."""
    return bool(_NAME.fullmatch(name))


def require_name(kind: str, name: str) -> str:
    """Return a name that is one.

    Raises:
        InvalidRequestError: It is not 1 to 63 of a-z, 0-9, dot, dash and underscore, beginning with
            a letter or digit.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequestError(
            f"{name!r:.80} is no name of a {kind}",
            hint="1 to 63 lower-case letters, digits, dots, dashes or underscores; "
            "a letter or digit first",
        )
    return name
