"""What every system under test does, whatever it is made of.

Subclass `SystemConformance` in a test module that has a `make` fixture: it returns a system that behaves
as named, made of other content where `content` is another. Needs pytest, which production code does not.

- `echo`: says the task's `say`, and the seed, as `{"say", "seed"}`.
- `crash`: fails of its own.
- `silent`: ends without a word.
- `count`: says how many files its folder holds, then leaves one there.
- `endless`: never ends; it is given a second.
- `loud`: says more than is kept.
"""

import json
from collections.abc import Callable, Mapping
from typing import Protocol

import pytest

from lignin.domain.codec import Json
from lignin.ports.system import MAX_SAID_BYTES, System
from lignin.ports.tools import Observation, ToolSpec


class Make(Protocol):
    """Makes a system that behaves as named."""

    def __call__(self, behaviour: str, content: str = "") -> System: ...


class NoTools:
    """A task without tools."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return {}

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:  # noqa: ARG002
        return Observation(error="unknown_tool", message=tool)


class SystemConformance:
    """Ends are told apart, runs share nothing, content has a digest."""

    can: frozenset[str] = frozenset({"echo", "crash", "silent", "count", "endless", "loud"})

    @pytest.fixture
    def require(self, make: Make) -> Callable[[str], System]:
        def made(behaviour: str) -> System:
            if behaviour not in self.can:
                pytest.skip(f"this kind of system cannot behave like that: {behaviour}")
            return make(behaviour)

        return made

    def test_it_hears_task_and_seed_and_what_it_says_comes_back(self, make: Make) -> None:
        run = make("echo").run({"say": "grüße"}, 7, NoTools())
        assert (run.ended, run.why) == ("done", "")
        assert json.loads(run.said) == {"say": "grüße", "seed": 7}

    def test_a_crash_is_its_own_and_says_why(self, make: Make) -> None:
        run = make("crash").run({}, 0, NoTools())
        assert run.ended == "crashed"
        assert run.why

    def test_silence_is_an_end(self, make: Make) -> None:
        run = make("silent").run({}, 0, NoTools())
        assert (run.ended, run.said.strip()) == ("done", b"")

    def test_runs_leave_nothing_for_each_other(self, require: Callable[[str], System]) -> None:
        system = require("count")
        first, second = (system.run({}, seed, NoTools()) for seed in (0, 1))
        assert first.ended == second.ended == "done"
        assert first.said == second.said

    def test_what_never_ends_is_ended_and_its_own_failure(
        self, require: Callable[[str], System]
    ) -> None:
        run = require("endless").run({}, 0, NoTools())
        assert run.ended == "crashed"
        assert run.why

    def test_what_says_too_much_is_its_own_failure(self, require: Callable[[str], System]) -> None:
        run = require("loud").run({}, 0, NoTools())
        assert run.ended == "crashed"
        assert len(run.said) <= MAX_SAID_BYTES

    def test_same_content_has_one_digest_and_other_content_another(self, make: Make) -> None:
        assert make("echo").digest == make("echo").digest
        assert make("echo").digest != make("crash").digest
        assert make("echo").digest != make("echo", content="other").digest
