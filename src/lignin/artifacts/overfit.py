"""Signs in a source that it knows its examples by heart. Pure; reads Python syntax, runs nothing.

A table of answers is honest where it covers a domain and suspicious where it covers the examples:
the two figures are *recall* (the share of the examples that the table answers) and *precision* (the
share of the table that are examples). A table of HTTP codes has low precision.
"""

import ast
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.artifacts.answers import values_agree
from lignin.artifacts.check import shown
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import CodecError

MIN_RECALL = 0.5
MIN_PRECISION = 0.8
MIN_LITERAL_PRECISION = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One example of a function, as far as memorising goes: arguments and result."""

    arguments: Mapping[str, Json]
    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One sign of memorising.

    `is_enumeration` where the table could be a small honest domain (weekdays); `is_weak` where only
    the answers were found in the source, and not what they are looked up by.
    """

    reason: str
    is_enumeration: bool = False
    is_weak: bool = False


@dataclass(slots=True)
class _Table:
    """A table found in a source: canonical keys, with the answers that are literals."""

    line: int
    keys: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)


def find_signs(source: str, cases: Sequence[Case]) -> tuple[Sign, ...]:
    """Return every sign that a Python source holds the answers of its examples."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    if len(cases) < 2:
        return ()
    found = [_table_sign(table, cases) or _entry_sign(table, cases) for table in _tables(tree)]
    signs = [sign for sign in found if sign is not None]
    literals = _literal_sign(tree, cases)
    return (*signs, *([literals] if literals else []))


def find_text_sign(source: str, outputs: Sequence[str]) -> Sign | None:
    """Return the sign that a script prints its recorded outputs from its own text."""
    lines = [[line.strip() for line in text.splitlines() if line.strip()] for text in outputs]
    rich = [rows for rows in lines if any(len(row) >= 6 for row in rows)]
    hits = list(rows_in(source, rich))
    distinct = {tuple(rows) for rows in hits}
    if len(distinct) >= 3 and len(hits) >= MIN_RECALL * len(outputs):
        return Sign(
            reason=f"the source holds the output of {len(hits)} of {len(outputs)} examples "
            f"word for word, such as {shown(hits[0][0])}"
        )
    return None


def rows_in(source: str, outputs: Sequence[list[str]]) -> Iterator[list[str]]:
    """Yield the outputs of which every line stands in a source."""
    for rows in outputs:
        if all(row in source for row in rows):
            yield rows


def _table_sign(table: _Table, cases: Sequence[Case]) -> Sign | None:
    for name, form in _FORMS.items():
        hits: list[tuple[str, Case]] = []
        for case in cases:
            keys = {key for key in map(_key, _formed(form, case)) if key is not None}
            found = _found(table, keys)
            if found is not None:
                hits.append((found, case))
        used = {key for key, _ in hits}
        if len(hits) < max(2, MIN_RECALL * len(cases)) or len(used) < MIN_PRECISION * len(
            table.keys
        ):
            continue
        if _answers_known(table, hits, name, cases):
            return Sign(
                reason=f"the table near line {table.line} holds {len(hits)} of {len(cases)} "
                f"examples by {name} and {len(table.keys) - len(used)} other entries, "
                f"such as {shown(next(iter(table.keys.values())))}",
                is_enumeration=_is_enumeration(table, name),
            )
    return None


def _entry_sign(table: _Table, cases: Sequence[Case]) -> Sign | None:
    """Find single answers under a key that nobody writes by hand: an input written out, or hashed.

    One is enough where the table holds little else: a wrong program behind a filled cache.
    """
    for name in _WRITTEN:
        hits: dict[str, Case] = {}
        for case in cases:
            for made in _formed(_FORMS[name], case):
                key = _key(made)
                if key is None or key not in table.answers or not _is_written(made, name):
                    continue
                if values_agree(table.answers[key], case.result):
                    hits[key] = case
        if hits and len(hits) >= MIN_PRECISION * len(table.keys):
            return Sign(
                reason=f"the table near line {table.line} answers {len(hits)} examples by {name}, "
                f"such as {shown(next(iter(table.keys.values())))}"
            )
    return None


def _is_written(made: Json, form: str) -> bool:
    if form == "a hash of the input":
        return True
    return isinstance(made, str) and made[:1] in _OPENING


def _found(table: _Table, keys: set[str]) -> str | None:
    for key in keys:
        if key in table.keys:
            return key
    return None


def _answers_known(
    table: _Table, hits: Sequence[tuple[str, Case]], form: str, cases: Sequence[Case]
) -> bool:
    known = [(table.answers[key], case.result) for key, case in hits if key in table.answers]
    if known:
        right = [result for answer, result in known if values_agree(answer, result)]
        distinct = len({_key(result) for result in right})
        enough = 2 if form in _WHOLE else 3
        return len(right) >= MIN_RECALL * len(cases) and distinct >= enough
    # A bare set decides between two answers: all its members among the examples of one of them.
    if form not in _WHOLE or len(hits) < 3:
        return False
    answer = hits[0][1].result
    same = all(values_agree(case.result, answer) for _, case in hits)
    alike = [case for case in cases if values_agree(case.result, answer)]
    return same and len(hits) >= MIN_PRECISION * len(alike) and len(alike) < len(cases)


def _is_enumeration(table: _Table, form: str) -> bool:
    if form not in _WHOLE:
        return False
    words = [key for key in table.keys.values() if isinstance(key, str)]
    if len(words) == len(table.keys):
        return all(len(word) <= 16 and " " not in word for word in words)
    small = all(isinstance(key, int) and 0 <= key <= 31 for key in table.keys.values())
    return small and all(isinstance(answer, str) for answer in table.answers.values())


def _literal_sign(tree: ast.Module, cases: Sequence[Case]) -> Sign | None:
    """Find whole results among the source's literals, however they are looked up."""
    literals: dict[str, Json] = {}
    for node in ast.walk(tree):
        for value in _answer_literals(node):
            key = _key(value)
            if key is not None and _is_rich(value):
                literals.setdefault(key, value)
    rich = [case for case in cases if _is_rich(case.result)]
    hits = [case for case in rich if _key(case.result) in literals]
    distinct = {_key(case.result) for case in hits}
    kinds = {type(case.result) for case in hits}
    alike = [value for value in literals.values() if type(value) in kinds]
    if (
        len(distinct) >= 3
        and len(hits) >= MIN_RECALL * len(cases)
        and len(distinct) >= 0.75 * len(hits)
        and len(distinct) >= MIN_LITERAL_PRECISION * len(alike)
    ):
        return Sign(
            reason=f"the results of {len(hits)} of {len(cases)} examples are literals of the "
            f"source, such as {shown(hits[0].result)}",
            is_weak=True,
        )
    return None


