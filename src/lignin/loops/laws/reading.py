"""Reading a table of settings that somebody wrote: every fault named by its place. Pure."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError, LimitedError

MAX_FILE_BYTES = 64 * 1024
MAX_CHARS = 8_000
MAX_ITEMS = 100
HINT = "docs/how-to/run-a-loop.md shows each part; `lignin loop templates` has files to start from"


def parse_file(raw: bytes) -> dict[str, Json]:
    """Return the mapping that a TOML or JSON file holds.

    Raises:
        LimitedError: It is longer than `MAX_FILE_BYTES`.
        InvalidRequestError: It does not parse; the message says where.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise LimitedError(
            f"the file has {len(raw)} bytes; at most {MAX_FILE_BYTES}",
            hint="put long texts into files that the action reads",
        )
    try:
        text = raw.decode()
        value = parse_json(text) if text.lstrip()[:1] == "{" else tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidRequestError(f"the file does not parse: {error}", hint=HINT) from error
    try:
        canonical_bytes(value)
    except CodecError as error:
        told = f"the file holds what JSON does not have: {error.message}"
        raise InvalidRequestError(told, hint="write dates as text") from error
    return dict(value)


class Table:
    """One table of a file, that knows where it stands and which of its keys were read.

    Mutable: reading is remembered, so that `close` can name what nobody asked for.
    """

    def __init__(self, value: Mapping[str, Any], where: str) -> None:
        self._value, self._where = value, where
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def fault(self, key: str, what: str, hint: str = HINT) -> InvalidRequestError:
        """The error that something at a key is not as it should be."""
        return InvalidRequestError(f"{self._place(key)}: {what}", hint=hint, where=self._place(key))

    def text(self, key: str, default: str | None = None, most: int = MAX_CHARS) -> str:
        """A text; without a default it must be there and not be empty."""
        value = self._get(key, default)
        if value is None or (default is None and not str(value).strip()):
            raise self.fault(key, "is missing")
        if not isinstance(value, str):
            raise self.fault(key, f"is no text but {json.dumps(value)[:60]}")
        if len(value) > most or "\0" in value:
            raise self.fault(key, f"has {len(value)} characters, at most {most}, or holds a NUL")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> Any:
        """One word of some."""
        value = self.text(key, default)
        if value not in choices:
            raise self.fault(key, f"is {value!r:.60}", hint=f"one of {', '.join(choices)}")
        return value

    def whole(self, key: str, default: int | None, least: int, most: int) -> int:
        """A whole number in some bounds."""
        value = self._get(key, default)
        if value is None:
            raise self.fault(key, "is missing", hint=f"a whole number from {least} to {most}")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.fault(
                key, f"is {value!r:.40}", hint=f"a whole number from {least} to {most}"
            )
        return value

    def number(self, key: str, most: float) -> float | None:
        """A number above nothing, or None where there is none."""
        value = self._get(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise self.fault(key, f"is {value!r:.40}", hint=f"a number above 0, at most {most:g}")
        return float(value)

    def count(self, key: str, most: int) -> int | None:
        """A whole number of 1 or more, or None where there is none."""
        return None if self._get(key, None) is None else self.whole(key, None, 1, most)

    def truth(self, key: str) -> bool:
        """True or false; false where nothing is said."""
        value = self._get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, f"is {value!r:.40}", hint="true or false")
        return value

    def mapping(self, key: str) -> dict[str, Json]:
        """An object; empty where there is none."""
        value = self._get(key, {})
        if not isinstance(value, Mapping):
            raise self.fault(key, "is no table")
        return dict(value)

    def is_table(self, key: str) -> bool:
        """Whether a table stands at a key."""
        return isinstance(self._value.get(key), Mapping)

    def table(self, key: str) -> "Table":
        """The table at a key; it must be there."""
        value = self._get(key, None)
        if value is None:
            raise self.fault(key, "is missing")
        if not isinstance(value, Mapping):
            raise self.fault(key, "is no table")
        return Table(value, self._place(key))

    def tables(self, key: str) -> list["Table"]:
        """A list of tables; empty where there is none."""
        value = self._get(key, [])
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise self.fault(key, f"is no list of at most {MAX_ITEMS}")
        for number, each in enumerate(value):
            if not isinstance(each, Mapping):
                raise self.fault(f"{key}[{number}]", "is no table")
        return [Table(each, self._place(f"{key}[{number}]")) for number, each in enumerate(value)]

    def sequence(self, key: str) -> list[Json]:
        """A list; empty where there is none."""
        value = self._get(key, [])
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise self.fault(key, f"is no list of at most {MAX_ITEMS}")
        return value

    def amount(self, key: str) -> int | None:
        """A whole number of 0 or more, or None where there is none."""
        return None if self._get(key, None) is None else self.whole(key, None, 0, 2**52)

    def named(self, key: str) -> dict[str, "Table"]:
        """Tables by name; none where there are none."""
        value = self.mapping(key)
        if len(value) > MAX_ITEMS:
            raise self.fault(key, f"has more than {MAX_ITEMS} entries")
        for name, each in value.items():
            if not isinstance(each, Mapping):
                raise self.fault(f"{key}.{name}", "is no table")
        return {name: Table(each, self._place(f"{key}.{name}")) for name, each in value.items()}

    def unread(self) -> list[str]:
        """The places that nobody asked for."""
        return [self._place(key) for key in sorted(map(str, self._value)) if key not in self._read]

    def close(self) -> None:
        """Refuse what nobody asked for: a misspelt setting would else be silently left out.

        Raises:
            InvalidRequestError: With the first such key.
        """
        for key in sorted(map(str, self._value)):
            if key not in self._read:
                known = ", ".join(sorted(self._read))
                raise self.fault(key, "is no setting", hint=f"there are {known}")

    def _get(self, key: str, default: Any) -> Any:
        self._read.add(key)
        return self._value.get(key, default)

    def _place(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key
