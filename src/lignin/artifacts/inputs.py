"""Inputs that nobody recorded, made from a schema and from recorded examples. Pure and seeded.

They judge totality and nothing else: nobody knows the right answer. Values stay moderate (numbers
within or next to what the examples show, lists and strings a little longer), because an artifact
that is slow on astronomically large input is no worse for it.

The choice among candidates is by hash of seed and value: the same artifact and examples always get
the same inputs, and nobody can choose them.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from lignin.artifacts.answers import schema_fault
from lignin.artifacts.check import GeneratedInput, Tier, shown
from lignin.artifacts.schema_values import Seen, make_value, resolve_schema
from lignin.domain.codec import Json, canonical_bytes, digest_json
from lignin.domain.errors import CodecError
from lignin.domain.examples import Example

INPUTS_VERSION = 2
WANTED: Mapping[Tier, int] = {"near": 20, "boundary": 16, "dictionary": 6, "generated": 8}
MAX_EXAMPLES_READ = 12
MAX_INPUT_BYTES = 20_000
MAX_PROMISED = 1_000_000
MAX_RUN = 60

Path = tuple[str | int, ...]
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w. -]{0,60}")
_DATE = re.compile(r"(\b\d{4}-\d{2}-)\d{2}\b")


@dataclass(frozen=True, slots=True)
class _Change:
    path: Path
    value: Json
    tier: Tier
    what: str
    far: bool = False
    is_text: bool = False
    is_promised: bool = False


_DIGITS = frozenset("0123456789")


def make_call_inputs(
    schema: Mapping[str, Any], examples: Sequence[Example], sources: Iterable[str], *, seed: str
) -> tuple[GeneratedInput, ...]:
    """Return inputs for a function: arguments objects that fit its input schema.

    Args:
        schema: JSON Schema of the arguments object.
        examples: Recorded uses; their inputs are changed leaf by leaf.
        sources: The artifact's Python texts, whose constants serve as a dictionary.
        seed: Digest of the artifact.
    """
    cases = [dict(case.arguments) for case in examples if case.arguments is not None]
    cases = cases[:MAX_EXAMPLES_READ]
    seen = Seen.of(cases)
    words = _constants(sources)
    taken = {digest_json(case) for case in cases}
    pools: dict[Tier, list[GeneratedInput]] = {tier: [] for tier in WANTED}
    for case in cases:
        for change in _changes(case, (), schema, seen, words):
            arguments = _replaced(case, change.path, change.value)
            _offer(pools, taken, schema, arguments, change)
    for ordinal in range(4 * WANTED["generated"]):
        value = make_value(schema, seen, (), f"{seed}:{ordinal}")
        if isinstance(value, dict):
            _offer(pools, taken, schema, value, _Change((), value, "generated", "from the schema"))
    return tuple(_chosen(pools, seed))


def make_command_inputs(examples: Sequence[Example], *, seed: str) -> tuple[GeneratedInput, ...]:
    """Return inputs for a command: recorded argv, stdin and files with one of them changed."""
    taken = {_use_digest(case) for case in examples}
    seen = Seen.of([_command_json(case) for case in examples])
    pools: dict[Tier, list[GeneratedInput]] = {tier: [] for tier in WANTED}
    for case in examples[:MAX_EXAMPLES_READ]:
        body = _command_json(case)
        for change in _changes(body, (), {}, seen, ()):
            if change.path[-1:] == ("argv",) or not change.path:
                continue  # a command with other words than its author's is another command
            if not isinstance(change.value, str) or "\x00" in change.value:
                continue
            made = _replaced(body, change.path, change.value)
            use = Example(argv=tuple(made["argv"]), stdin=made["stdin"], files=made["files"])
            digest = _use_digest(use)
            if digest not in taken and _is_bounded(made):
                taken.add(digest)
                pools[change.tier].append(_input(use, change))
        made = _named_files(case)
        if made is not None and _use_digest(made) not in taken:
            taken.add(_use_digest(made))
            what = "files of the names that are its words"
            pools["boundary"].append(GeneratedInput(use=made, tier="boundary", what=what))
    return tuple(_chosen(pools, seed))


def _named_files(case: Example) -> Example | None:
    """Put a file wherever a word could name one: who only speaks of files leaves them alone."""
    names = [word for word in case.argv if _PLAIN_NAME.fullmatch(word) and word not in case.files]
    if not names or any("/" in path for path in case.files):
        return None
    files = {**case.files, **dict.fromkeys(names, "some text\n")}
    return replace(case, files=files, result=None, error=None)


def _command_json(case: Example) -> dict[str, Json]:
    return {"argv": list(case.argv), "stdin": case.stdin, "files": dict(case.files)}


def _use_digest(case: Example) -> str:
    return digest_json(_command_json(case))


def _input(use: Example, change: _Change) -> GeneratedInput:
    where = "/".join(map(str, change.path))
    return GeneratedInput(
        use=use,
        tier=change.tier,
        what=f"{change.what} at /{where}"[:120],
        far=change.far,
        is_text=change.is_text,
        is_promised=change.is_promised,
    )


def _is_bounded(value: Json) -> bool:
    try:
        return len(canonical_bytes(value)) <= MAX_INPUT_BYTES
    except CodecError:
        return False


def _offer(
    pools: Mapping[Tier, list[GeneratedInput]],
    taken: set[str],
    schema: Mapping[str, Any],
    arguments: dict[str, Json],
    change: _Change,
) -> None:
    if not _is_bounded(arguments):
        return
    digest = digest_json(arguments)
    if digest in taken or schema_fault(schema, arguments) is not None:
        return
    taken.add(digest)
    pools[change.tier].append(_input(Example(arguments=arguments), change))


def _chosen(pools: Mapping[Tier, list[GeneratedInput]], seed: str) -> Iterator[GeneratedInput]:
    """Take from each pool by hash, but first one of every way in which inputs were made."""
    spare = 0
    for tier, wanted in WANTED.items():
        ways: dict[str, list[GeneratedInput]] = {}
        for made in sorted(pools[tier], key=lambda made: _place_of(made, seed)):
            ways.setdefault(made.what, []).append(made)
        rounds = zip_longest(*ways.values())
        ordered = [made for turn in rounds for made in turn if made is not None]
        yield from ordered[: wanted + spare]
        spare = max(0, wanted + spare - len(ordered))


def _place_of(made: GeneratedInput, seed: str) -> tuple[bool, str]:
    """What the schema promises comes first; among the rest the hash decides."""
    return not made.is_promised, digest_json([seed, _shape(made.use)])


def _shape(use: Example) -> Json:
    return dict(use.arguments) if use.arguments is not None else _command_json(use)


def _replaced(value: Json, path: Path, new: Json) -> Json:
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return {k: _replaced(v, rest, new) if k == head else v for k, v in value.items()}
    return [_replaced(v, rest, new) if i == head else v for i, v in enumerate(value)]


def _constants(sources: Iterable[str]) -> tuple[Json, ...]:
    """Return the short string and number constants of Python sources, without repeats."""
    found: dict[tuple[str, Json], Json] = {}
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and 0 < len(value) <= 40:
                found[("str", value)] = value
            elif type(value) is int and abs(value) <= 10_000:
                found[("int", value)] = value
    return tuple(found.values())[:400]


def _changes(
    value: Json, path: Path, schema: Mapping[str, Any], seen: Seen, words: Sequence[Json]
) -> Iterator[_Change]:
    """Yield every single change of one leaf or list, deepest included (bounded by the caller)."""
    spot = resolve_schema(schema, path)
    if spot.get("type") != "null" and _allows_null(spot) and value is not None and path:
        yield _Change(path, None, "boundary", "None where the schema allows it")
    if "enum" in spot:
        for other in spot["enum"]:
            yield _Change(path, other, "near", "another of the enum")
    elif isinstance(value, bool):
        yield _Change(path, not value, "near", "flipped")
    elif isinstance(value, int | float):
        yield from _promised(value, path, spot)
        yield from _number_changes(value, path, seen, words)
    elif isinstance(value, str):
        yield from _string_changes(value, path, seen, words)
        yield from (_as_text(change, path, seen) for change in _text_changes(value, path, seen))
        yield from _hostile_texts(value, path, spot)
    elif isinstance(value, list):
        yield from _list_changes(value, path, seen)
        for index, item in enumerate(value[:6]):
            yield from _changes(item, (*path, index), schema, seen, words)
    elif isinstance(value, Mapping):
        yield from _mapping_changes(value, path, spot)
        for other in seen.values_at(path, (dict,))[:4] if path else ():
            yield _Change(path, other, "near", "taken from another example")
        for key, item in list(value.items())[:20]:
            yield from _changes(item, (*path, key), schema, seen, words)


def _allows_null(spot: Mapping[str, Any]) -> bool:
    kind = spot.get("type")
    if isinstance(kind, list):
        return "null" in kind
    return any(
        isinstance(option, Mapping) and option.get("type") == "null"
        for word in ("anyOf", "oneOf")
        for option in spot.get(word, ())
    )


def _number_changes(
    value: int | float, path: Path, seen: Seen, words: Sequence[Json]
) -> Iterator[_Change]:
    low, high = seen.range_at(path)
    step = 1 if isinstance(value, int) else 0.5
    for new in (value + step, value - step):
        inside = low <= new <= high or (low == high and new * value > 0)
        if inside:
            yield _Change(path, new, "near", "one step away")
        else:
            far = new < 0 <= low
            yield _Change(path, new, "boundary", "one step outside the examples", far)
    middle = (low + high) // 2 if isinstance(value, int) else (low + high) / 2
    yield _Change(path, middle, "near", "between the examples")
    for other in seen.values_at(path, (int, float))[:6]:
        yield _Change(path, other, "near", "taken from another example")
    yield _Change(path, type(value)(0), "boundary", "zero", low > 0)
    yield _Change(path, -value, "boundary", "negated", low >= 0)
    for word in words:
        if isinstance(word, int) and low <= word <= high:
            yield _Change(path, type(value)(word), "dictionary", "constant of the source")


def _promised(value: int | float, path: Path, spot: Mapping[str, Any]) -> Iterator[_Change]:
    """The bounds that the schema names: whoever wrote them down meant them to work."""
    for word in ("minimum", "maximum"):
        bound = spot.get(word)
        if isinstance(bound, int | float) and abs(bound) <= MAX_PROMISED:
            number = type(value)(bound)
            yield _Change(path, number, "boundary", f"{word} of the schema", is_promised=True)


def _hostile_texts(text: str, path: Path, spot: Mapping[str, Any]) -> Iterator[_Change]:
    """Texts that are plain data and mean something to a careless reader of them."""
    room = spot.get("maxLength", MAX_RUN + 1)
    length = min(MAX_RUN, room - 1) if isinstance(room, int) else MAX_RUN
    made = {
        "a long run of digits": "1" * length + "!",
        "a long run of letters": "a" * length + "!",
        "a long run of blanks": " " * length + "!",
        "a single sign beyond ASCII": "漢",
        "upper and lower case exchanged": text.swapcase(),
        "signs that other languages read": f"{text} ${{USER}} ~ %s {{0}} \\1",
    }
    for what, new in made.items():
        yield _Change(path, new, "boundary", what, far=True, is_text=True)


def _string_changes(text: str, path: Path, seen: Seen, words: Sequence[Json]) -> Iterator[_Change]:
    for other in seen.values_at(path, (str,))[:6]:
        yield _Change(path, other, "near", "taken from another example")
    for day in ("11", "17") if _DATE.search(text) else ():
        other = _DATE.sub(rf"\g<1>{day}", text, count=1)
        yield _Change(path, other, "near", "another day")
    for word in words:
        if isinstance(word, str):
            yield _Change(path, word, "dictionary", "constant of the source")


def _as_text(change: _Change, path: Path, seen: Seen) -> _Change:
    """Mark a change of characters; where only single ones were seen, more are far from it."""
    single = max(map(len, seen.values_at(path, (str,))), default=0) <= 1
    tier: Tier = "boundary" if single else change.tier
    return replace(change, tier=tier, far=single or change.far, is_text=True)


def _text_changes(text: str, path: Path, seen: Seen) -> Iterator[_Change]:
    if len(text) > 1:
        middle = len(text) // 2
        yield _Change(path, text[:-1], "near", "last character left out")
        yield _Change(path, text[:middle] + text[middle - 1 :], "near", "one character twice")
    digits = [index for index, char in enumerate(text) if char in _DIGITS]
    if digits:
        spot = digits[-1]
        new = str(int(text[spot]) % 9 + 1)
        yield _Change(path, text[:spot] + new + text[spot + 1 :], "near", "one digit changed")
    others = seen.values_at(path, (str,))
    if text and not text[-1].isdigit() and any(set(other) & _DIGITS for other in others):
        yield _Change(path, text + "7", "near", "a digit added")
    yield from _swapped(text, path, seen)
    yield _Change(path, "", "boundary", "empty string")
    yield _Change(path, "é漢 ß" if not text.isascii() else text + "é", "boundary", "beyond ASCII")
    longest = max(map(len, seen.values_at(path, (str,))), default=len(text))
    long = (text * 10)[: 2 * longest if longest >= 20 else longest + 4]
    if len(long) > len(text):
        yield _Change(path, long, "boundary", "longer than the examples")
    yield _Change(path, f" {text} ", "boundary", "blanks around")


def _swapped(text: str, path: Path, seen: Seen) -> Iterator[_Change]:
    lines, tokens = text.splitlines(keepends=True), text.split(" ")
    if len(lines) > 1:
        yield _Change(path, "".join(lines[:-1]), "near", "last line left out")
        yield _Change(path, "".join([*lines, lines[0]]), "near", "first line again at the end")
    elif len(tokens) > 1:
        turned = [tokens[1], tokens[0], *tokens[2:]]
        yield _Change(path, " ".join(turned), "near", "two words swapped")
        yield _Change(path, " ".join(tokens[:-1]), "near", "last word left out")
    letters = sorted({c for other in seen.values_at(path, (str,)) for c in other if c.isalpha()})
    places = [index for index, char in enumerate(text) if char in letters]
    if places and len(letters) > 1:
        place = places[len(places) // 2]
        new = letters[(letters.index(text[place]) + 1) % len(letters)]
        changed = text[:place] + new + text[place + 1 :]
        yield _Change(path, changed, "near", "one letter changed")


def _list_changes(items: list[Json], path: Path, seen: Seen) -> Iterator[_Change]:
    if len(items) > 1:
        yield _Change(path, items[:-1], "near", "last item left out")
        yield _Change(path, items[::-1], "near", "reversed")
    if items:
        yield _Change(path, [*items, items[0]], "near", "first item again at the end")
        yield _Change(path, [items[0], items[0]], "boundary", "nothing but duplicates")
        yield _Change(path, items[:1], "boundary", "one item")
    for other in seen.values_at(path, (list,))[:4]:
        yield _Change(path, other, "near", "taken from another example")
    longest = max(map(len, seen.values_at(path, (list,))), default=len(items))
    if items:
        long = (items * (longest + 2))[: longest + 2]
        yield _Change(path, long, "boundary", "longer than the examples")
    yield _Change(path, [], "boundary", "empty list")


def _mapping_changes(
    value: Mapping[str, Json], path: Path, spot: Mapping[str, Any]
) -> Iterator[_Change]:
    """Leave out a key only where the schema says in so many words that it may be missing."""
    if "properties" in spot:
        required = spot.get("required")
        spare = set(value) - set(required) if isinstance(required, list) else set()
        spare &= set(spot["properties"])
    else:
        spare = set(value) if path and isinstance(spot.get("additionalProperties"), dict) else set()
    for key in sorted(spare):
        rest = {other: item for other, item in value.items() if other != key}
        yield _Change(path, rest, "near" if rest else "boundary", f"without {shown(key)}")
