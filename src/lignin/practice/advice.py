"""What a scripted agent makes of the texts in its harness: declared, simulated, no model.

An agent with a fault errs less where a text speaks about what the fault does: the tool, the argument, the
error, the rule. It also obeys bad advice. What speaks about something else changes nothing, and every text
costs context. `CURES` and `MISLEADS` are all there is to it; a passage is one paragraph or list entry, read
in lower case, and `{tool}` is the tool that the fault would strike at.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, digest_json
from lignin.practice.desk import TOOL_SPECS
from lignin.practice.faults import FaultKind

VERSION = 1
"""To be raised with any change of how texts are read; a change of the tables is seen by itself."""
_TEXTS = (".md", ".txt", ".prompt")
_CHARS_A_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """A passage that has one of each group of words, so that a share of the fault's strikes is left.

    Args:
        says: Groups of words or phrases, alternatives split by `|`; plain endings (s, d, ed, ing) may follow.
        left: 0 to 1.
    """

    says: tuple[str, ...]
    left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mislead:
    """Bad advice: a passage that has one of each group, and none of `unless`, leads into a fault."""

    fault: FaultKind
    says: tuple[str, ...]
    unless: str
    share: float = 0.9


def _cures(*given: tuple[float, tuple[str, ...]]) -> tuple[Cure, ...]:
    return tuple(Cure(says=says, left=left) for left, says in given)


_HANDS_OVER = "transfer|transfer_to_person|hand over|hands over|handed over|handing over"
_REFUND = "refund|refund_order"
_DISCOUNT = "discount|apply_discount"
CURES: Mapping[FaultKind, tuple[Cure, ...]] = {
    "wrong_argument": _cures(
        (0.1, ("{tool}", "exactly|copy|as it was|letter by letter")),
        (0.4, ("{tool}", "value|argument|check")),
    ),
    "missing_action": _cures(
        (0.2, ("{tool}", "left out|leave out|never leave|do not forget|must|always|make sure")),
        (0.5, ("every step|all steps|checklist|nothing left|before you end",)),
    ),
    "skipped_identity": _cures(
        (0.05, ("confirm_identity", "before|first|always|must|left out|leave out")),
        (0.4, ("identity|confirm_identity", "before|first|always|must")),
    ),
    "wrong_tool": _cures(
        (0.2, ("{tool}", "itself|rather than|instead of a note|not by a note")),
        (0.4, ("a note is not|note does not|own tool|do it yourself",)),
    ),
    "refund_twice": _cures(
        (0.1, (_REFUND, "once|twice|a second time|already refunded|more than was paid")),
        (0.8, ("refund_order", "also called")),
    ),
    "ignored_error": _cures(
        (0.15, ("error|refuse|refusal", "read|correct|try again|look|stop")),
        (0.5, ("{tool}", "left out|check")),
    ),
    "loop": _cures(
        (0.15, ("same call|again and again|over and over|loop|repeat",)),
        (0.7, ("changed nothing",)),
    ),
    "gave_up_early": _cures(
        (0.15, ("give up|gave up|giving up|keep going|until it is done",)),
        (0.5, ("{tool}", "left out|leave out|must|always|make sure")),
    ),
    "unit_mistake": _cures(
        (
            0.1,
            (
                f"{_REFUND}|amount|amount_cents",
                "cents|whole cents",
                "euro|not|never|unit|whole|as they are",
            ),
        ),
        (0.4, ("refund_order", "amount_cents", "value|check|get_order")),
    ),
    "stale_id": _cures(
        (0.1, ("order_id|order number", "asked|request|named|customer gave")),
        (0.4, ("{tool}", "order_id")),
    ),
    "invented_output": _cures(
        (0.2, ("answer|report|tell|figure", "as it was seen|exactly|never invent|only what")),
    ),
    "missing_output": _cures(
        (0.2, ("answer|report|tell|figure", "every|each|all that|nothing out|complete")),
    ),
    "unauthorised_extra": _cures(
        (0.1, ("goodwill|extra|nothing more|no more than|only what was asked|not asked",)),
        (0.8, ("refund_order|restock_product|transfer_to_person", "also called")),
    ),
    "premature_transfer": _cures(
        (0.1, (_HANDS_OVER, "only|never|not|unless")),
        (0.5, (_HANDS_OVER, "failed")),
    ),
    "wasteful_rereads": _cures((0.1, ("read|look", "once|again|twice|already"))),
    "wrong_refund_method": _cures(
        (0.05, (_REFUND, "method", "paid with|payment_method|payment method|get_order|original")),
        (0.5, ("refund_order", "method", "value|check|other")),
    ),
    "discount_above_limit": _cures(
        (0.1, (_DISCOUNT, "silver|gold|tier|limit")),
        (0.5, ("apply_discount", "percent", "value|check")),
    ),
}
"""What cures a fault; of several the one that leaves least."""
MISLEADS: tuple[Mislead, ...] = (
    Mislead(
        fault="premature_transfer",
        says=(
            "transfer_to_person|transfer|hand over",
            "always|in doubt|at once|every|straight|safest",
        ),
        unless="not|never|only|unless|failed|if|when|where",
    ),
    Mislead(
        fault="skipped_identity",
        says=("identity|confirm_identity|postcode", "skip|no need|unnecessary|save time|without"),
        unless="never|not|must|do not|only|failed|if|when",
    ),
    Mislead(
        fault="wrong_refund_method",
        says=(_REFUND, "voucher|store credit|another method|other method|different method"),
        unless="never|not|only|paid with|failed|values|if|when",
    ),
)
_BAN = re.compile(r"(?:do not|don't|never|avoid) (?:call|calling|use|using) `?([a-z_]+)")
_BAN_UNLESS = "twice|again|once|before|until|unless|more than|without|except|when|where|if|after"
BAN_SHARE = 0.9
"""In so many runs an agent that is told never to call a tool leaves out its calls."""


@dataclass(frozen=True)
class Reading:
    """What an agent has read: the passages of its harness, in order of their paths."""

    passages: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> Digest:
        """Digest of what was read."""
        return digest_json(list(self.passages))

    def left(self, fault: FaultKind, tool: str) -> float:
        """The share of a fault's strikes at a tool that the texts leave, 0 to 1."""
        cures = [cure.left for cure in CURES[fault] if self._says(cure.says, "", tool)]
        return min(cures, default=1.0)

    @cached_property
    def misleads(self) -> tuple[Mislead, ...]:
        """The bad advice in it."""
        return tuple(each for each in MISLEADS if self._says(each.says, each.unless))

    @cached_property
    def banned(self) -> frozenset[str]:
        """Tools that it says are never to be called."""
        return frozenset(
            tool
            for passage in self.passages
            if not _has(passage, _BAN_UNLESS)
            for tool in _BAN.findall(passage)
            if tool in TOOL_SPECS
        )

    def _says(self, groups: Iterable[str], unless: str, tool: str = "") -> bool:
        wanted = [group.replace("{tool}", tool) for group in groups]
        return any(
            all(_has(passage, group) for group in wanted) and not (unless and _has(passage, unless))
            for passage in self.passages
        )


