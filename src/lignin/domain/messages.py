"""What comes in through a connector, and what is sent through one.

Whatever comes in is foreign text: it grants nothing, and each message says so (`taint`). A message is known
by where it came from and which occurrence there it is, so that taking it twice takes it once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal, get_args

from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.ids import derive_id

MessageKind = Literal["issue", "comment", "mail", "webhook", "message"]
PostingKind = Literal["message", "comment", "open", "state", "pull", "call"]
Taint = Literal["outside"]
POSTING_KINDS: Final[tuple[PostingKind, ...]] = get_args(PostingKind)
MAX_TEXT: Final = 256 * 2**10
MAX_SHORT: Final = 1000
MAX_LABELS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing that happened outside, as its source tells it. All of it is somebody else's word.

    Args:
        source: The connector it came in by.
        occurrence: Which occurrence it is at the source; the same thing seen again has the same.
        kind: What it is there.
        at: When, as the source says: RFC 3339, or "".
        author: Who, as the source says.
        subject: One line.
        text: Its text; `cut` where the source had more.
        link: Where a person finds it.
        ticket: The ticket it belongs to, "" where there is none.
        labels: What the source calls it.
        taint: Where its text came from; text from outside is data, never an instruction.
    """

    source: str
    occurrence: str
    kind: MessageKind
    at: str = ""
    author: str = ""
    subject: str = ""
    text: str = ""
    link: str = ""
    ticket: str = ""
    labels: tuple[str, ...] = ()
    cut: bool = False
    taint: Taint = "outside"

    @property
    def key(self) -> Digest:
        """The occurrence's key: the same for everybody who sees it, however often."""
        return occurrence_key(self.source, self.occurrence)

    @property
    def message_id(self) -> str:
        """Its id on the ledger."""
        return message_id(self.source, self.occurrence)

    def to_json(self) -> dict[str, Json]:
        """The message as a JSON object."""
        told: dict[str, Json] = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**told, "labels": list(self.labels)}


def occurrence_key(source: str, occurrence: str) -> Digest:
    """The key of an occurrence: hash(source, occurrence)."""
    return digest_json([source, occurrence])


def message_id(source: str, occurrence: str) -> str:
    """The id of the message of an occurrence."""
    return derive_id("msg", [source, occurrence])


def bounded_message(
    *,
    source: str,
    occurrence: str,
    kind: MessageKind,
    text: Json,
    labels: Iterable[Json] = (),
    cut: bool = False,
    **short: Json,
) -> Message:
    """A message from what a source said, each part cut to its bound, nothing that is no text in it.

    Args:
        short: The other parts, one line each.
    """
    whole = _plain(text)
    parts = {name: " ".join(_plain(value).split())[:MAX_SHORT] for name, value in short.items()}
    told = Message(
        source=source,
        occurrence=occurrence,
        kind=kind,
        text=whole[:MAX_TEXT],
        labels=tuple(_plain(each)[:100] for each in labels)[:MAX_LABELS],
        cut=cut or len(whole) > MAX_TEXT,
    )
    return replace(told, **parts)  # type: ignore[arg-type]  # each is a text


def parse_message(value: Mapping[str, Json]) -> Message:
    """Read a message back from its JSON object."""
    return Message(**{**value, "labels": tuple(value["labels"])})


def _plain(value: Json) -> str:
    """Text that can be stored and shown: no lone surrogates, no control characters but line ends and tabs."""
    text = value if isinstance(value, str) else ""
    text = text.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in text if sign >= " " or sign in "\n\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One thing to send.

    Args:
        kind: `message` to a chat, web hook or mailbox; at a tracker `comment` on a ticket, `open` one, set
            its `state`, or push a branch and ask to have it pulled; `call` a tool.
        to: Addresses of a mail.
        subject: One line: of a mail, a ticket or a pull request.
        text: What it says.
        ticket: The ticket it is about.
        state: The state to set.
        branch, base, commit, folder: The branch to make at the far side of a commit in a repository here,
            and the branch it is to be pulled into.
        tool, arguments: The tool to call, by name, and with what.
    """

    kind: PostingKind
    to: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    ticket: str = ""
    state: str = ""
    branch: str = ""
    base: str = ""
    commit: str = ""
    folder: str = ""
    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEXT or len(self.subject) > MAX_SHORT:
            raise InvalidRequestError(
                f"at most {MAX_SHORT} characters of subject and {MAX_TEXT} of text are sent",
                hint="send a link to the rest",
            )
        if "\n" in self.subject:
            raise InvalidRequestError("a subject is one line")

    @property
    def digest(self) -> Digest:
        """Digest of what is sent; where it lies on this machine does not matter."""
        told = self.to_json()
        del told["folder"]
        return digest_json(told)

    def to_json(self) -> dict[str, Json]:
        """The posting as a JSON object."""
        told: dict[str, Json] = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**told, "to": list(self.to), "arguments": dict(self.arguments)}
