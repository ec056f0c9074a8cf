"""What is said at the end, as a text with slots for what the request said or routines brought back.

Pure. The words between the slots are the same in every run, so is where each slot's value comes from.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lignin.domain.codec import Json
from lignin.domain.plans import Brought, Said, Source
from lignin.domain.routines import Reference
from lignin.traces.routines.plan_replay import Results, source_value
from lignin.traces.routines.requests import Token, tokens_of
from lignin.traces.routines.values import key_of, leaves

FEWEST = 3
USUAL = 0.85

Ended = tuple[str, Mapping[str, Json], Sequence[Results]]
"""What a run said last, what its request said, and what its uses brought back."""
Answer = tuple[str | Source, ...]
Span = tuple[int, int]


def mine_answer(ended: Sequence[Ended]) -> Answer | None:
    """Return the text that explains how runs ended; None where none explains nearly all of them."""
    tokens = [tokens_of(text) for text, _, _ in ended]
    sizes = Counter(map(len, tokens))
    if not sizes:
        return None
    size = max(sizes, key=lambda each: (sizes[each], -each))
    alike = [(run, words) for run, words in zip(ended, tokens, strict=True) if len(words) == size]
    if len(alike) < max(FEWEST, USUAL * len(ended)):
        return None
    spans = _spans([words for _, words in alike])
    parts: list[str | Source] = []
    for number, piece in enumerate(_pieces(*alike[0], spans)):
        texts = [list(_pieces(run, words, spans))[number] for run, words in alike]
        if number % 2 == 0:
            if len(set(texts)) > 1:
                return None
            parts.append(piece)
            continue
        source = _source(texts, [run for run, _ in alike])
        if source is None:
            return None
        parts.append(source)
    return tuple(part for part in parts if part)


def answer_of(answer: Answer, values: Mapping[str, Json], got: Sequence[Results]) -> str | None:
    """Return what is said at the end; None where something that it tells is missing."""
    said = ""
    for part in answer:
        if isinstance(part, str):
            said += part
            continue
        try:
            key = key_of(source_value(part, values, got))
        except LookupError:
            return None
        if not isinstance(key, str):
            return None
        said += key
    return said


def _spans(runs: Sequence[Sequence[Token]]) -> list[Span]:
    """Where the words of texts of equal length differ; those next to each other are one place."""
    spans: list[Span] = []
    for at, column in enumerate(zip(*runs, strict=True)):
        if len({token.text for token in column}) == 1:
            continue
        if spans and spans[-1][1] == at:
            spans[-1] = spans[-1][0], at + 1
        else:
            spans.append((at, at + 1))
    return spans


def _pieces(run: Ended, tokens: Sequence[Token], spans: Sequence[Span]) -> Iterator[str]:
    """A text in turns: what stands before a place that differs, then what stands there."""
    text, at = run[0], 0
    for first, after in spans:
        start, end = tokens[first].start, tokens[after - 1].end
        yield text[at:start]
        yield text[start:end]
        at = end
    yield text[at:]


def _source(texts: Sequence[str], runs: Sequence[Ended]) -> Source | None:
    """Where the texts come from in every run."""
    _, values, got = runs[0]
    candidates: list[Source] = [
        Said(name) for name, value in values.items() if key_of(value) == texts[0]
    ]
    for use, results in reversed(list(enumerate(got))):
        for step, result in enumerate(results):
            candidates += [
                Brought(use, Reference(step, path))
                for path, key in leaves(result)
                if key == texts[0] and "*" not in path and "~" not in path
            ]
    for source in candidates:
        if all(
            answer_of((source,), values, got) == text
            for text, (_, values, got) in zip(texts, runs, strict=True)
        ):
            return source
    return None
