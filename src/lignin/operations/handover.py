"""What a caller hands over: files, examples, and no secrets in them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lignin.artifacts.folder import read_tree
from lignin.domain.artifacts import MAX_TREE_BYTES, File
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError, LimitedError, NotFoundError
from lignin.domain.examples import Example, parse_example
from lignin.traces.redact import redact

MAX_EXAMPLES = 2000
MAX_CONTEXT_BYTES = 16_000


def read_files(path: Path) -> dict[str, File]:
    """Return one file by its name, or a folder's files by relative path.

    Raises:
        NotFoundError: There is neither.
        LimitedError: It is larger than an artifact may be.
    """
    if path.is_dir():
        return read_tree(path)
    if not path.is_file():
        raise NotFoundError(f"{path} does not exist", hint="name a file or a folder")
    with path.open("rb") as file:
        content = file.read(MAX_TREE_BYTES + 1)
    if len(content) > MAX_TREE_BYTES:
        raise LimitedError(
            f"{path} has more than {MAX_TREE_BYTES} bytes, which an artifact may have"
        )
    mode: Literal["0644", "0755"] = "0755" if path.stat().st_mode & 0o100 else "0644"
    return {path.name: File(content=content, mode=mode)}


def refuse_secrets(
    files: Mapping[str, File], examples: Json, key: bytes, known: Json = None
) -> None:
    """A secret is not stored, not even as a draft: nothing of the capture is.

    Raises:
        InvalidRequestError: Which detector found one, and in which file.
    """
    texts = {path: file.content for path, file in files.items()}
    texts["the examples"] = json.dumps(examples).encode()
    texts["the context"] = json.dumps(known).encode()
    for told in find_secrets(texts, key).values():
        raise InvalidRequestError(
            f"{told}; nothing was captured",
            hint="take it out and declare it by name in the manifest's capabilities.secrets",
        )


def find_secrets(texts: Mapping[str, bytes], key: bytes) -> dict[str, str]:
    """By name of what holds a secret, which detector found it there; nothing of the secret itself."""
    found = {}
    for where, content in texts.items():
        if counts := redact(content, key).counts:
            masked = redact(where.encode(), key).content.decode(errors="replace")
            found[masked] = f"{masked}: a secret ({', '.join(sorted(counts))})"
    return found


def read_context(text: str) -> Json:
    """Return what somebody says of the task, which is kept beside the code: JSON where it is some.

    Raises:
        LimitedError: It is longer than `MAX_CONTEXT_BYTES`.
    """
    size = len(text.encode(errors="replace"))
    if size > MAX_CONTEXT_BYTES:
        raise LimitedError(
            f"the context has {size} bytes; at most {MAX_CONTEXT_BYTES} are kept",
            hint="say what matters: a few inputs, the constraint, the error",
        )
    try:
        return parse_json(text.encode()) if text else None
    except (CodecError, UnicodeEncodeError):
        return text


def read_examples(value: Json) -> list[Example]:
    """Return the examples of a request; who gave them is not theirs to say.

    Raises:
        InvalidRequestError: They are not a list of example objects, or one of a function or
            script says neither what comes out nor which error.
        LimitedError: They are more than `MAX_EXAMPLES`.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidRequestError("examples are a JSON list of objects")
    if len(value) > MAX_EXAMPLES:
        raise LimitedError(
            f"{len(value)} examples; at most {MAX_EXAMPLES} are taken at once",
            hint="give those that differ most: a few dozen prove as much",
        )
    return [_read_example(number, item) for number, item in enumerate(value, start=1)]


def _read_example(number: int, value: Json) -> Example:
    try:
        example = parse_example(value)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"example {number}: {error.message}", hint=error.hint) from error
    if "result" not in value and example.error is None:
        raise InvalidRequestError(
            f"example {number} has neither 'result' nor 'error': it would judge nothing",
            hint='say what comes out: "result" (null is a result), or "error" with the '
            "exception's name",
        )
    return replace(example, origin="author")