def _answer_literals(node: ast.AST) -> Iterator[Json]:
    """Yield literals that are looked up by a key; those behind a threshold classify, honestly."""
    spots: list[ast.expr | None] = []
    if isinstance(node, ast.Dict):
        spots = list(node.values)
    elif isinstance(node, ast.If) and not _is_threshold(node.test):
        spots = [_answer_of(node.body)]
    elif isinstance(node, ast.IfExp) and not _is_threshold(node.test):
        spots = [node.body]
    elif isinstance(node, ast.match_case):
        spots = [_answer_of(node.body)]
    elif isinstance(node, ast.List | ast.Tuple):
        spots = list(node.elts)
    for spot in spots:
        found, value = _literal(spot)
        if found:
            yield value


def _is_threshold(test: ast.expr) -> bool:
    ordered = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    for node in ast.walk(test):
        if isinstance(node, ast.Compare):
            if isinstance(node.ops[0], ordered):
                return True
            if isinstance(node.ops[0], ast.In) and isinstance(node.left, ast.Constant):
                return True  # a word within a text
    return False


def _is_rich(value: Json) -> bool:
    """True where a value is unlikely to stand in a source by chance."""
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int):
        return abs(value) >= 1000 and value % 100 != 0
    if isinstance(value, float):
        return len(repr(abs(value))) >= 5
    if isinstance(value, str):
        return len(value) >= 16 or (len(value) >= 6 and not value.isalpha())
    return len(value) >= 2


