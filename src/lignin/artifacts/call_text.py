"""How to call an artifact, in words and shell lines, for a generated SKILL.md. Pure.

Owns the example call, its input and output. There is no line that runs a program without us: what
was verified behind walls is called behind the same. Values come from recorded examples and are data: they are written as JSON inside
fences longer than any run of backticks in them.
"""

import json
import re
import shlex
from collections.abc import Mapping

from lignin.domain.artifacts import HIDDEN, Manifest
from lignin.domain.codec import Digest, Json
from lignin.domain.examples import Example

HOME_SPACE = "home"
MAX_EXAMPLES = 3
MAX_EXAMPLE_CHARS = 1200
MAX_PHRASE_CHARS = 200
_NOT_PLAIN = re.compile(r"[<>\\]|\s{2}|[-=]>")
_BACKTICKS = re.compile(r"`{3,}")
_SAMPLES: Mapping[str, Json] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def call_section(
    name: str,
    digest: Digest,
    manifest: Manifest,
    examples: tuple[Example, ...],
    *,
    space: str = HOME_SPACE,
) -> list[str]:
    """Lines of the section that shows the call with its input and what came out of it.

    `space` is named in the call as `space_option` does.
    """
    reference = shlex.quote(f"{name}@{digest}")
    command = f"lignin artifact call {reference}{space_option(space)} --input -"
    shown = [example for example in examples if _size(example) <= MAX_EXAMPLE_CHARS]
    shown = shown[:MAX_EXAMPLES]
    first = call_input(shown[0]) if shown else _sample_input(manifest)
    lines = ["## How to call it", ""]
    lines += _fenced("sh", f"{command} <<'JSON'\n{_json(first)}\nJSON")
    if not shown:
        note = "The values above only show the form; nothing was recorded that could be shown."
        return [*lines, note, ""]
    lines += ["It answers:", "", *_fenced("json", _answer(shown[0]))]
    for example in shown[1:]:
        lines += ["Another recorded call, input and answer:", ""]
        lines += _fenced("json", f"{_json(call_input(example))}\n{_answer(example)}")
    return lines


def space_option(space: str) -> str:
    """The option that names a space which a reader may stand outside; empty for the default one."""
    return "" if space == HOME_SPACE else f" --space {shlex.quote(space)}"


def example_phrase(examples: tuple[Example, ...]) -> str:
    """One short recorded call for a description; empty where none is short and plain enough."""
    for example in examples:
        if example.error is None:
            phrase = f"For example {_json(call_input(example))} gives {_answer(example)}."
            if len(phrase) <= MAX_PHRASE_CHARS and not _NOT_PLAIN.search(phrase):
                return phrase
    return ""


def call_input(example: Example) -> Json:
    """The JSON object that stands for one example's input: arguments, or argv, stdin and files."""
    if example.arguments is not None:
        return dict(example.arguments)
    value: dict[str, Json] = {"argv": list(example.argv)}
    if example.stdin:
        value["stdin"] = example.stdin
    if example.files:
        value["files"] = dict(example.files)
    return value


def _answer(example: Example) -> str:
    if example.error is not None:
        return _json({"error": example.error})
    return _json(example.result)


def _size(example: Example) -> int:
    return len(_json(call_input(example))) + len(_answer(example))


def _sample_input(manifest: Manifest) -> Json:
    schema = manifest.interface.input
    properties = schema.get("properties")
    if manifest.kind == "script" and not properties:
        return {"argv": []}
    if not isinstance(properties, Mapping):
        return {}
    required = schema.get("required", [])
    return {name: _sample(spec) for name, spec in properties.items() if name in required}


def _sample(spec: Json) -> Json:
    if not isinstance(spec, Mapping):
        return None
    for key in ("examples", "enum"):
        if isinstance(spec.get(key), list) and spec[key]:
            return spec[key][0]
    if "default" in spec:
        return spec["default"]
    kind = spec.get("type")
    return _SAMPLES.get(kind if isinstance(kind, str) else "null")


def _json(value: Json) -> str:
    # A client that runs !`command` while loading a skill does so inside fences too.
    text = json.dumps(value, ensure_ascii=False).replace("!`", "\\u0021`")
    return HIDDEN.sub(lambda found: json.dumps(found.group())[1:-1], text)


def _fenced(language: str, text: str) -> list[str]:
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", text, fence, ""]