NOTHING_READ = Reading()


def read_texts(files: Mapping[str, File]) -> Reading:
    """Return what an agent reads of its harness: every text, nothing of programs and data."""
    passages: list[str] = []
    for path, file in sorted(files.items()):
        if path.endswith(_TEXTS):
            passages += _passages(file.content.decode("utf-8", errors="replace"))
    return Reading(tuple(passages))


def context_tokens(files: Mapping[str, File]) -> int:
    """About how many tokens an agent carries before its task: the desk's policy and tools, and its harness."""
    texts = (len(file.content) for path, file in files.items() if path.endswith(_TEXTS))
    return _desk_tokens() + -(-sum(texts) // _CHARS_A_TOKEN)


@lru_cache(maxsize=1)
def tables_digest() -> Digest:
    """Digest of all that decides what texts do."""
    told: Json = [
        VERSION,
        {fault: [[list(cure.says), cure.left] for cure in cures] for fault, cures in CURES.items()},
        [[each.fault, list(each.says), each.unless, each.share] for each in MISLEADS],
        [_BAN.pattern, _BAN_UNLESS, BAN_SHARE],
    ]
    return digest_json(told)


@lru_cache(maxsize=1)
def _desk_tokens() -> int:
    policy = resources.files(__package__).joinpath("policy.md").read_text()
    tools = json.dumps([[name, dict(spec.input)] for name, spec in sorted(TOOL_SPECS.items())])
    return -(-(len(policy) + len(tools)) // _CHARS_A_TOKEN)


def _passages(text: str) -> Iterable[str]:
    """Paragraphs and list entries, each as one line."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        begins = re.match(r"[-*#] |\d+\. ", stripped)
        if (begins or not stripped) and lines:
            yield " ".join(" ".join(lines).lower().split())
            lines = []
        if stripped:
            lines.append(stripped)


def _has(passage: str, group: str) -> bool:
    """True where a passage has one of a group's words."""
    return _words(group).search(passage) is not None


@lru_cache(maxsize=1024)
def _words(group: str) -> re.Pattern[str]:
    told = "|".join(map(re.escape, group.split("|")))
    return re.compile(rf"(?<![a-z0-9_])(?:{told})(?:s|d|ed|ing)?(?![a-z0-9_])")
