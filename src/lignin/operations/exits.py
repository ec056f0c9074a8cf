"""What a run may reach: in a call the real thing, in a verification a stand-in for it.

A call of a promoted version reaches the hosts, secrets and tool servers that its manifest declares and
the user granted. A verification reaches no host and no secret, and asks a real tool server to read at
most. What is not declared is refused in both by the same broker.
"""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lignin.artifacts.canaries import planted_value
from lignin.artifacts.recordings import MAX_BYTES, Recorded, parse_recording
from lignin.artifacts.store import load_recording, trusted_givers
from lignin.domain.artifacts import Capabilities, File, Manifest
from lignin.domain.codec import Digest, digest_bytes, digest_json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import Blob, Change, NewEvent
from lignin.domain.states import Row
from lignin.governance.broker import Broker
from lignin.governance.brokered import BrokeredSandbox
from lignin.governance.laws.grants import SecretGrant, ServerGrant, parse_grants, parse_servers
from lignin.governance.laws.scrubbing import MIN_SIGNS
from lignin.governance.proxy import CredentialProxy, Outside
from lignin.operations.choice import Verb, find
from lignin.operations.context import Context
from lignin.operations.handover import refuse_secrets
from lignin.ports.broker import Binding, BoundTools, SecretValue, ToolServer
from lignin.ports.ledger import View
from lignin.ports.sandbox import Sandbox
from lignin.ports.tools import ToolSpec

