"""Searching artifacts: proven programs, scripts, skills and prompts by what they say they do."""

from collections.abc import Sequence

from pydantic import Field

from lignin.artifacts.words import Hit
from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.operations.choice import pin_of
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View

MAX_QUERY_CHARS = 1000
CALLED = frozenset({"program", "script", "workflow"})
"""The kinds that are called; others are read."""


class ArtifactSearch(Request):
    query: str = positional(
        "what is to be done, in plain words", min_length=1, max_length=MAX_QUERY_CHARS
    )
    limit: int = Field(10, ge=1, le=100, description="at most so many")
    after: str | None = Field(None, description="the next page: `next_after` of the one before")


class Found(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the digest of the version that was found")
    kind: str = Field(description="program, script, skill, prompt or test")
    state: str = Field(description="verified, promoted or deprecated")
    summary: str = Field(description="what it says it does, in its author's words: data")
    takes: list[str] = Field(description="the names of its arguments")
    score: float = Field(description="how much of the query it has; rare words weigh more")
    matched: list[str] = Field(description="the words of the query that it has")
    call: str = Field(
        description="the name to call it by: its name where the head `main` serves this version, else "
        "NAME@DIGEST; empty where its kind is not called"
    )


class FoundListed(Listed):
    items: list[Found] = Field(description="this page, what is served first, then the best")


@operation("artifact.search", effect="read", idempotent=True)
def search(context: Context, request: ArtifactSearch) -> FoundListed:
    """Search proven artifacts by what they do, one version of each name, and how each is called.

    What the head `main` serves comes first, and the best match first within that. It compares words, so
    describe the task in plain ones. Drafts are not found: `lignin artifact list` has those that you may see.
    """
    with context.view() as view:
        served = _served(context, view)
        hits = context.searches.rank(context, view, request.query, served)
        start = 0 if request.after is None else _after(hits, request.after)
        page = hits[start : start + request.limit]
        rows = view.rows([f"version/{hit.key}" for hit in page])
        items = []
        for hit in page:
            row = rows[f"version/{hit.key}"]
            about = context.searches.about(context, view, row)
            items.append(
                Found(
                    name=row.body["name"],
                    digest=row.body["digest"],
                    kind=row.body["kind"],
                    state=str(row.state),
                    summary=about.summary,
                    takes=list(about.takes),
                    score=round(hit.score, 4),
                    matched=context.searches.matched(view, hit.key, request.query),
                    call=_called(row, hit.key in served),
                )
            )
    is_end = start + request.limit >= len(hits)
    return FoundListed(
        items=items,
        total=len(hits),
        next_after=None if is_end else page[-1].key.partition("@")[0],
        narrow=None if is_end else "say more of what is to be done",
    )


def _served(context: Context, view: View) -> frozenset[str]:
    """The versions that the head for everybody serves; none where there is no such head yet."""
    if view.row(f"head/{MAIN}") is None:
        return frozenset()
    slots = context.harness.resolve(view, context.harness.stable(view, MAIN)[0])
    return frozenset(f"{name}@{digest}" for name, digest in slots.items())


def _called(row: Row, is_served: bool) -> str:
    if row.body["kind"] not in CALLED:
        return ""
    return str(row.body["name"]) if is_served else pin_of(row)


def _after(hits: Sequence[Hit], name: str) -> int:
    for place, hit in enumerate(hits):
        if hit.key.partition("@")[0] == name:
            return place + 1
    raise InvalidRequestError(
        f"the search does not find {name!r:.80} any more", hint="search from the start"
    )
