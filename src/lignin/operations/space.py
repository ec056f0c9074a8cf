"""Spaces: the unit of sharing and authority."""

from typing import Literal

from pydantic import Field

from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import NewEvent
from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation, positional

RANKS = ("organisation", "team", "project", "user")


class SpaceCreate(Request):
    name: str = positional("lower-case letters, digits, dot, dash, underscore")
    kind: Literal["organisation", "team", "project", "user"] = Field("user", description="rank")
    parent: str | None = Field(None, description="the space it belongs to")


class Space(Response):
    name: str = Field(description="the space's name")
    kind: str = Field(description="organisation, team, project or user")
    parent: str | None = Field(description="the space it belongs to")
    position: int = Field(description="position of its log")


class SpaceList(Response):
    items: list[Space] = Field(description="every space")
    total: int = Field(description="how many there are")


class Nothing(Request):
    pass


@operation("space.create", effect="govern")
def create(context: Context, request: SpaceCreate) -> Space:
    """Create a space, on its own or below a parent of higher rank."""
    if request.parent is not None:
        with context.ledger.view(request.parent) as view:
            row = view.row(f"space/{request.parent}")
        if row is None or RANKS.index(row.body["kind"]) >= RANKS.index(request.kind):
            raise InvalidRequestError(
                f"a {request.kind} space cannot stand below {request.parent!r}",
                hint=f"from high to low: {', '.join(RANKS)}",
            )
    event = _created(context, request)
    scope = context.scope_of(request.name)
    context.commit(scope.change(events=(event,), expects={event.stream: 0}))
    return Space(name=request.name, kind=request.kind, parent=request.parent, position=1)


def ensure_space(context: Context, name: str) -> None:
    """Create a user's space, standing on its own, where the store does not have it yet."""
    if name not in context.ledger.spaces():
        context.commit(
            context.scope_of(name).change(
                events=(_created(context, SpaceCreate(name=name, kind="user", parent=None)),),
                idempotency_key="space.created",
            )
        )


def _created(context: Context, request: SpaceCreate) -> NewEvent:
    return NewEvent(
        stream=f"space/{request.name}",
        type="space.created",
        payload={"name": request.name, "kind": request.kind, "parent": request.parent},
        event_id=context.ids.new("evt"),
    )


@operation("space.list", effect="read", idempotent=True)
def list_spaces(context: Context, request: Nothing) -> SpaceList:  # noqa: ARG001
    """List the spaces of the store."""
    items = []
    for name in context.ledger.spaces():
        with context.ledger.view(name) as view:
            row = view.row(f"space/{name}")
            kind = str(row.body["kind"]) if row else "user"
            parent = row.body["parent"] if row else None
            items.append(Space(name=name, kind=kind, parent=parent, position=view.position))
    return SpaceList(items=items, total=len(items))
