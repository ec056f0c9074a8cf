"""What a version's row means: pure questions that the service and the operations ask of it."""

from lignin.domain.artifacts import Manifest
from lignin.domain.codec import Digest
from lignin.domain.events import Actor
from lignin.domain.states import Row
from lignin.domain.states.artifacts import VersionState

HANDED_OVER = "handed over"
"""`how` of the provenance of what somebody captured, as against what was found in a trace."""


def version_stream(name: str, digest: Digest) -> str:
    """The stream of a version."""
    return f"version/{name}@{digest}"


def same_contract(first: Manifest, second: Manifest) -> bool:
    """True where two manifests differ in nothing but the names of files and functions."""
    parts = ("kind", "runtime", "capabilities", "dependencies")
    return all(getattr(first, part) == getattr(second, part) for part in parts)


def is_simulated(row: Row) -> bool:
    """True where a version was seen nowhere but in the practice desk's sessions."""
    return all(bool(seen["simulated"]) for seen in row.body["provenance"])


def is_visible(row: Row, actor: Actor) -> bool:
    """True unless it is a draft and an agent asks that did not hand it over itself.

    The people of the space see every draft. Source: decision record 2.
    """
    return (
        row.state != "draft"
        or actor.is_person
        or any(
            seen["how"] == HANDED_OVER and seen["author"] == actor.sub
            for seen in row.body["provenance"]
        )
    )


def due_reason(row: Row, *, asks_authority: bool) -> str:
    """Why a draft is to be verified now; empty: not yet."""
    if row.body["requested"]:
        return "asked for"
    if asks_authority:
        return "asks for authority"
    if row.body["sightings"] > 1:
        return f"seen {row.body['sightings']} times"
    return ""


def verdict_move(row: Row, verdict: str, check_set: str) -> VersionState | None:
    """Where a verdict under a check set moves a version; None: nowhere."""
    if row.state == "rejected" and row.body["check_set"] == check_set:
        return None
    if verdict == "pass" and row.state in {"draft", "rejected"}:
        return "verified"
    if verdict == "fail" and row.state in {"draft", "verified"}:
        return "rejected"
    return None


def row_after(row: Row | None, requested: bool, name: str, digest: Digest) -> Row:
    """The version as a capture will leave it, as far as the answer needs it."""
    if row is None:
        body = {"name": name, "digest": digest, "state": "draft", "sightings": 1}
        body |= {"requested": requested, "reason": "captured"}
    else:
        body = {**row.body, "sightings": row.body["sightings"] + 1}
        body["requested"] = row.body["requested"] or requested
        if row.state == "expired":
            body |= {"state": "draft", "reason": "seen again"}
    return Row(stream=version_stream(name, digest), kind="version", seq=0, body=body)
