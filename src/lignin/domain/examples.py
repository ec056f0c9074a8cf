"""Recorded uses of an artifact, by which it is judged: facts about its digest, no part of it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lignin.domain.artifacts import require_safe_path
from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import InvalidRequestError

MIN_HELD_OUT = 2
HELD_OUT_SHARE = 0.3
MIN_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program that was started with some words said, and how it ended."""

    argv: tuple[str, ...]
    stdout: str
    exit_code: int = 0

    def to_json(self) -> dict[str, Json]:
        """The answer as a JSON object."""
        return {"argv": list(self.argv), "stdout": self.stdout, "exit_code": self.exit_code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One recorded use of an artifact: what went in and what came out.

    A program's example has `arguments` (an object) and `result`; a script's has `argv`, `stdin` and
    `files` (text placed in the work folder) and a `result` of `{"stdout": str, "exit_code": int}`.
    `error` is the exception name where the recorded answer was an error. `answers` say what the
    programs that a script starts answer instead of being run, in their order: all have to be asked for,
    and nothing else is found. `given` is what a workflow found around it: `now`, `seed`, `signals` by topic,
    `state` by name, `agents` (their answers in order), `missed`. `origin` says who observed
    it (`transcript`, `author`, once kept the giver's name), which is not part of its digest.
    """

    arguments: Mapping[str, Json] | None = None
    argv: tuple[str, ...] = ()
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    answers: tuple["Answer", ...] = ()
    given: Mapping[str, Json] = field(default_factory=dict)
    result: Json = None
    error: str | None = None
    origin: str = "author"

    def to_json(self) -> dict[str, Json]:
        """The example as a JSON object; `parse_example` reads it back."""
        return {
            "arguments": None if self.arguments is None else dict(self.arguments),
            "argv": list(self.argv),
            "stdin": self.stdin,
            "files": dict(self.files),
            **({"answers": [each.to_json() for each in self.answers]} if self.answers else {}),
            **({"given": dict(self.given)} if self.given else {}),
            "result": self.result,
            "error": self.error,
            "origin": self.origin,
        }

    @property
    def digest(self) -> Digest:
        """Digest of the example without its origin."""
        return digest_json({k: v for k, v in self.to_json().items() if k != "origin"})


def parse_example(value: Json) -> Example:
    """Parse an untrusted example object.

    Raises:
        InvalidRequestError: An unknown key or a value of the wrong type.
    """
    if not isinstance(value, Mapping):
        raise InvalidRequestError("an example is a JSON object")
    unknown = set(value) - set(Example.__dataclass_fields__)
    if unknown:
        known = [name for name in Example.__dataclass_fields__ if name != "origin"]
        raise InvalidRequestError(
            f"an example has no key {min(map(str, unknown))!r}",
            hint=f"its keys are {', '.join(known)}",
        )
    arguments, argv = value.get("arguments"), value.get("argv", [])
    stdin, files, error = value.get("stdin", ""), value.get("files", {}), value.get("error")
    if arguments is not None and not isinstance(arguments, Mapping):
        raise InvalidRequestError("an example's arguments are an object")
    if not isinstance(argv, list | tuple) or not all(isinstance(word, str) for word in argv):
        raise InvalidRequestError("an example's argv is a list of strings")
    if not isinstance(stdin, str) or not (error is None or isinstance(error, str)):
        raise InvalidRequestError("an example's stdin and error are strings")
    if not isinstance(files, Mapping) or not all(isinstance(text, str) for text in files.values()):
        raise InvalidRequestError("an example's files map paths to text")
    for path in files:
        require_safe_path(path)
    given = value.get("given", {})
    if not isinstance(given, Mapping):
        raise InvalidRequestError("an example's given is an object")
    return Example(
        arguments=arguments,
        argv=tuple(argv),
        stdin=stdin,
        files=files,
        answers=_parse_answers(value.get("answers", [])),
        given=given,
        result=value.get("result"),
        error=error,
        origin=str(value.get("origin", "author")),
    )


def _parse_answers(value: Json) -> tuple[Answer, ...]:
    if isinstance(value, list | tuple):
        found = [_parse_answer(each) for each in value]
        if None not in found:
            return tuple(each for each in found if each)
    raise InvalidRequestError(
        "an example's answers are objects with argv, stdout and, where it is not 0, exit_code"
    )


def _parse_answer(value: Json) -> Answer | None:
    match value:
        case {"argv": [*argv], "stdout": str() as stdout, **others} if (
            all(isinstance(word, str) for word in argv)
            and set(others) <= {"exit_code"}
            and type(code := others.get("exit_code", 0)) is int
        ):
            return Answer(argv=tuple(argv), stdout=stdout, exit_code=code)
    return None


def examples_digest(examples: Iterable[Example]) -> Digest:
    """Return the digest of a set of examples: proof on other ones is no proof on these."""
    return digest_json(sorted({example.digest for example in examples}))


def split_examples(examples: Iterable[Example]) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Split examples into (visible, held out) by hash, without repeats.

    At least `HELD_OUT_SHARE` and at least `MIN_HELD_OUT` are held out; the split of a given set is
    always the same and nobody can choose it. Source: decision record 5.
    """
    unique = {example.digest: example for example in examples}
    ordered = [unique[digest] for digest in sorted(unique)]
    held = min(len(ordered), max(MIN_HELD_OUT, math.ceil(HELD_OUT_SHARE * len(ordered))))
    return tuple(ordered[held:]), tuple(ordered[:held])