def _literal(node: ast.expr | None) -> tuple[bool, Json]:
    if node is None:
        return False, None
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False, None
    return True, value


def _key(value: Json) -> str | None:
    """Return a value as text to compare by; tuples as lists, sets sorted, None where it has none."""
    if type(value) is str:  # nearly all, by the million where there are many examples
        return json.encoder.encode_basestring(value)
    try:
        return canonical_bytes(value).decode()
    except (CodecError, TypeError):
        pass
    if isinstance(value, set | frozenset):
        inner = [_key(item) for item in value]
        return None if None in inner else "set:" + ",".join(sorted(map(str, inner)))
    if isinstance(value, Mapping) and not all(isinstance(key, str) for key in value):
        return None
    return None


def _tables(tree: ast.Module) -> Iterator[_Table]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and node.keys:
            table = _Table(node.lineno)
            for key, value in zip(node.keys, node.values, strict=True):
                _enter(table, key, value)
            yield table
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield from _members(node)
        elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) >= 3:
            yield from _indexed(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _branches(node)


def _enter(table: _Table, key: ast.expr | None, value: ast.expr | None) -> None:
    known, wanted = _literal(key)
    text = _key(wanted) if known else None
    if text is None:
        return
    table.keys[text] = wanted
    found, answer = _literal(value)
    if found:
        table.answers[text] = answer


def _members(node: ast.Compare) -> Iterator[_Table]:
    holder = node.comparators[0]
    if isinstance(holder, ast.Set | ast.List | ast.Tuple) and len(holder.elts) >= 2:
        table = _Table(node.lineno)
        for item in holder.elts:
            _enter(table, item, None)
        yield table


def _indexed(node: ast.List | ast.Tuple) -> Iterator[_Table]:
    """A sequence answers by position, or by search through pairs of (input, answer)."""
    pairs = [item for item in node.elts if isinstance(item, ast.Tuple | ast.List)]
    if len(pairs) == len(node.elts) and all(len(pair.elts) == 2 for pair in pairs):
        table = _Table(node.lineno)
        for pair in pairs:
            _enter(table, pair.elts[0], pair.elts[1])
        yield table
    table = _Table(node.lineno)
    for index, item in enumerate(node.elts):
        found, value = _literal(item)
        if not found or value:  # an empty answer fills a gap between those that are known
            _enter(table, ast.Constant(value=index), item)
    if len(table.answers) >= 3:
        yield table


def _branches(function: ast.FunctionDef | ast.AsyncFunctionDef) -> _Table:
    """Gather `if x == constant: return constant` and `match` of a function into one table."""
    table = _Table(function.lineno)
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            for key in _compared(node.test):
                _enter(table, key, _answer_of(node.body))
        elif isinstance(node, ast.IfExp):
            for key in _compared(node.test):
                _enter(table, key, node.body)
        elif isinstance(node, ast.match_case) and isinstance(node.pattern, ast.MatchValue):
            _enter(table, node.pattern.value, _answer_of(node.body))
    return table


def _compared(test: ast.expr) -> Iterator[ast.expr]:
    """Yield the constants that a condition compares with; joined by `and`, as one tuple."""
    if isinstance(test, ast.BoolOp):
        parts = [key for value in test.values for key in _compared(value)]
        if isinstance(test.op, ast.Or):
            yield from parts
        elif parts:
            yield ast.Tuple(elts=parts, ctx=ast.Load()) if len(parts) > 1 else parts[0]
    elif isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq):
        for side in (test.left, test.comparators[0]):
            if _literal(side)[0]:
                yield side
    elif isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In):
        holder = test.comparators[0]
        if isinstance(holder, ast.Set | ast.List | ast.Tuple):
            yield from holder.elts
    elif isinstance(test, ast.Call) and getattr(test.func, "attr", "") == "startswith":
        yield from test.args[:1]


