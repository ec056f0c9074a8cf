"""`lignin_gate`: a pytest fixture that gates a change to an agent's prompts, tools or skills.

Owns how a decision of the gate ends a test. What is decided, and by which trials, is `gate prove`; what stands
is the agent as it was committed. Loaded by every run of pytest where Lignin is installed, so it imports
nothing before the fixture is used.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

if TYPE_CHECKING:
    from lignin.interfaces.sdk.client import Client
    from lignin.operations.context import Context
    from lignin.operations.gate_prove import Decided

Policy = Literal["fail", "pass", "skip"]
SINCE, UNDECIDED = "lignin_gate_since", "lignin_gate_undecided"
PROPERTY = "lignin_gate"
_XDIST_RUN = "PYTEST_XDIST_TESTRUNUID"
_CLIENT = pytest.StashKey["Client"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings."""
    parser.addini(SINCE, "lignin: the git revision that stands", default="HEAD")
    parser.addini(
        UNDECIDED, "lignin: what an undecided gate does: fail, pass or skip", "string", "fail"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "lignin_gate: decides a change by trials; set by its fixture"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what gates, so that `-m lignin_gate` runs that alone."""
    for item in items:
        if "lignin_gate" in getattr(item, "fixturenames", ()):
            item.add_marker("lignin_gate")


class Gate:
    """Decides whether the working tree's agent breaks nothing, or is what is claimed, against the one that stands."""

    def __init__(self, item: pytest.Item, client: "Client") -> None:
        self._item, self._client = item, client

    def __call__(
        self,
        system: str,
        *,
        since: str = "",
        incumbent: str = "",
        undecided: Policy | None = None,
        **asked: Any,
    ) -> "Decided | None":
        """The decision, where the change may pass; None where nothing changed.

        Args:
            system: The agent, as `gate prove --candidate` takes it, such as "python agent/main.py".
            since: The git revision that stands; default: `lignin_gate_since` of the settings.
            incumbent: Another system that stands, instead of the same one as of a revision.
            undecided: What an undecided gate does; default: `lignin_gate_undecided`.
            asked: What else `gate prove` takes: suite, target, must_pass, parallel, claim ... What is claimed by
                default is that nothing that works breaks; of a target, that it is better.

        Raises:
            LigninError: It cannot be decided, such as for want of cases.
        """
        from lignin.domain.errors import InvalidRequestError, LigninError
        from lignin.operations.gate_prove import Decided

        policy = self._policy(undecided)
        since = since or str(self._item.config.getini(SINCE))
        stands = incumbent or f"commit:{since}:{system}"
        asked.setdefault("claim", "better" if asked.get("target") else "no_regression")
        try:
            decided = self._client.asking(
                "gate.prove", Decided, incumbent=stands, candidate=system, **asked
            )
        except InvalidRequestError as error:
            if "same" in error.fields:
                self._tell(f"nothing changed in {system}: {error.message}; no trial was run")
                return None
            self._tell(f"not decided: {error.message}")
            raise
        except LigninError as error:
            self._tell(f"not decided: {error.message}")
            raise
        self._tell(_summary(decided))
        if decided.verdict == "accept" or (decided.verdict, policy) == ("undecided", "pass"):
            return decided
        told = _told(decided)
        if decided.verdict == "undecided" and policy == "skip":
            pytest.skip(told)
        pytest.fail(told, pytrace=False)

    def _policy(self, undecided: Policy | None) -> Policy:
        said = undecided or self._item.config.getini(UNDECIDED)
        if said not in ("fail", "pass", "skip"):
            raise pytest.UsageError(f"{UNDECIDED} is fail, pass or skip, not {said!r:.60}")
        return cast("Policy", said)

    def _tell(self, line: str) -> None:
        self._item.user_properties.append((PROPERTY, line))


@pytest.fixture
def lignin_gate(request: pytest.FixtureRequest) -> Gate:
    """Gate a change to an agent: `lignin_gate("python agent/main.py", suite="cases.jsonl")`.

    Fails the test with the gate's reasons where the change breaks what works, or is not what is claimed of
    it. Cases are the stored ones, or those of `suite`; trials are filed in the store of this machine.
    """
    return Gate(request.node, _client(request.config))


def _client(config: pytest.Config) -> "Client":
    if _CLIENT not in config.stash:
        from lignin.app import load_settings, open_context
        from lignin.interfaces.sdk.client import Client
        from lignin.interfaces.sdk.transport import LocalStore

        settings = load_settings(os.environ, config.invocation_params.dir)
        run = os.environ.get(_XDIST_RUN) or uuid.uuid4().hex

        @contextmanager
        def opened() -> "Iterator[Context]":
            with open_context(settings) as context:
                # Gates of one run are told together, whichever was decided last.
                yield replace(context, scope=replace(context.scope, correlation_id=run))

        client = Client(LocalStore(opened))
        config.stash[_CLIENT] = client
        config.add_cleanup(client.close)
    return config.stash[_CLIENT]


def _summary(decided: "Decided") -> str:
    gain = "no gain measured" if decided.gain is None else f"gain {decided.gain:+.1%}"
    gain += decided.told_interval()
    label = ", simulated" if decided.simulated else ""
    return (
        f"{decided.verdict}: {'; '.join(decided.reasons)}; {gain}, {len(decided.broken)} of "
        f"{decided.guarded} broken; {decided.trials} trials, {decided.paid} run now"
        f"{_cost(decided)}; {decided.decision}{label}"
    )


def _cost(decided: "Decided") -> str:
    for each in decided.savings:
        if each["column"] == "cost_microusd":
            return (
                f", a trial costs {each['after'] / 1e6:.4f} USD, before {each['before'] / 1e6:.4f}"
            )
    return ", which tell no cost"


def _told(decided: "Decided") -> str:
    return "\n".join(
        [
            f"the gate: {decided.to_text()}",
            "",
            f"lignin gate report {decided.decision} --markdown   tells it for a pull request",
        ]
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what every gate came to."""
    lines = list(_lines(terminalreporter))
    if lines:
        terminalreporter.section("lignin gate")
        for line in lines:
            terminalreporter.write_line(line)


def _lines(reporter: Any) -> Iterator[str]:
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, told in report.user_properties:
                    if name == PROPERTY:
                        yield f"{report.nodeid}: {told}"
