"""What a loop sends by a connector, as its file says: once for each act, whoever makes the act again.

The file names the connector; an agent's words fill in what it leaves open, and choose neither the far side nor
a folder of this machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from lignin.connectors.deliveries import delivery_id, load_told
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.loops import Action
from lignin.domain.messages import Posting
from lignin.domain.states import Row
from lignin.loops.laws.answers import Finding
from lignin.operations.connecting import deliver
from lignin.operations.connector import Send, posting_of
from lignin.operations.context import Context

OWN = frozenset({"name", "key", "folder", "to", "tool"})
"""What only the loop's file says: where something goes, and which folder of this machine it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of it, and what of that is for the inbox; `why` where nobody knows."""

    told: Mapping[str, Json]
    findings: tuple[Finding, ...] = ()
    why: str = ""


def send_once(
    context: Context, action: Action, request: Mapping[str, Json], *, folder: Path, key: str
) -> Sent:
    """Send what an action of a loop's file says; what was sent under its key is only told.

    Args:
        request: Its arguments, filled in.
        folder: Where the loop's files lie.
        key: Names the act, the same one each time it is made.

    Raises:
        LigninError: It was not sent, and why.
    """
    delivery = delivery_id(action.server, key)
    with context.view() as view:
        row = view.row(f"delivery/{delivery}")
    posting = _posting(context, action, request, folder)
    if row is None or row.state != "sent":  # made again, an agent may have other words
        row, _ = deliver(context, action.server, posting, key, by_file=True)
    return _sent(context, action.server, posting, row)


def _posting(
    context: Context, action: Action, request: Mapping[str, Json], folder: Path
) -> Posting:
    try:
        asked = Send.model_validate({**request, "name": action.server})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequestError(
            f"send: with.{'.'.join(map(str, first['loc']))}: {first['msg']}",
            hint="`lignin schema connector.send` says what it takes",
        ) from error
    return posting_of(replace(context, cwd=folder), asked)


def _sent(context: Context, connector: str, posting: Posting, row: Row) -> Sent:
    with context.view() as view:
        kept = load_told(view, row)
    told = {
        "delivery": row.key,
        "connector": connector,
        "state": row.state,
        **{name: kept[name] for name in ("reference", "link", "answer") if kept.get(name)},
    }
    if row.state != "sent":
        settle = f"look, then `lignin connector settle {row.key} --sent` or `--lost`"
        return Sent(told=told, why=f"nobody knows whether {row.key} arrived: {settle}")
    if posting.kind != "pull":
        return Sent(told=told)
    link = str(kept.get("link", ""))
    found = Finding(
        key=f"{connector}: {posting.branch}",
        title=f"to review: {posting.subject} ({posting.branch})"[:200],
        evidence=tuple(text for text in (link, posting.text) if text),
        proposed=f"look at {link or posting.branch}, and merge or close it there",
    )
    return Sent(told=told, findings=(found,))