REAL_STATES = frozenset({"promoted", "deprecated"})
SERVER = "server:"
PATIENCE_S = 30.0
_DESK = re.compile(r"desk(?::(\d{1,9}))?")
_STAND_IN_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The way out of one artifact's runs.

    `name` says what answers its tool calls, as it is kept with the evidence; empty: nothing does.
    `sink` ends the requests of runs among planted secrets; without one they have no way out at all.
    `patience_s` is what a run is given above its own time where something real is asked. `known` are
    the credentials that a tool server was given or might be, which no answer may hold.
    """

    name: str
    capabilities: Capabilities
    binding: Binding | None
    outside: Outside | None
    sink: Outside | None = None
    grants: Mapping[str, SecretGrant] = field(default_factory=dict)
    recording: Digest | None = None
    patience_s: float = 0.0
    known: tuple[SecretValue, ...] = ()

    @property
    def digest(self) -> Digest:
        """Digest of what decides the answers."""
        grants = {name: grant.model_dump(mode="json") for name, grant in self.grants.items()}
        return digest_json([self.binding and self.binding.digest, self.recording, grants])

    def open_broker(self, is_planted: bool) -> Broker:
        """Return the broker of one run; among planted secrets it reaches nothing real."""
        outside = self.sink if is_planted else self.outside
        proxy = None
        if outside is not None:
            proxy = CredentialProxy(self.capabilities, self.grants, outside)
        return Broker(self.capabilities, binding=self.binding, proxy=proxy, known=self.known)

    def around(self, sandbox: Sandbox) -> Sandbox:
        """Return the sandbox with this way out of it."""
        return BrokeredSandbox(
            sandbox, self.open_broker, binding_digest=self.digest, patience_s=self.patience_s
        )


def exit_of_call(context: Context, row: Row, manifest: Manifest, *, tools: str) -> Exit | None:
    """The way out of a call; None where the manifest declares nothing outside.

    Args:
        tools: What answers the tool calls: `desk`, `desk:SEED`, or a server of the grants file; by
            default the only server there.

    Raises:
        DeniedError: It would reach something real, and is not promoted, or this is a dry run.
        UnavailableError: It declares tools and nothing answers them.
    """
    declared = manifest.capabilities
    _require_wanted(declared, tools)
    if not _reaches_out(declared):
        return None
    is_real = bool(declared.hosts or declared.secrets)
    if declared.tools and not _DESK.fullmatch(tools):
        is_real = True
    if is_real:
        _require_real(context, row)
    name, binding = _bound(context, tools, reads_only=False) if declared.tools else ("", None)
    outside = None
    if declared.hosts or declared.secrets:
        exits = context.open_exits()
        outside = Outside(
            transport=exits.transport(),
            vault=exits.vault(),
            monotonic=exits.monotonic,
            entropy=exits.entropy,
        )
    return Exit(
        name=name,
        capabilities=declared,
        binding=binding,
        outside=outside,
        grants=_granted(context, declared),
        patience_s=PATIENCE_S if is_real else 0.0,
        known=_known(context, name),
    )


def exit_of_verification(
    context: Context, view: View, row: Row, manifest: Manifest, *, tools: str = ""
) -> Exit | None:
    """The way out of a verification's runs; None where the manifest declares nothing outside.

    Tool calls are answered by what is named, else by the recording kept with the version, else by the
    practice desk where the last verification was. Requests are answered by the recording alone, among
    planted secrets by `{}` where that has none; a secret is a planted one, which only goes where the
    grant lets the real one go.

    Raises:
        UnavailableError: Nothing answers the tools of a version that was proven once.
    """
    declared = manifest.capabilities
    _require_wanted(declared, tools)
    if not _reaches_out(declared):
        return None
    recorded = load_recording(view, row.body["digest"], trusted_givers(view, row))
    name, binding = "", None
    if declared.tools:
        name, binding = _stand_in(context, recorded, tools or _desk_before(view, row, recorded))
        if binding is None and row.state != "draft":
            raise UnavailableError(
                f"nothing answers the tools of {row.body['name']}, so its evidence is left as it is",
                hint="--recordings FILE, or --tools NAME as when it was proven",
            )
    exits = context.open_exits()
    exchanges = recorded.exchanges if recorded else ()
    outside = Outside(
        transport=exits.replay(exchanges),
        vault=_PlantedVault(exits.entropy(_STAND_IN_BYTES).hex()),
        monotonic=exits.monotonic,
        entropy=exits.entropy,
    )
    return Exit(
        name=name,
        capabilities=declared,
        binding=binding,
        outside=outside,
        sink=replace(outside, transport=exits.replay(exchanges, is_sink=True)),
        grants=_granted(context, declared),
        recording=recorded.digest if recorded else None,
        patience_s=PATIENCE_S if name.startswith(SERVER) else 0.0,
        known=_known(context, name),
    )


def named_tools(context: Context, name: str) -> Mapping[str, ToolSpec]:
    """The contracts of the tools that `desk`, `desk:SEED` or a server of the grants file has."""
    return _bound(context, name, reads_only=True)[1].begin().tools


def bound_tools(context: Context, name: str) -> BoundTools:
    """The tools of the desk or of a server of the grants file, to call: that it is there is the grant."""
    return _bound(context, name, reads_only=False)[1].begin()


def read_recording(context: Context, named: str) -> bytes:
    """Return the bytes of a recording that a caller named; it parses and holds no secret.

    Raises:
        NotFoundError: No such file.
        InvalidRequestError: It does not parse, or holds a secret.
        LimitedError: Too large.
    """
    path: Path = context.path(named)
    if not path.exists():
        raise NotFoundError(f"{path} does not exist", hint="name a file of recorded calls")
    if not path.is_file():
        raise InvalidRequestError(f"{path} is no plain file", hint="name a file of recorded calls")
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise LimitedError(f"{path} has more than {MAX_BYTES} bytes, which a recording may have")
    parse_recording(raw)
    refuse_secrets({path.name: File(content=raw)}, None, context.redaction_key)
    return raw


def with_recording(context: Context, name: str, named: str, verb: Verb = "verify") -> Row:
    """Return the version of a name, where a recording is named with that kept as what proves it.

    Raises:
        DeniedError: The caller is none whose recordings count.
    """
    raw = read_recording(context, named) if named else None
    with context.view() as view:
        row = find(context, view, name, verb)
        givers = trusted_givers(view, row)
    if raw is not None:
        if context.scope.actor.sub not in givers:
            raise DeniedError(
                f"{context.scope.actor.sub} gives no recordings of {row.body['name']}",
                hint="its owner, the successor and who captured it first do",
            )
        context.commit(recording_change(context, row.body["digest"], raw))
    return row


def recording_change(context: Context, digest: Digest, raw: bytes) -> Change:
    """The change that notes a recording, with who gave it."""
    stream = f"recording/{digest}"
    blob = Blob(stream=stream, digest=digest_bytes(raw), content=raw)
    event = NewEvent(
        stream=stream,
        type="recording.added",
        payload={"blob": blob.digest, "by": context.scope.actor.sub},
        event_id=context.ids.new("evt"),
    )
    return context.scope.change(events=(event,), blobs=(blob,))


class _PlantedVault:
    """Gives a planted secret for every real one, which a verification never holds."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def read(self, *, variable: str, file: str) -> SecretValue:
        return SecretValue(planted_value(f"{self._seed} {variable} {file}"))


