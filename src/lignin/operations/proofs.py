"""Tests and the programs they prove, over the store: joining at capture, evidence afterwards."""

from collections.abc import Mapping

from lignin.artifacts.joining import (
    carried_programs,
    join_subject,
    wanted_programs,
    with_program,
)
from lignin.artifacts.lookup import visible
from lignin.artifacts.proofs import fact_of_test, tests_of
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import MANIFEST_PATH, File, Manifest
from lignin.domain.candidates import Candidate
from lignin.domain.codec import Digest
from lignin.domain.events import Change, NewEvent
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.context import Context
from lignin.ports.ledger import View

SUBJECT_STATES = PROVEN | {"draft"}


def joined(context: Context, view: View, candidate: Candidate) -> Candidate:
    """A test joined to the captured programs that it carries; anything else as it is."""
    if candidate.tree.manifest.kind != "test":
        return candidate
    for path, key in carried_programs(candidate, context.load_kinds()).items():
        for row in _programs(view, key):
            name, tree = row.body["name"], load_tree(view, row.body["digest"])
            if name in candidate.tree.manifest.dependencies:
                continue
            found = join_subject(candidate, path, name, tree)
            if found is not None:
                candidate = found
                break
    return candidate


def with_subjects(context: Context, view: View, files: Mapping[str, File]) -> Mapping[str, File]:
    """A lone test file that is handed over, with the programs of the space that it imports.

    Files that are anything else, and tests whose imports mean no program, are answered as given.
    """
    if len(files) != 1:
        return files
    [(path, file)] = files.items()
    wanted = wanted_programs(path, file.content.decode(errors="replace"))
    found = files
    for place, name in wanted.items():
        row = view.row(f"artifact/{name}")
        if row is None or row.body["kind"] != "program":
            continue
        versions = context.artifacts.versions(view, name).rows
        usable = [
            v for v in visible(view, context.scope.actor, versions) if v.state in SUBJECT_STATES
        ]
        if usable:
            best = max(usable, key=lambda row: (row.state in PROVEN, row.body["captured_at"]))
            found = with_program(found, place, load_tree(view, best.body["digest"]))
    if found is files:
        return files
    manifest = Manifest(kind="test", entry=path, runtime="python")
    return {**found, MANIFEST_PATH: manifest.to_file()}


def evidence_of_test(
    context: Context, view: View, row: Row, verdict: str, reasons: tuple[str, ...]
) -> list[Change]:
    """Changes that note a test's verification among the evidence of each program it is joined to."""
    name, digest = row.body["name"], row.body["digest"]
    if row.body["kind"] != "test":
        return []
    fact = fact_of_test(name, digest, verdict, reasons)
    changes = []
    for subject in load_tree(view, digest).manifest.dependencies.values():
        known = {(test.name, test.digest): test.verdict for test in tests_of(view, subject)}
        if known.get((name, digest)) != verdict:
            event = NewEvent(
                stream=f"evidence/{subject}",
                type="evidence.recorded",
                payload=fact,
                event_id=context.ids.new("evt"),
            )
            changes.append(context.scope.change(events=(event,)))
    return changes


def subjects_of(view: View, digest: Digest) -> list[Row]:
    """The versions that a test is joined to."""
    pinned = load_tree(view, digest).manifest.dependencies
    streams = [f"version/{name}@{subject}" for name, subject in pinned.items()]
    return list(view.rows(streams).values())


def _programs(view: View, key: str) -> list[Row]:
    """Captured programs with the same canonical code, the first captured first."""
    sighting = view.row(f"sighting/{key}")
    streams = [f"version/{name}@{digest}" for name, digest in _seen(sighting)]
    rows = view.rows(streams)
    return [
        rows[stream]
        for stream in streams
        if stream in rows
        and rows[stream].state in SUBJECT_STATES
        and rows[stream].body["kind"] == "program"
    ]


def _seen(sighting: Row | None) -> list[list[str]]:
    return list(sighting.body["versions"]) if sighting else []
