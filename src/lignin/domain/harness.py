"""A harness revision, a patch on it, and what a proposal claims (decision record 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import ConflictError, InvalidRequestError

Claim = Literal["better", "no_worse_and_cheaper", "equivalent", "restore", "admit"]
CLAIMS: tuple[Claim, ...] = get_args(Claim)
MAX_SLOTS = 5000
NO_PARENT: Digest = ""
"""In place of a parent's digest: the revision shall extend none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """An immutable manifest: what stands in each slot, on top of an optional parent revision."""

    slots: Mapping[str, Digest]
    extends: Digest | None = None

    def to_json(self) -> dict[str, Json]:
        return {"slots": dict(self.slots), "extends": self.extends}

    @property
    def digest(self) -> Digest:
        """Digest over slots and parent."""
        return digest_json(self.to_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotChange:
    """What a patch expects in a slot and what it puts there; None: nothing."""

    expected: Digest | None
    new: Digest | None


Patch = Mapping[str, SlotChange]


def parse_revision(body: Mapping[str, Json]) -> Revision:
    """A revision from its row."""
    return Revision(slots=body["slots"], extends=body["extends"])


def patch_to_json(patch: Patch) -> dict[str, Json]:
    """A patch as JSON: slot -> {expected, new}."""
    return {
        slot: {"expected": change.expected, "new": change.new} for slot, change in patch.items()
    }


def parse_patch(value: Mapping[str, Json]) -> Patch:
    """A patch from its JSON."""
    return {
        slot: SlotChange(expected=change["expected"], new=change["new"])
        for slot, change in value.items()
    }


def apply_patch(base: Revision, patch: Patch, extends: Digest | None = None) -> Revision:
    """Return the revision after a patch.

    Args:
        extends: The parent revision to stand on from now on; None keeps the base's, `NO_PARENT`
            ends it.

    Raises:
        ConflictError: A slot does not hold what the patch expects; the message names every one.
        InvalidRequestError: The patch changes nothing, or too many slots would result.
    """
    wrong = [slot for slot, change in patch.items() if base.slots.get(slot) != change.expected]
    if wrong:
        raise ConflictError(
            f"slots hold something else than the patch expects: {', '.join(sorted(wrong))}",
            hint="read the head again and make a new proposal",
            slots=sorted(wrong),
        )
    slots = {**base.slots, **{s: c.new for s, c in patch.items() if c.new is not None}}
    for slot, change in patch.items():
        if change.new is None:
            slots.pop(slot, None)
    parent = base.extends if extends is None else extends or None
    result = Revision(slots=slots, extends=parent)
    if result == base:
        raise InvalidRequestError("the proposal changes nothing")
    if len(slots) > MAX_SLOTS:
        raise InvalidRequestError(f"{len(slots)} slots; a revision has at most {MAX_SLOTS}")
    return result


def holds_patch(revision: Revision, patch: Patch, extends: Digest | None = None) -> bool:
    """Whether a revision holds all that a patch would put there."""
    parent = revision.extends if extends is None else extends or None
    return parent == revision.extends and all(
        revision.slots.get(slot) == change.new for slot, change in patch.items()
    )


def diff_revisions(old: Revision, new: Revision) -> Patch:
    """The patch that leads from one revision to another."""
    names = sorted({*old.slots, *new.slots})
    return {
        name: SlotChange(expected=old.slots.get(name), new=new.slots.get(name))
        for name in names
        if old.slots.get(name) != new.slots.get(name)
    }


def require_claim(text: str) -> Claim:
    """Return a claim.

    Raises:
        InvalidRequestError: Not one of `CLAIMS`.
    """
    for claim in CLAIMS:
        if claim == text:
            return claim
    raise InvalidRequestError(f"unknown claim {text!r}", hint=f"one of {', '.join(CLAIMS)}")