def _reaches_out(declared: Capabilities) -> bool:
    return bool(declared.tools or declared.hosts or declared.secrets)


def _require_wanted(declared: Capabilities, tools: str) -> None:
    if tools and not declared.tools:
        raise InvalidRequestError(
            "it declares no tool, so nothing can answer one",
            hint="declare it by name and digest in capabilities.tools (`lignin tool list`)",
        )


def _require_real(context: Context, row: Row) -> None:
    if row.state not in REAL_STATES:
        raise DeniedError(
            f"{row.body['name']} is {row.state}: only what is promoted reaches real hosts, secrets "
            "and tool servers",
            hint="promote it first, or answer its tools by the practice desk: --tools desk",
        )
    if context.dry_run:
        raise DeniedError("a dry run reaches nothing real, and this call would")


def _granted(context: Context, declared: Capabilities) -> Mapping[str, SecretGrant]:
    """The grants of the declared secrets; the file is not read where none is declared."""
    if not declared.secrets:
        return {}
    grants = parse_grants(context.open_exits().read_grants())
    return {name: grants[name] for name in declared.secrets if name in grants}


def _known(context: Context, name: str) -> tuple[SecretValue, ...]:
    """What the user's tool servers and grants hold, where a real server answers.

    What is too short to be told from other text is left out, and what cannot be read now.
    """
    if not name.startswith(SERVER):
        return ()
    exits = context.open_exits()
    text, vault = exits.read_grants(), exits.vault()
    places = [
        (variable, "") for each in parse_servers(text).values() for variable in each.variables
    ]
    places += [(grant.variable, grant.file) for grant in parse_grants(text).values()]
    found = []
    for variable, file in dict.fromkeys(places):
        with contextlib.suppress(UnavailableError):
            found.append(vault.read(variable=variable, file=file))
    return tuple(each for each in found if len(each.reveal()) >= MIN_SIGNS)


def _bound(context: Context, tools: str, *, reads_only: bool) -> tuple[str, Binding]:
    desk = _DESK.fullmatch(tools)
    if desk:
        from lignin.practice.desk import PracticeDesk

        seed = int(desk.group(1) or 1)
        return f"desk:{seed}", context.open_exits().live(lambda: PracticeDesk(seed))
    servers = parse_servers(context.open_exits().read_grants())
    name = tools or (next(iter(servers)) if len(servers) == 1 else "")
    if not name:
        raise UnavailableError(
            "it declares tools and nothing answers them",
            hint=f"--tools NAME, of {', '.join(['desk', *servers])}",
        )
    if name.startswith("desk:"):
        raise InvalidRequestError(
            f"the practice desk has no {name.removeprefix('desk:')!r}", hint="desk:SEED, a number"
        )
    if name not in servers:
        raise NotFoundError(
            f"no tool server {name!r} in your grants file",
            hint=f"there are {', '.join(['desk', *servers])}",
        )
    made = context.open_exits().server(tool_server(name, servers[name]), reads_only=reads_only)
    return f"{SERVER}{name}", made


def tool_server(name: str, granted: ServerGrant) -> ToolServer:
    """A granted server as the broker reaches it."""
    return ToolServer(
        name=name,
        command=tuple(granted.command),
        variables=tuple(granted.variables),
        url=granted.url,
        timeout_s=granted.timeout_s,
    )


def _stand_in(
    context: Context, recorded: Recorded | None, tools: str
) -> tuple[str, Binding | None]:
    if tools:
        return _bound(context, tools, reads_only=True)
    if recorded is None:
        return "", None
    binding = context.open_exits().recorded(recorded.recording, recorded.tools, recorded.keys)
    return binding.name, binding


def _desk_before(view: View, row: Row, recorded: Recorded | None) -> str:
    """The practice desk that answered last time; a real server is asked only where it is named."""
    evidence = view.row(f"evidence/{row.body['digest']}")
    if evidence is None or recorded is not None:
        return ""
    last = str(evidence.body["latest"].get("verification", {}).get("binding", ""))
    return last if _DESK.fullmatch(last) else ""
