"""What is to be captured, and where it was seen."""

from dataclasses import dataclass

from lignin.domain.artifacts import Tree
from lignin.domain.codec import Json
from lignin.domain.examples import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a digest came from; a digest may have many.

    `session` and `event` name the recorded event; `how` is `written`, `heredoc`, `inline`, `edited`
    or `handed over`; `simulated` is true for everything the practice desk produced.
    `mode` is the failure mode that it was written against, `context` what else its author knew of the
    task; neither is written down where there is none.
    """

    source: str
    session: str = ""
    event: int = 0
    author: str = ""
    model: str = ""
    task: str = ""
    how: str = "handed over"
    simulated: bool = False
    mode: str = ""
    context: Json = None

    def to_json(self) -> dict[str, Json]:
        """The provenance as a JSON object."""
        body: dict[str, Json] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("mode", "context"):
            if not body[name]:
                del body[name]
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something to capture: a named tree with what is known about it."""

    name: str
    tree: Tree
    examples: tuple[Example, ...] = ()
    provenance: Provenance
    sighting_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a piece of code was not captured."""

    name: str
    reason: str
    provenance: Provenance
