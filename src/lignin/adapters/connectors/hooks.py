"""What goes out by one POST: a message to a chat's incoming web hook, or JSON to a URL.

What comes back is read for its status alone. A chat keeps no key of ours, so what became of a message whose
answer was lost is nobody's to know; a URL that drops a second `webhook-id` may be asked again.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from lignin.adapters.connectors.rest import refusal
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import InvalidRequestError, LimitedError, UnavailableError
from lignin.domain.messages import Posting
from lignin.domain.signatures import sign
from lignin.ports.broker import SecretValue
from lignin.ports.connector import Certainty, Delivered, Probed, Web

MAX_CHAT: Final = 40_000


class HookSink:
    """See `lignin.ports.connector.Sink`.

    Args:
        name: The connector's.
        settings: Of its grant, of kind `chat` or `post`.
        web: Carries requests.
        secret: The chat's URL, or the key that JSON is signed with.
        now: The time here.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Json],
        web: Web,
        *,
        secret: SecretValue | None,
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._web, self._now = name, web, now
        self._is_chat = settings["kind"] == "chat"
        self._is_repeatable = bool(settings["repeatable"])
        self._secret = secret
        self._target = _target_of(settings, secret) if self._is_chat else None

    def probe(self) -> Probed:
        """Nothing can be asked without being sent."""
        return Probed(account="", told="configured; only sending shows whether it is heard")

    def certainty(self, posting: Posting) -> Certainty:
        """As the user's grant says of the far side."""
        if posting.kind != "message":
            raise InvalidRequestError(
                f"a web hook takes no {posting.kind}", hint="--body, and no ticket"
            )
        if not posting.text.strip() or posting.to:
            raise InvalidRequestError("a message to a web hook has a text and no receivers")
        if self._is_chat and len(posting.text) + len(posting.subject) > MAX_CHAT:
            raise InvalidRequestError(f"a chat takes at most {MAX_CHAT} characters")
        return "repeatable" if self._is_repeatable else "none"

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:  # noqa: ARG002 -- of the port
        """Nobody can look."""
        raise UnavailableError(f"{self._name} does not show what it was sent")

    def send(self, posting: Posting, key: str) -> Delivered:
        """POST once."""
        body, headers = self._written(posting, key)
        try:
            reply = self._web.ask(
                "POST", "", headers=headers, body=body, secret_target=self._target
            )
        except UnavailableError as error:
            uncertain = bool(error.fields.get("reached"))
            raise UnavailableError(
                f"{self._name}: {error.message}", hint=error.hint, is_uncertain=uncertain
            ) from None
        except LimitedError:
            raise UnavailableError(
                f"{self._name} answers at such length that nobody reads it", is_uncertain=True
            ) from None
        if not 200 <= reply.status < 300:
            raise refusal(self._name, reply, self._now(), is_read=False)
        return Delivered(reference=key)

    def _written(self, posting: Posting, key: str) -> tuple[bytes, dict[str, str]]:
        headers = {"Content-Type": "application/json"}
        if self._is_chat:
            text = f"*{posting.subject}*\n{posting.text}" if posting.subject else posting.text
            return json.dumps({"text": _unlinked(text)}).encode(), headers
        told = {"id": key, "subject": posting.subject, "text": posting.text}
        if posting.ticket:
            told["ticket"] = posting.ticket
        body = canonical_bytes(told)
        headers |= {"webhook-id": key, "Idempotency-Key": key}
        if self._secret is not None:
            at = int(self._now().timestamp())
            headers["webhook-timestamp"] = str(at)
            headers["webhook-signature"] = sign(key, at, body, self._secret.reveal())
        return body, headers


def _unlinked(text: str) -> str:
    """Text as a chat shows it, in which nothing calls anybody or hides where a link leads."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _target_of(settings: Mapping[str, Json], secret: SecretValue | None) -> SecretValue:
    """The path of the chat's URL, which is all of it that is secret; its host is the granted one."""
    parts = urlsplit(secret.reveal() if secret else "")
    granted = str(settings["host"])
    granted = granted if "://" in granted else f"https://{granted}"
    if f"{parts.scheme}://{parts.netloc}" != granted or not parts.path.strip("/"):
        raise InvalidRequestError(
            f"the chat's URL does not begin with {granted}/",
            hint="make host in your grants file that of the URL, with its port; http://HOST where it is no https",
        )
    return SecretValue(parts.path + (f"?{parts.query}" if parts.query else ""))
