"""Who used which artifact: what a surface of ours saw of one call, and a use as all accounts tell it."""

from dataclasses import dataclass
from typing import Literal

Surface = Literal["cli", "mcp", "http", "sdk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReceipt:
    """One call of an artifact that came to run, or one load of a skill, as the surface that took it saw it.

    `client`, `client_version`, `session`, `call_id` and `model` are what the client says of itself,
    each "" where it says nothing: data, which decides nothing.
    """

    version: str
    surface: Surface
    by: str
    began_at: str
    ended_at: str
    failed: bool = False
    client: str = ""
    client_version: str = ""
    session: str = ""
    call_id: str = ""
    model: str = ""
    is_load: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactUse:
    """One use of an artifact, told once however many accounts tell of it.

    `version` is the digest or pin as far as the accounts say it, "" where none does. `paths` are all
    ways by which it was seen, `run` and `step` the first account of a trace that shows it ("" and 0
    where only our own surface saw it). Tokens and costs are None where no account counts them.
    """

    name: str
    version: str
    paths: tuple[str, ...]
    run: str
    step: int
    at: str
    client: str
    client_version: str
    model: str
    failed: bool | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_microusd: int | None = None
