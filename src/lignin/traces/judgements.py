"""Judgements on the ledger. Owns streams `judgement/<session>`.

Nothing here commits. What a finding says quotes the trace, so findings lie in a blob; the verdict, the
probability and the step lie in the row.
"""

from collections.abc import Mapping
from dataclasses import asdict

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.findings import Finding, Judgement
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


class Judgements:
    """What runs were judged to be."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def record(
        self, view: View, scope: Scope, judged: Mapping[str, Judgement]
    ) -> tuple[Change, ...]:
        """The change that keeps the judgements of some sessions; none where all are as before."""
        known = view.rows([f"judgement/{session}" for session in judged])
        events: list[NewEvent] = []
        blobs: list[Blob] = []
        for session, judgement in judged.items():
            stream = f"judgement/{session}"
            content = _findings_bytes(judgement)
            payload: dict[str, Json] = {
                "verdict": judgement.verdict,
                "probability": judgement.probability,
                "step": judgement.step,
                "findings": digest_bytes(content) if content else None,
            }
            before = known.get(stream)
            if before and all(before.body[name] == value for name, value in payload.items()):
                continue
            if content:
                blobs.append(Blob(stream=stream, digest=payload["findings"], content=content))
            events.append(
                NewEvent(
                    stream=stream,
                    type="run.judged",
                    payload=payload,
                    event_id=self._ids.new("evt"),
                )
            )
        return (scope.change(events=tuple(events), blobs=tuple(blobs)),) if events else ()


def load_judgement(view: View, row: Row) -> Judgement:
    """The judgement that a row keeps."""
    digest: Digest | None = row.body["findings"]
    found = parse_json(view.blob(digest)) if digest else []
    return Judgement(
        verdict=row.body["verdict"],
        probability=float(row.body["probability"]),
        step=row.body["step"],
        findings=tuple(Finding(**finding) for finding in found),
    )


def _findings_bytes(judgement: Judgement) -> bytes:
    """The findings as JSON; empty where there are none."""
    told = [
        {name: _writable(value) for name, value in asdict(finding).items()}
        for finding in judgement.findings
    ]
    return canonical_bytes(told) if told else b""


def _writable(value: Json) -> Json:
    """A trace may hold half a character, which no UTF-8 can carry."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