def _answer_of(body: Sequence[ast.stmt]) -> ast.expr | None:
    for statement in body:
        if isinstance(statement, ast.Return | ast.Assign):
            return statement.value
    return None


def _formed(form: Callable[[list[Json], Mapping[str, Json]], list[Json]], case: Case) -> list[Json]:
    try:
        return form(list(case.arguments.values()), case.arguments)
    except (TypeError, ValueError, KeyError, IndexError, RecursionError):
        return []


def _whole(values: list[Json], arguments: Mapping[str, Json]) -> list[Json]:
    return [*(values if len(values) == 1 else []), values, dict(arguments)]


def _texts(values: list[Json], arguments: Mapping[str, Json]) -> list[Json]:
    made: list[Json] = []
    for value in _whole(values, arguments):
        made += [str(value), repr(value), json.dumps(value), json.dumps(value, sort_keys=True)]
        made.append(json.dumps(value, sort_keys=True, separators=(",", ":")))
        if isinstance(value, list):
            made += [
                repr(tuple(value)),
                *(sep.join(map(str, value)) for sep in ("|", ",", ":", " ", "")),
            ]
    return made


def _leaves(values: list[Json], _: Mapping[str, Json]) -> list[Json]:
    return values if len(values) > 1 else []


def _shapes(values: list[Json], _: Mapping[str, Json]) -> list[Json]:
    made: list[Json] = [len(value) for value in values if isinstance(value, str | list | dict)]
    return [*made, *([made[:]] if len(made) > 1 else [])]


def _ends(values: list[Json], _: Mapping[str, Json]) -> list[Json]:
    made: list[Json] = []
    for value in values:
        if isinstance(value, str | list) and value:
            made += [value[0], value[-1]]
            made += [value[:count] for count in range(2, min(len(value), 13))]
        if isinstance(value, str) and value.split():
            made += [value.split()[0], value.split()[-1]]
        if isinstance(value, Mapping):
            made += list(value.values())
    return made


def _sums(values: list[Json], _: Mapping[str, Json]) -> list[Json]:
    made: list[Json] = [sum(value) for value in values if isinstance(value, list)]
    made += [sum(map(ord, value)) for value in values if isinstance(value, str)]
    if all(isinstance(value, int | float) for value in values):
        made.append(sum(values))
    made += [sorted(value) for value in values if isinstance(value, list)]
    made += [value.lower() for value in values if isinstance(value, str)]
    made += [value.strip().lower() for value in values if isinstance(value, str)]
    return made


def _hashes(values: list[Json], arguments: Mapping[str, Json]) -> list[Json]:
    made: list[Json] = []
    for text in _texts(values, arguments):
        raw = text.encode()
        made += [zlib.crc32(raw), zlib.adler32(raw)]
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
            written = hashlib.new(name, raw, usedforsecurity=False).hexdigest()
            made += [written[:length] for length in (6, 8, 10, 12, 16, 20, 24, 32)] + [written]
    return made


_WHOLE = ("their whole input", "their input as text", "a hash of the input")
_WRITTEN = ("their input as text", "a hash of the input")
_OPENING = ("[", "{", "(", '"', "'")
_FORMS: Mapping[str, Callable[[list[Json], Mapping[str, Json]], list[Json]]] = {
    "their whole input": _whole,
    "their input as text": _texts,
    "a hash of the input": _hashes,
    "one argument": _leaves,
    "the input's length": _shapes,
    "a part of the input": _ends,
    "a sum or a normal form of the input": _sums,
}
