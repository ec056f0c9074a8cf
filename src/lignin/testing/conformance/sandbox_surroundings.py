"""What every tier of the sandbox port does with the surroundings that a run is given.

Subclass `SurroundingsConformance` in a test module that has a `sandbox` fixture. Needs pytest, which
production code does not.
"""

import pytest

from lignin.domain.artifacts import File
from lignin.domain.errors import InvalidRequestError
from lignin.ports.sandbox import HOME_FOLDER, Sandbox, Surroundings
from lignin.testing.conformance.sandbox import call, command, effects

_NOTE = Surroundings(
    variables={"SHOE_SIZE": "43", "PATH": "/nowhere", "PYTHONHASHSEED": "9"},
    home={".notes/today": File(content=b"milk")},
)
_READ = "import os\n    return open(os.path.expanduser('~/.notes/today')).read()"


class SurroundingsConformance:
    """A home folder and variables where they are asked for, and none where not."""

    def test_home_and_variables_are_there_where_asked_for(self, sandbox: Sandbox) -> None:
        seen = call(sandbox, f"def f():\n    {_READ}", surroundings=_NOTE)
        assert seen.result == "milk"
        assert ("read", f"{HOME_FOLDER}/.notes/today") in effects(seen)
        shown = command(
            sandbox, "sh", "-c", "echo $SHOE_SIZE; cat ~/.notes/today", surroundings=_NOTE
        )
        assert shown.stdout == b"43\nmilk"

    def test_nothing_is_there_unasked(self, sandbox: Sandbox) -> None:
        shown = command(sandbox, "sh", "-c", 'echo "$SHOE_SIZE"; ls -A ~')
        assert shown.stdout == b"\n"

    def test_the_sandbox_keeps_its_own_variables(self, sandbox: Sandbox) -> None:
        shown = command(sandbox, "sh", "-c", "echo $PATH $PYTHONHASHSEED", surroundings=_NOTE)
        assert b"/nowhere" not in shown.stdout
        assert shown.stdout.endswith(b" 0\n")

    def test_what_any_program_leaves_in_the_home_folder_is_told(self, sandbox: Sandbox) -> None:
        text = "echo evil >> ~/.profile; rm ~/.notes/today"
        seen = effects(command(sandbox, "sh", "-c", text, surroundings=_NOTE))
        assert {
            ("write", f"{HOME_FOLDER}/.profile"),
            ("delete", f"{HOME_FOLDER}/.notes/today"),
        } <= seen

    def test_nothing_of_a_home_is_left_for_the_next_run(self, sandbox: Sandbox) -> None:
        command(sandbox, "sh", "-c", "echo x > ~/kept", surroundings=_NOTE)
        assert command(sandbox, "sh", "-c", "ls ~", surroundings=_NOTE).stdout == b""

    @pytest.mark.parametrize("name", ["", "A=B", "A\0B"])
    def test_a_variable_without_a_proper_name_is_refused(self, sandbox: Sandbox, name: str) -> None:
        with pytest.raises(InvalidRequestError):
            command(sandbox, "sh", "-c", ":", surroundings=Surroundings(variables={name: "x"}))

    def test_a_home_file_outside_the_home_is_refused(self, sandbox: Sandbox) -> None:
        outside = Surroundings(home={"../x": File(content=b"")})
        with pytest.raises(InvalidRequestError):
            command(sandbox, "sh", "-c", ":", surroundings=outside)
