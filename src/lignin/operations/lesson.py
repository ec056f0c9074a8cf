"""Lessons that agents and people propose, and recalling what bears on a task."""

import struct
from itertools import chain
from typing import Literal

from pydantic import Field

from lignin.artifacts.nearest import words_of
from lignin.artifacts.words import WordIndex
from lignin.domain.codec import digest_bytes
from lignin.domain.errors import ConflictError, DeniedError, NotFoundError
from lignin.domain.events import Blob, Change, NewEvent
from lignin.domain.states import Row
from lignin.operations.artifact_search import ArtifactSearch, Found, search
from lignin.operations.context import Context
from lignin.operations.lessonboard import renew_board
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View, every_row, require_known
from lignin.traces.redact import redact

MAX_TEXT_CHARS = 2000
MAX_RECALLED = 5000
STANDING = ("approved", "proposed")


class LessonPropose(Request):
    text: str = positional(
        "what to do, when, and why, in a sentence or two",
        min_length=10,
        max_length=MAX_TEXT_CHARS,
    )
    when: str = Field("", max_length=500, description="the situation in which it applies")
    session: str = Field("", description="the session that it was learnt in")


class LessonProposed(Response):
    lesson: str = Field(description="the lesson's id: the hash of what it says")
    text: str = Field(description="what to do, when, and why; as it was said, so data")
    when: str = Field(description="the situation in which it applies")
    state: str = Field(description="proposed, approved by a person, or withdrawn")
    before: list[str] = Field(
        default_factory=list, description="tools before whose calls clients show it"
    )
    by: str = Field(description="who proposed it")
    session: str = Field(description="the session that it was learnt in")
    at: str = Field(description="when")


class LessonList(Request):
    state: Literal["proposed", "approved"] = Field("proposed", description="only these")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this lesson")


class LessonsKept(Listed):
    items: list[LessonProposed] = Field(description="this page, by id")


class LessonWithdraw(Request):
    lesson: str = positional("the lesson's id")
    reason: str = Field(min_length=1, max_length=500, description="why it does not hold")


class LessonRecall(Request):
    task: str = positional(
        "what you are about to do and why, in plain words", min_length=1, max_length=MAX_TEXT_CHARS
    )
    limit: int = Field(5, ge=1, le=50, description="at most so many artifacts, and as many lessons")


class Recalled(Response):
    lessons: list[LessonProposed] = Field(
        description="lessons that speak of it; those not approved are nobody's word but who said it"
    )
    artifacts: list[Found] = Field(description="proven artifacts that do something like it")
    missing: list[str] = Field(description="what would help to find more")


@operation("lesson.propose", effect="write", idempotent=True)
def propose(context: Context, request: LessonPropose) -> LessonProposed:
    """Propose a lesson: what you learnt that would have helped you before.

    It is kept as what you said, without secrets, and recalled to who does something like it. It
    grants nothing and changes no harness: that takes a proposal that the gate accepts.
    """
    text, when = (_clean(context, said) for said in (request.text, request.when))
    content = text.encode()
    digest = digest_bytes(b"\0".join((when.encode(), content)))
    lesson = f"les_{digest[7:33]}"
    stream = f"lesson/{lesson}"
    with context.view() as view:
        if request.session:
            require_known(view, f"session/{request.session}")
        if (row := view.row(stream)) is not None:
            return told_lesson(view, row)
    words = sorted(words_of(when, text))
    payload = {
        "blob": digest_bytes(content),
        "by": context.scope.actor.sub,
        "session": request.session,
        "when": when,
        "words": struct.pack(f">{len(words)}I", *words).hex(),
    }
    event = NewEvent(
        stream=stream, type="lesson.proposed", payload=payload, event_id=context.ids.new("evt")
    )
    blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
    context.commit(
        context.scope.change(
            events=(event,), blobs=(blob,), expects={stream: 0}, idempotency_key=f"propose/{lesson}"
        )
    )
    with context.view() as view:
        return told_lesson(view, require_known(view, stream))


@operation("lesson.list", effect="read", idempotent=True)
def list_(context: Context, request: LessonList) -> LessonsKept:
    """List the lessons that were proposed and stand."""
    with context.view() as view:
        page = view.page("lesson", state=request.state, after=request.after, limit=request.limit)
        return LessonsKept(
            items=[told_lesson(view, row) for row in page.rows],
            total=page.total,
            next_after=page.next_after,
        )


@operation("lesson.withdraw", effect="write")
def withdraw(context: Context, request: LessonWithdraw) -> LessonProposed:
    """Take a lesson back that does not hold. A person may take back any, an agent its own."""

    def decide(view: View) -> tuple[LessonProposed, list[Change]]:
        row = require_known(view, f"lesson/{request.lesson}")
        actor = context.scope.actor
        if not actor.is_person and row.body["by"] != actor.sub:
            raise DeniedError(
                f"{actor.sub} is an agent, and the lesson is of {row.body['by']}",
                hint="ask a person",
            )
        if row.state == "withdrawn":
            raise ConflictError(f"lesson {row.key} was withdrawn already")
        event = NewEvent(
            stream=row.stream,
            type="lesson.withdrawn",
            payload={"reason": request.reason, "withdrawn_by": actor.sub},
            event_id=context.ids.new("evt"),
        )
        told = told_lesson(view, row)
        told.state = "withdrawn"
        return told, [context.scope.change(events=(event,), expects={row.stream: row.seq})]

    withdrawn = context.decide_and_commit(decide)
    renew_board(context)
    return withdrawn


@operation("lesson.recall", effect="read", idempotent=True)
def recall(context: Context, request: LessonRecall) -> Recalled:
    """Ask for context before you do something: what is known that bears on it.

    Say what you are about to do and why; you need not know what there is. What nothing served is a report,
    where a server was asked: `lignin report needs`.
    """
    index, texts = WordIndex(), {}
    found = search(
        context, ArtifactSearch(query=request.task[:1000], limit=request.limit, after=None)
    )
    with context.view() as view:
        standing = chain(*(every_row(view, "lesson", state=state) for state in STANDING))
        for number, row in enumerate(standing):
            if number == MAX_RECALLED:
                break
            packed = bytes.fromhex(str(row.body["words"]))
            index.put(row.key, frozenset(struct.unpack(f">{len(packed) // 4}I", packed)))
            texts[row.key] = row
        hits = index.rank(request.task)[: request.limit]
        lessons = [told_lesson(view, texts[hit.key]) for hit in hits]
    missing = []
    if not found.items:
        missing.append(
            "no proven artifact speaks of it: say which input you have and what you need"
        )
    if not lessons:
        missing.append("no lesson speaks of it: propose one when you have learnt how it goes")
    return Recalled(lessons=lessons, artifacts=found.items, missing=missing)


def _clean(context: Context, text: str) -> str:
    plain = text.encode(errors="replace")
    return redact(plain, context.redaction_key).content.decode(errors="replace")


def told_lesson(view: View, row: Row) -> LessonProposed:
    """A lesson as it stands."""
    try:
        text = view.blob(row.body["blob"]).decode()
    except NotFoundError:
        text = ""
    return LessonProposed(
        lesson=row.key,
        text=text,
        when=row.body["when"],
        state=str(row.state),
        before=list(row.body.get("before", [])),
        by=row.body["by"],
        session=row.body["session"],
        at=row.body["at"],
    )
