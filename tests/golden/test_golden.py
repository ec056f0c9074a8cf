"""Help texts, the command reference and the report's shape are as kept.

To renew them after a change that was meant: `python tools/docs.py` writes `help.txt` and
`docs/reference/commands.md`; `LIGNIN_RENEW_GOLDEN=1 pytest tests/golden` writes the report. Then read
the difference as part of the commit.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lignin.domain.evidence import GateOutcome
from lignin.evals.flips import Flip
from lignin.operations.demo import DemoReport, Kept, Origin, Refused
from lignin.operations.demo_report import WIDTH, render_report
from lignin.operations.gate_report import page
from unit.operations.decisions import decision

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SYSTEMS = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)


def test_help_and_reference_are_generated_from_the_operations_table() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "docs.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_report_reads_as_kept() -> None:
    text = render_report(report()) + "\n"
    kept = HERE / "report.txt"
    if os.environ.get("LIGNIN_RENEW_GOLDEN"):
        kept.write_text(text)
    assert text == kept.read_text()
    assert max(map(len, text.splitlines())) <= WIDTH


def report() -> DemoReport:
    """A report in which every part says something."""
    origin = Origin(
        session="ses_01234567890123456789012345",
        source="a.jsonl",
        step=4,
        author="codex",
        model="m",
        how="written",
    )
    reasons = [
        (
            "fetch-rate",
            "verified",
            'fail: effects: connected to 127.0.0.1:9 without declaring it, for {"a":1}',
        ),
        (
            "round-up",
            "verified",
            'fail: totality: no answer within 3.0 s for {"a":0}; examples: expected 1, got 2 for {"a":3}',
        ),
        ("old-one", "verified", 'earlier: determinism: answered 1, then 2 for {"a":1}'),
        ("too-new", "verified", "inconclusive: examples: 2 examples, and at least 3 are needed"),
        ("sends-mail", "promoted", "it asks for a host: a human must approve it"),
        ("inline-4", "found", "one-off: only calls helpers/x.py"),
        ("inline-9", "found", "one-off: only calls helpers/y.py"),
    ]
    return DemoReport(
        simulated=True,
        note="SIMULATED: made up",
        files=2,
        sessions=2,
        steps_with_code=9,
        redacted={"openai": 1},
        unread={"a line that does not parse (the rest was read)": 3},
        captured={"new": 6, "same_code": 1},
        waiting=1,
        let_go=2,
        tests={"test-share-cents": "counts as a check of share-cents"},
        kept=[
            Kept(
                name="share-cents",
                digest="sha256:" + "ab" * 32,
                kind="program",
                sightings=2,
                simulated=True,
                examples=11,
                runs=116,
                reused=False,
                revision="sha256:" + "cd" * 32,
                origin=origin,
            )
        ],
        refused=[
            Refused(name=name, stage=stage, reason=reason, origin=origin)
            for name, stage, reason in reasons
        ],
        served=None,
        call=None,
        store="sqlite:///ledger.db",
        space="practice",
    )


def flips() -> list[Flip]:
    return [
        Flip(case="refund|twice", trials_before=6, trials_after=8, before=1.0, after=0.25, low=-1.0, high=-0.3),
        Flip(case="c1", trials_before=6, trials_after=8, before=0.0, after=1.0, low=0.6, high=1.0),
        Flip(case="c2", trials_before=6, trials_after=8, before=0.5, after=0.625, low=-0.4, high=0.6),
    ]  # fmt: skip


@pytest.mark.parametrize("verdict", ["accept", "reject", "undecided"])
def test_the_comment_of_a_pull_request_reads_as_kept(verdict: GateOutcome) -> None:
    told = decision(verdict, simulated=verdict == "undecided")
    lost, gained = (flips()[:1], flips()[1:]) if verdict != "undecided" else ([], [])
    text = page(told, lost, gained, run_on_both=5, systems=SYSTEMS) + "\n"
    kept = HERE / f"gate-{verdict}.md"
    if os.environ.get("LIGNIN_RENEW_GOLDEN"):
        kept.write_text(text)
    assert text == kept.read_text()


def test_the_comment_claims_nothing_of_what_was_not_tried() -> None:
    told = decision("undecided", simulated=False).model_copy(
        update={"guarded": 6, "guarded_tried": 0}
    )
    text = page(told, [], [], run_on_both=0, systems=SYSTEMS)
    assert "6 guarded, 0 tried, 0 broken" in text
    assert "No case was run on both" in text and "none differs" not in text
    assert "Of 1 case run on both, none differs." in page(
        told, [], [], run_on_both=1, systems=SYSTEMS
    )
