"""Who acts, as the surroundings of a command tell."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lignin.artifacts.promotion import require_person
from lignin.domain.errors import DeniedError
from lignin.operations.settings import load_settings


def sub(tmp_path: Path, **environment: str) -> str:
    return load_settings({"LIGNIN_HOME": str(tmp_path), **environment}, tmp_path).actor.sub


@pytest.mark.parametrize(
    ("environment", "agent"),
    [
        ({"CLAUDECODE": "1"}, "agent:claude-code"),
        ({"CLAUDE_CODE_SESSION_ID": "5f3"}, "agent:claude-code"),
        ({"CODEX_THREAD_ID": "019"}, "agent:codex"),
    ],
)
def test_in_a_coding_agent_s_shell_it_is_the_agent_that_acts(
    tmp_path: Path, environment: Mapping[str, str], agent: str
) -> None:
    assert sub(tmp_path, **environment) == agent
    actor = load_settings({"LIGNIN_HOME": str(tmp_path), **environment}, tmp_path).actor
    with pytest.raises(DeniedError, match="only a person approves") as refused:
        require_person(actor, "approves")
    assert "LIGNIN_ACTOR" in refused.value.hint


def test_elsewhere_it_is_who_is_logged_in_or_named(tmp_path: Path) -> None:
    assert sub(tmp_path).startswith("user:")
    assert sub(tmp_path, CLAUDECODE="").startswith("user:")
    assert sub(tmp_path, CLAUDECODE="1", LIGNIN_ACTOR="user:ann") == "user:ann"
