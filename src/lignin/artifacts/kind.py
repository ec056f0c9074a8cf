"""What a kind of artifact is. One file per kind in `kinds/`, each with a `KIND`."""

from collections.abc import Callable
from dataclasses import dataclass

from lignin.domain.artifacts import Tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.traces import Snippet

Recogniser = Callable[[Snippet, Provenance], Candidate | Refusal | None]
Reader = Callable[[Snippet, Provenance], Candidate | Refusal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of artifact.

    Args:
        name: As written in a manifest.
        executable: True where the sandbox can prove it; else it is text, which a human approves.
        checks: Names of the checks that a verification of this kind must pass.
        recognise: Makes a candidate of a snippet found in a trace, refuses it with the reason, or
            returns None where the snippet is not of this kind.
        read: The same for a file that somebody says is of this kind: where it cannot be, why.
        summary: One or two sentences for listings, taken from the artifact's own text.
        precedence: Among the kinds that recognise a snippet the lowest wins.
    """

    name: str
    executable: bool
    checks: tuple[str, ...]
    recognise: Recogniser
    read: Reader
    summary: Callable[[Tree], str]
    precedence: int
