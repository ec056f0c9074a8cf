"""Web hooks that come in: from whom they say they are, or not taken. The server is in `interfaces.hooks`."""

from collections.abc import Mapping
from typing import Final

from lignin.domain.errors import NotFoundError
from lignin.domain.messages import bounded_message
from lignin.domain.signatures import require_signed
from lignin.governance.laws.connectors import HookGrant
from lignin.operations.connecting import connector_secret, read_connectors, take_message
from lignin.operations.context import Context

MAX_BODY_BYTES: Final = 2**20


def take_hook(context: Context, name: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Take in one web hook; false where its occurrence was taken before.

    When this returns, it is durable. Nothing of it is read before its signature holds.

    Args:
        headers: By lower-case name.

    Raises:
        NotFoundError: No connector of this name listens.
        DeniedError: It is not signed with the connector's key, was altered, or is not of now.
        UnavailableError: The key cannot be had.
    """
    grant = read_connectors(context).get(name)
    if not isinstance(grant, HookGrant):
        raise NotFoundError("nothing listens here", hint="see the hooks of your grants file")
    now = context.clock.now()
    key = connector_secret(context, grant).reveal()
    occurrence = require_signed(grant.form, headers, body, key, now=now, window_s=grant.window_s)
    event = headers.get("x-github-event", "") if grant.form == "github" else ""
    message = bounded_message(
        source=name,
        occurrence=occurrence,
        kind="webhook",
        text=body.decode(errors="replace"),
        labels=[event] if event else [],  # signed by nobody: a word, no more
    )
    return take_message(context, message)
