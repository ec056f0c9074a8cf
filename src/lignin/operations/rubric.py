"""Rubrics and what people gave by them: filed by version, labelled blind, listed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.rubrics import Rubric
from lignin.domain.states import Row
from lignin.evals.laws.table import parse_rows
from lignin.evals.rubrics import Item, Label, Rubrics, label_id
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.rubricwork import cleaned, find_rubric, read_rubric, rubric_of
from lignin.ports.ledger import View, every_row, require_known
from lignin.traces.view import told

MAX_BYTES = 64 * 2**20
SHOWN_CHARS = 4000


class RubricAdd(Request):
    file: str = positional("a rubric, YAML or JSON: rubric, question, criteria, scale")


class RubricRef(Request):
    rubric: str = positional("NAME, the version in use, or NAME@DIGITS")


class RubricList(Request):
    rubric: str | None = Field(None, description="only versions of this name")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this version")


class RubricView(Response):
    rubric: str = Field(description="its name")
    version: str = Field(description="digest of its content")
    state: str = Field(description="in_use, proposed or replaced")
    question: str = Field(description="what is asked of a run")
    scale: dict[str, float] = Field(description="labels, from the worst to the best, with scores")
    by: str = Field(description="who filed it")
    labels: int = Field(description="labels that people gave by this name")
    people: int = Field(description="how many gave some")
    compared: str = Field(description="what comparing it with the one in use came to, if it was")

    def to_text(self) -> str:
        scale = ", ".join(self.scale)
        return told(
            [
                f"{self.rubric}@{_short(self.version)}  {self.state.replace('_', ' ')}, by {self.by}",
                f"  {self.question}",
                f"  scale: {scale}; {self.labels} labels of {self.people} people",
            ]
        )


class RubricShown(RubricView):
    content: dict[str, Json] = Field(description="the rubric itself")


class RubricsListed(Listed):
    items: list[RubricView] = Field(description="this page of the list")

    def to_text(self) -> str:
        return "\n".join(each.to_text() for each in self.items)


class RubricItems(RubricRef):
    limit: int = Field(10, ge=1, le=1000, description="at most so many")


class ItemView(Response):
    trial: str = Field(description="the trial, for `rubric label`")
    task: dict[str, Json] = Field(description="what was asked")
    run: dict[str, Json] = Field(description="what was done with it")


class ItemsListed(Response):
    items: list[ItemView] = Field(description="runs that you have not labelled yet")
    left: int = Field(description="how many there are in all")

    def to_text(self) -> str:
        lines = [f"{self.left} runs are not labelled by you"]
        for each in self.items:
            said = str(each.run.get("said", ""))[:SHOWN_CHARS]
            lines += ["", each.trial, f"  asked: {str(each.task)[:SHOWN_CHARS]}"]
            lines += [f"  {line}" for line in said.splitlines()]
        return told(lines)


class RubricLabel(RubricRef):
    trial: str = Field("", description="the run to label, as `rubric items` shows it")
    label: str = Field("", description="the label, one of the rubric's scale")
    file: str = Field(
        "",
        description="many at once, JSON lines of {task, run, label, by?, model?}, or {trial, label}",
    )
    model: str = Field("", description="the model that wrote the run, if it is known")


class LabelsGiven(Response):
    rubric: str = Field(description="the rubric's name")
    given: int = Field(description="labels that were filed")
    people: list[str] = Field(description="whose they are")


class LabelView(Response):
    item: str = Field(description="digest of task and run")
    label: str = Field(description="the label")
    score: float = Field(description="its score")
    by: str = Field(description="who gave it")
    filed_by: str = Field(description="who filed it")
    model: str = Field(description="the model that wrote the run, if it is known")
    at: str = Field(description="when")


class LabelsAsked(RubricRef):
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this label")


class LabelsListed(Listed):
    items: list[LabelView] = Field(description="this page of the list")


@operation("rubric.add", effect="write", idempotent=True, remote=False)
def add(context: Context, request: RubricAdd) -> RubricShown:
    """File a rubric. The first one of a name is in use at once; another version is proposed.

    Its version is the hash of its content. A version that is proposed is put in use by `rubric adopt`.
    """
    rubric = read_rubric(context, request.file)
    with context.view() as view:
        row = view.row(f"rubric/{rubric.digest}")
        is_first = not list(view.page("rubric", parent=rubric.name, limit=1).rows)
    if row is None:
        adopt = is_first and context.scope.actor.is_person
        context.commit(Rubrics(context.ids).add(context.scope, rubric, adopt=adopt))
    return show(context, RubricRef(rubric=f"{rubric.name}@{rubric.digest}"))


@operation("rubric.list", effect="read", idempotent=True)
def list_(context: Context, request: RubricList) -> RubricsListed:
    """List the versions of rubrics."""
    with context.view() as view:
        page = view.page("rubric", parent=request.rubric, after=request.after, limit=request.limit)
        items = [RubricView(**_view(view, row)) for row in page.rows]
    return RubricsListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--rubric, --after" if page.next_after else None,
    )


@operation("rubric.show", effect="read", idempotent=True)
def show(context: Context, request: RubricRef) -> RubricShown:
    """Show a rubric whole."""
    with context.view() as view:
        row = find_rubric(view, request.rubric)
        return RubricShown(**_view(view, row), content=rubric_of(view, row).to_json())


@operation("rubric.items", effect="read", idempotent=True)
def items(context: Context, request: RubricItems) -> ItemsListed:
    """Show runs that were scored by a rubric and that you have not labelled.

    You see what a judge sees, and not what it gave, which system it was or what others said.
    """
    with context.view() as view:
        rubric = rubric_of(view, find_rubric(view, request.rubric))
        left = list(_unlabelled(view, rubric, context.scope.actor.sub))
    return ItemsListed(items=left[: request.limit], left=len(left))


@operation("rubric.label", effect="govern", idempotent=True)
def label(context: Context, request: RubricLabel) -> LabelsGiven:
    """Label runs by a rubric, as a person. Your later label of the same run takes the place of an earlier one."""
    person = require_person(context.scope.actor, "labels runs")
    if bool(request.file) == bool(request.trial):
        raise InvalidRequestError(
            "either one run or a file of them", hint="--trial TRIAL --label LABEL, or --file FILE"
        )
    rows = (
        _rows(context, request.file)
        if request.file
        else [{"trial": request.trial, "label": request.label, "model": request.model}]
    )
    with context.view() as view:
        rubric = rubric_of(view, find_rubric(view, request.rubric))
        given = [_label(context, view, rubric, row, person) for row in rows]
    service = Rubrics(context.ids)
    latest = {label_id(rubric.name, each.item.digest, each.by): each for each in given}
    for first in range(0, len(latest), 500):
        lot = list(latest.values())[first : first + 500]
        context.commit(*(service.label(context.scope, rubric, each) for each in lot))
    people = sorted({each.by for each in given})
    return LabelsGiven(rubric=rubric.name, given=len(latest), people=people)


@operation("rubric.labels", effect="read", idempotent=True)
def labels(context: Context, request: LabelsAsked) -> LabelsListed:
    """List the labels that people gave by a rubric's name."""
    with context.view() as view:
        name = find_rubric(view, request.rubric).body["name"]
        page = view.page("label", parent=name, after=request.after, limit=request.limit)
    return LabelsListed(
        items=[_label_view(row) for row in page.rows],
        total=page.total,
        next_after=page.next_after,
        narrow="--after" if page.next_after else None,
    )


