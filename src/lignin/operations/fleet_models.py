"""What is asked of fleets, and how they are told."""

from pydantic import Field

from lignin.operations.registry import Listed, Request, Response, positional

FLEET = "a fleet's id, as `fleet list` shows it"


class FleetCheck(Request):
    plan: str = positional("the plan, a TOML or JSON file")


class FleetList(Request):
    state: str | None = Field(None, description="planned, open, finished or cancelled")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this fleet")


class FleetRef(Request):
    fleet: str = positional(FLEET)


class FleetCancel(FleetRef):
    reason: str = Field("", max_length=1000, description="why")


class FleetGraph(FleetRef):
    svg: str = Field("", description="write the picture into this file")


class FleetSettle(FleetRef):
    piece: str = positional("the piece")
    how: str = Field(
        description="answer (a question), approve (a result), retry (its agent tries anew), or drop"
    )
    say: str = Field("", max_length=8000, description="the answer, or what its agent is to know")


class PieceRef(FleetRef):
    piece: str = positional("the piece")


class FleetReview(FleetRef):
    piece: list[str] = Field(
        default_factory=list, description="the pieces whose results you have seen; default: all"
    )
    say: str = Field("", max_length=2000, description="what you found")


class PieceView(Response):
    piece: str = Field(description="the piece's name")
    kind: str = Field(description="isolated or judgement")
    state: str = Field(
        description="waiting, running, asked (waits for a person), answered (in the merge queue), merged, "
        "settled, or dropped"
    )
    needs: list[str] = Field(description="the pieces before it")
    attempts: int = Field(description="runs of its agent so far, repeats left out")
    waits: str = Field(description="what it waits for")
    asks: str = Field(description="what a person is asked")
    returned: list[str] = Field(description="why its results were sent back")
    paths: list[str] = Field(description="what its result changes")
    commit: str = Field(description="its commit on the fleet's line")
    reviewed: bool = Field(description="whether a person has seen its result")
    spent: dict[str, int] = Field(description="what its agent says that it took")


class PieceShown(PieceView):
    base: str = Field(description="the commit that its last run began at")
    prompt: str = Field(description="what its agent was told")
    digest: str = Field(description="what the pieces after it are told of it")
    patch: str = Field(description="its last result")
    told: list[str] = Field(description="what was said of the results that were sent back")


class MergeView(Response):
    pieces: list[str] = Field(description="the results that were tried together")
    merged: list[str] = Field(description="those that were merged")
    conflicts: list[str] = Field(description="why others were not")
    unclear: str = Field(description="why nothing could be told")
    judged: int = Field(description="verdicts that it took")


class FleetView(Response):
    fleet: str = Field(description="its id")
    state: str = Field(description="planned, open, finished or cancelled")
    goal: str = Field(description="what it is for")
    repository: str = Field(description="the repository's top folder")
    planner: str = Field(description="who made the plan")
    worker: str = Field(description="the agents' command")
    simulated: bool = Field(description="the agents are scripted")
    pieces: int = Field(description="how many pieces it has")
    done: int = Field(description="how many are merged or answered")
    branch: str = Field(description="the branch that it became")


class FleetsListed(Listed):
    items: list[FleetView] = Field(description="this page of the list")


class FleetShown(FleetView):
    base: str = Field(description="the commit that it began at")
    tip: str = Field(description="where its line of commits stands")
    unreviewed: int = Field(description="results that nobody has reviewed")
    may_be_open: str = Field(description="how many may be, and why")
    reviews_per_hour: float | None = Field(description="as measured; nothing where nobody reviewed")
    next: str = Field(description="what goes on, or what it waits for")
    items: list[PieceView] = Field(description="its pieces")
    merges: list[MergeView] = Field(description="attempts to join results, in order")

    def exit_code(self) -> int:
        """10 where it is not finished: nothing was decided yet."""
        return 0 if self.state in ("finished", "planned") else 10


class PlanChecked(Response):
    goal: str = Field(description="what the plan is for")
    pieces: list[str] = Field(description="its pieces in an order in which they can be done")
    at_once: int = Field(description="how many may run at the same time, at the most")


class FleetDrawn(Response):
    fleet: str = Field(description="its id")
    text: str = Field(description="the graph as text")
    svg: str = Field(description="the graph as a picture, where no file was named")
    path: str = Field(description="the file with the picture")

    def to_text(self) -> str:
        return self.text
