"""Tests as evidence: which test artifacts were tried on a version, and which of them count for it.

A test counts while its own version is proven; then the subject's verification runs it as one of
the subject's own tests. Owns the facts `test:<name>@<digest>` among the evidence of a subject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import Tree
from lignin.domain.codec import Digest, Json
from lignin.domain.states.artifacts import PROVEN
from lignin.ports.ledger import View

MAX_RUN = 10
_PREFIX = "test:"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOf:
    """One test artifact that was tried on a version. `state` is the test's own, now."""

    __test__ = False

    name: str
    digest: Digest
    verdict: str
    reasons: tuple[str, ...]
    state: str

    @property
    def counts(self) -> bool:
        """True where the test proved its worth and nothing has been held against it since."""
        return self.verdict == "pass" and self.state in PROVEN

    def to_json(self) -> dict[str, Json]:
        """The test with whether it counts and why not."""
        return {
            "name": self.name,
            "digest": self.digest,
            "counts": self.counts,
            "verdict": self.verdict,
            "state": self.state,
            "reasons": list(self.reasons),
        }


def fact_of_test(
    name: str, digest: Digest, verdict: str, reasons: Sequence[str]
) -> dict[str, Json]:
    """The evidence about a subject that a test artifact's verification is."""
    return {
        "kind": f"{_PREFIX}{name}@{digest}",
        "test": name,
        "digest": digest,
        "verdict": verdict,
        "reasons": [reason[:500] for reason in reasons[:20]],
    }


def tests_of(view: View, digest: Digest) -> tuple[TestOf, ...]:
    """Every test artifact that was tried on a version, by name."""
    row = view.row(f"evidence/{digest}")
    facts = [
        fact for kind, fact in (row.body["latest"] if row else {}).items() if _is_test(kind, fact)
    ]
    found = []
    for fact in sorted(facts, key=lambda fact: (fact["test"], fact["digest"])):
        version = view.row(f"version/{fact['test']}@{fact['digest']}")
        found.append(
            TestOf(
                name=fact["test"],
                digest=fact["digest"],
                verdict=fact["verdict"],
                reasons=tuple(fact["reasons"]),
                state=str(version.state) if version else "unknown",
            )
        )
    return tuple(found)


def load_tests(view: View, digest: Digest) -> Mapping[Digest, Tree]:
    """The trees of the tests that count for a version, by digest; at most `MAX_RUN` of them."""
    counting = [test for test in tests_of(view, digest) if test.counts]
    return {test.digest: load_tree(view, test.digest) for test in counting[:MAX_RUN]}


def _is_test(kind: str, fact: Mapping[str, Json]) -> bool:
    return kind.startswith(_PREFIX) and "test" in fact
