"""Does a text tell its agent to steal, to send, to run foreign code, to lift a guard or to hide it?

Text grants nothing, so an agent that obeyed would be stopped elsewhere; this keeps such a text from
being served at all. Read are Markdown and plain text, of code the comments and docstrings, and the
manifest's own words. What a person should look at is `measured` as `ask` and is put to the one who
approves.
"""

from collections.abc import Iterator

from lignin.artifacts.check import Check, Observations, conclude, shown
from lignin.artifacts.oracle import MAX_REASONS
from lignin.artifacts.prose import ProseFinding, read_prose
from lignin.artifacts.prose_passages import readable
from lignin.artifacts.suite import is_test_file
from lignin.domain.evidence import CheckResult


def judge(observations: Observations) -> CheckResult:
    """Judge every text of the artifact."""
    refused, asked = list[str](), list[str]()
    for path, finding in _findings(observations):
        hidden = f" (in {finding.where})" if finding.where else ""
        said = f"{path}{hidden}: {finding.rule}: {shown(finding.text)}"
        (refused if finding.severity == "refuse" else asked).append(said)
    return conclude(
        "prose",
        faults=refused[:MAX_REASONS],
        remarks=asked[:MAX_REASONS],
        measured={"refused": len(refused), "ask": asked[:MAX_REASONS]},
    )


def _findings(observations: Observations) -> Iterator[tuple[str, ProseFinding]]:
    manifest = observations.manifest
    for path, text in sorted(observations.sources.items()):
        if is_test_file(path):
            continue
        runtime = manifest.runtime if path == manifest.entry.partition(":")[0] else ""
        for finding in read_prose(readable(path, text, runtime)):
            yield path, finding


CHECK = Check(name="prose", needs=frozenset({"files"}), judge=judge)
