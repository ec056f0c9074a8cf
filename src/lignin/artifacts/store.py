"""Artifact trees as blobs: the entries under the artifact's digest, each file under its own.

The digest of an artifact is the digest of its canonical entries, so those bytes are themselves the
blob of that name; files shared by versions are stored once.
"""

from collections.abc import Collection
from dataclasses import replace

from lignin.artifacts.recordings import Recorded, parse_recording
from lignin.domain.artifacts import MANIFEST_PATH, File, Manifest, Tree, make_tree, parse_manifest
from lignin.domain.codec import Digest, canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import IntegrityError
from lignin.domain.events import Blob, Scope
from lignin.domain.examples import Example, parse_example
from lignin.domain.states import Row
from lignin.ports.ledger import View


def tree_blobs(tree: Tree, stream: str) -> tuple[Blob, ...]:
    """The blobs that hold a tree, referred to by a stream."""
    entries = canonical_bytes(tree.entries())
    blobs = [Blob(stream=stream, digest=tree.digest, content=entries)]
    for file in tree.files.values():
        blobs.append(Blob(stream=stream, digest=f"sha256:{file.sha256}", content=file.content))
    return tuple({blob.digest: blob for blob in blobs}.values())


def load_tree(view: View, digest: Digest) -> Tree:
    """A tree by its digest.

    Raises:
        NotFoundError: The space holds no such artifact, or its bytes were let go.
        IntegrityError: The stored entries are not a tree.
    """
    entries = parse_json(view.blob(digest))
    try:
        files = {
            entry["path"]: File(content=view.blob(f"sha256:{entry['sha256']}"), mode=entry["mode"])
            for entry in entries
        }
    except (TypeError, KeyError) as error:
        raise IntegrityError(f"the blob {digest} is no artifact tree") from error
    return make_tree(files)


def load_manifest(view: View, digest: Digest) -> Manifest:
    """A tree's contract alone; its other files are not read.

    Raises:
        NotFoundError: The space holds no such artifact, or its bytes were let go.
        IntegrityError: The stored entries are not a tree.
    """
    entries = parse_json(view.blob(digest))
    try:
        sha256 = next(entry["sha256"] for entry in entries if entry["path"] == MANIFEST_PATH)
    except (TypeError, KeyError, StopIteration) as error:
        raise IntegrityError(f"the blob {digest} is no artifact tree") from error
    return parse_manifest(view.blob(f"sha256:{sha256}"))


def examples_blob(examples: tuple[Example, ...], stream: str) -> Blob:
    """Examples as one blob."""
    content = canonical_bytes([example.to_json() for example in examples])
    return Blob(stream=stream, digest=digest_bytes(content), content=content)


def load_examples(
    view: View, digest: Digest, trusted: Collection[str] | None = None
) -> tuple[Example, ...]:
    """Every example recorded for an artifact, without repeats.

    Args:
        trusted: Only those that one of these gave, and those of before givers were noted.
    """
    row = view.row(f"examples/{digest}")
    givers = row.body.get("by", {}) if row else {}
    found: dict[Digest, Example] = {}
    for blob in row.body["blobs"] if row else ():
        giver = givers.get(blob)
        if trusted is not None and giver is not None and giver not in trusted:
            continue
        for value in parse_json(view.blob(blob)):
            example = parse_example(value)
            found.setdefault(example.digest, example)
    return tuple(found.values())


def load_recording(view: View, digest: Digest, trusted: Collection[str]) -> Recorded | None:
    """The recording that an artifact is proven with: the last one that one of these gave."""
    row = view.row(f"recording/{digest}")
    given = [each for each in (row.body["given"] if row else ()) if each["by"] in trusted]
    return parse_recording(view.blob(given[-1]["blob"])) if given else None


def trusted_givers(view: View, row: Row) -> frozenset[str]:
    """Whose examples judge a version: its owner's, the successor's, and the first capturer's."""
    artifact = view.row(f"artifact/{row.body['name']}")
    body = artifact.body if artifact else {}
    return frozenset(
        {row.body["captured_by"]["sub"], body.get("owner", ""), body.get("successor", "")}
    )


def unknown_examples(
    view: View, scope: Scope, digest: Digest, examples: tuple[Example, ...]
) -> tuple[Example, ...]:
    """Those that this giver has not given yet, each with its giver.

    What somebody else gave before is kept again: whose examples judge may hang on who gives them.
    """
    giver = scope.actor.sub
    known = {example.digest for example in load_examples(view, digest, {giver})}
    return tuple(
        replace(example, origin=giver) if example.origin == "author" else example
        for example in examples
        if example.digest not in known
    )
