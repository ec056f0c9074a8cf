"""What the hooks of agent clients ask the store for: a session starts, a session's transcript is taken in.

What is shown before a tool is `surfacing`'s, without the store; streams and exit codes are
`interfaces.clienthooks`'. What a client says is data: it names one transcript, and nothing it says is run.
"""

from collections.abc import Mapping
from pathlib import Path

from lignin.artifacts.projects.install import Project
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, LigninError, NotFoundError
from lignin.domain.events import NewEvent
from lignin.domain.ids import derive_id
from lignin.operations.context import Context
from lignin.operations.intake import take_files
from lignin.operations.lessonboard import board_of, renew_board
from lignin.operations.skill import serve
from lignin.operations.skill_models import SkillServe

TRANSCRIPT_ENDS = frozenset({".jsonl", ".json"})


def start_session(context: Context, client: str) -> str:
    """Renew what a session finds: the lessons and, where `init` began them, its skills.

    Returns:
        What went wrong with the skills; "" for nothing.
    """
    renew_board(context)
    board_of(context).forget_old()
    runs = Project(context.cwd, context.home).record().runs
    if not any(client in run.clients for run in runs):
        return ""
    request = SkillServe(folder=".", client=[client], head="main", personal=False, force=False)
    try:
        serve(context, request)
    except NotFoundError:
        return ""  # there is no head yet
    except LigninError as error:
        return f"skills were not renewed: {error.message}"
    return ""


def take_transcript(context: Context, client: str, said: Mapping[str, Json]) -> str:
    """Take in the transcript that a client names, redacted, and what the session was shown.

    Returns:
        What was refused; "" for nothing.

    Raises:
        InvalidRequestError: What it names is no transcript.
    """
    session = said.get("session_id")
    if isinstance(session, str) and session:
        _note_shown(context, client, session)
    named = said.get("transcript_path")
    if not isinstance(named, str) or not named:
        return "the client names no transcript"
    path = context.path(named)
    if path.suffix not in TRANSCRIPT_ENDS or not path.is_file():
        raise InvalidRequestError(f"{path} is no transcript")
    passed: dict[Path, str] = {}
    files = [file for file, _ in take_files(context, [str(path)], mine=False, not_read=passed)]
    return "; ".join([*(file.refused for file in files if file.refused), *passed.values()])


def _note_shown(context: Context, client: str, session: str) -> None:
    """Every lesson that a session was shown joins the ledger once."""
    for each in board_of(context).shown(client, session):
        stream = f"surfacing/{derive_id('srf', [client, session, each['lesson']])}"
        with context.view() as view:
            if view.row(stream) is not None:
                continue
        event = NewEvent(
            stream=stream,
            type="lesson.surfaced",
            payload={
                "lesson": each["lesson"],
                "client": client,
                "session": session,
                "tool": str(each.get("tool", "")),
            },
            event_id=context.ids.new("evt"),
        )
        key = f"surface/{stream}"
        context.commit(context.scope.change(events=(event,), idempotency_key=key))
