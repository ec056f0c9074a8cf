"""Finding code ends on every trajectory and takes nothing that was not written."""

from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.code import find_code

COMMANDS = st.lists(
    st.sampled_from(
        ["cat > f.py <<'E'\nprint(1)\nE\n", "python f.py a", "cd x", "&&", ";", "|", "\n", " ", "echo '",
         "apply_patch <<'P'\n*** Begin Patch\n*** Update File: f.py\n@@\n-print(1)\n+x\n*** End Patch\nP\n",
         "mv f.py g.py", "sed -i s/a/b/ f.py", "tee f.py", "python - <<E", "\nE\n", "edit 1:1\n", "$(", "> f.py"]
    ),
    max_size=8,
).map("".join)  # fmt: skip
VALUES = st.one_of(
    COMMANDS, st.integers(-3, 3), st.none(), st.lists(st.text(max_size=5), max_size=3)
)
KEYS = st.sampled_from(
    ["command", "cmd", "file_path", "path", "content", "old_string", "new_string", "edits", "input",
     "insert_line", "text", "new_str", "file_text", "workdir", "replace_all"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["Bash", "Write", "Edit", "MultiEdit", "apply_patch", "str_replace_editor", "insert", "create",
     "shell", "NotebookEdit", "Read", "python", "anything"]
)  # fmt: skip
CALLS = st.builds(
    ToolCall,
    call_id=st.just(""),
    name=NAMES,
    arguments=st.dictionaries(KEYS, VALUES, max_size=5),
    observation=st.one_of(st.none(), st.text(max_size=20)),
    is_error=st.sampled_from([None, True, False]),
)


@given(st.lists(CALLS, max_size=8))
def test_every_trajectory_can_be_read(calls):
    steps = tuple(Step(index=n, role="assistant", calls=(c,)) for n, c in enumerate(calls))
    one = Trajectory(source="", format="claude_code", session="S", steps=steps)
    first, again = find_code(one), find_code(one)
    assert first == again
    for snippet in first:
        assert snippet.text.strip()
        assert not (snippet.flaw and snippet.runs)
