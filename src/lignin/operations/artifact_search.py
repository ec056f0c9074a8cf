"""Searching artifacts: proven programs, scripts, skills and prompts by what they say they do."""

from collections.abc import Sequence

from pydantic import Field

from lignin.artifacts.words import Hit
from lignin.domain.errors import InvalidRequestError
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation, positional

MAX_QUERY_CHARS = 1000


class ArtifactSearch(Request):
    query: str = positional(
        "what is to be done, in plain words", min_length=1, max_length=MAX_QUERY_CHARS
    )
    limit: int = Field(10, ge=1, le=100, description="at most so many")
    after: str | None = Field(None, description="go on after this name")


class Found(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the digest of the version that was found")
    kind: str = Field(description="program, script, skill, prompt or test")
    state: str = Field(description="verified, promoted or deprecated")
    summary: str = Field(description="what it says it does, in its author's words: data")
    takes: list[str] = Field(description="the names of its arguments")
    score: float = Field(description="how much of the query it has; rare words weigh more")
    matched: list[str] = Field(description="the words of the query that it has")


class FoundListed(Listed):
    items: list[Found] = Field(description="this page, the best first")


@operation("artifact.search", effect="read", idempotent=True)
def search(context: Context, request: ArtifactSearch) -> FoundListed:
    """Search proven artifacts by what they do, the best first, one version of each name.

    Words are compared, so say the task in plain words. Drafts are not found: `artifact list` has
    those that you may see.
    """
    with context.view() as view:
        hits = context.searches.rank(context, view, request.query)
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
                )
            )
    is_end = start + request.limit >= len(hits)
    return FoundListed(
        items=items,
        total=len(hits),
        next_after=None if is_end else page[-1].key.partition("@")[0],
        narrow=None if is_end else "say more of what is to be done",
    )


def _after(hits: Sequence[Hit], name: str) -> int:
    for place, hit in enumerate(hits):
        if hit.key.partition("@")[0] == name:
            return place + 1
    raise InvalidRequestError(
        f"the search does not find {name!r:.80} any more", hint="search from the start"
    )