def labels_of(view: View, name: str) -> Iterator[Row]:
    """All labels that people gave by a rubric's name."""
    after: str | None = None
    while True:
        page = view.page("label", parent=name, after=after, limit=1000)
        yield from page.rows
        after = page.next_after
        if after is None:
            return


def _view(view: View, row: Row) -> dict[str, Any]:
    rubric = rubric_of(view, row)
    given = Counter(each.body["by"] for each in labels_of(view, rubric.name))
    compared = row.body["compared"]
    return {
        "rubric": rubric.name,
        "version": row.key,
        "state": str(row.state),
        "question": rubric.question,
        "scale": {level.label: level.score for level in rubric.scale},
        "by": row.body["by"],
        "labels": given.total(),
        "people": len(given),
        "compared": compared["outcome"] if compared else "",
    }


def _label_view(row: Row) -> LabelView:
    names = ("item", "label", "score", "by", "filed_by", "model", "at")
    return LabelView(**{name: row.body[name] for name in names})


def _unlabelled(view: View, rubric: Rubric, person: str) -> Iterator[ItemView]:
    begins, seen = f"rubric:{rubric.name}@", set[str]()
    for row in every_row(view, "trial"):
        if not row.body["grader"].startswith(begins):
            continue
        item = _item_of_trial(view, row)
        if item is None or item.digest in seen:
            continue
        seen.add(item.digest)
        if view.row(f"label/{label_id(rubric.name, item.digest, person)}") is None:
            yield ItemView(trial=row.key, task=dict(item.task), run=dict(item.run))


def _item_of_trial(view: View, row: Row) -> Item | None:
    shown = parse_json(view.blob(row.body["detail"])).get("shown")
    return Item(task=shown["task"], run=shown["run"]) if shown else None


def _rows(context: Context, named: str) -> list[Mapping[str, Any]]:
    path = context.path(named)
    if not path.is_file():
        raise NotFoundError(f"{path} is no file", hint="JSON lines of {task, run, label}")
    if path.stat().st_size > MAX_BYTES:
        raise InvalidRequestError(f"{path} is larger than {MAX_BYTES // 2**20} MiB")
    try:
        return parse_rows(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{path.name} is no text: {error}") from None


def _label(
    context: Context, view: View, rubric: Rubric, row: Mapping[str, Any], person: str
) -> Label:
    """A label of a row, as it was checked."""
    wanted = row.get("label")
    text = str(wanted) if isinstance(wanted, str | int | float) else ""
    rubric.place(text)
    by, model = row.get("by") or person, row.get("model") or ""
    if not isinstance(by, str) or by.startswith("agent:") or len(by) > 200:
        raise InvalidRequestError(f"{by!r:.80} is no person", hint="only people label runs")
    if not isinstance(model, str):
        raise InvalidRequestError(f"{model!r:.80} is no name of a model")
    if row.get("trial"):
        trial = require_known(view, f"trial/{row['trial']}")
        item = _item_of_trial(view, trial)
        if item is None:
            raise InvalidRequestError(
                f"the trial {trial.key} was shown to no judge",
                hint="`lignin rubric items` has some",
            )
    else:
        key = context.redaction_key
        item = Item(
            task=cleaned(_object(row.get("task"), "task", "input"), key),
            run=cleaned(_object(row.get("run"), "run", "said"), key),
        )
    return Label(item=item, label=text, by=by, model=model)


def _object(value: Any, what: str, name: str) -> Mapping[str, Json]:
    if isinstance(value, str) and value:
        return {name: value}
    if not isinstance(value, Mapping) or not value:
        raise InvalidRequestError(
            f"a label without its {what}", hint="rows of {task, run, label, by?, model?}"
        )
    return value


def _short(version: str) -> str:
    return version.removeprefix("sha256:")[:12]
