"""Making the runs of one verification and keeping what was seen. Owns no judgement.

Each step (`Need`) makes its runs a few at a time and stops at the first that ends in a limit: one
hang is reason enough, and each costs seconds. Trouble of the sandbox is tried once more; if it
stays, nothing further is run and nothing is blamed.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import takewhile

from lignin.artifacts import plan
from lignin.artifacts.check import (
    DetonationRun,
    ExampleRun,
    InputRun,
    MutantRun,
    Need,
    Observations,
    RepeatRun,
)
from lignin.artifacts.detonation import plan_detonation
from lignin.artifacts.in_turn import read_in_turn
from lignin.artifacts.inputs import make_call_inputs, make_command_inputs
from lignin.artifacts.mutants import make_mutants
from lignin.artifacts.scan import scan_sources
from lignin.artifacts.sink import Sink
from lignin.artifacts.suite import is_test_file, join_runs, suite_faults
from lignin.domain.artifacts import File, Tree
from lignin.domain.examples import MIN_EXAMPLES, Example, split_examples
from lignin.ports.sandbox import Effect, Execution, Observed, RequestHandler, Sandbox

MAX_EXAMPLES_RUN = 60
MAX_REPEATED = 8
MAX_RESUMED = 4
MAX_TOGETHER_CPU_S = 1.0
MAX_TOGETHER_ASKING_S = 1.5
MUTANTS = 20
MUCH_BYTES = 16 * 2**20
MANY_FILES = 500
AMOUNT = "amount"
PATIENCE = 2  # a run that was starved has so many times its time when it is made again


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Test files among the files they run in: the artifact's own, or those of a test artifact."""

    files: Mapping[str, File]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is verified, laid out for the sandbox.

    `tests` are the test files among its own; `suites` all that is run to test it.
    """

    tree: Tree
    files: Mapping[str, File]
    dependencies: Mapping[str, Tree]
    tests: tuple[str, ...]
    suites: tuple[Suite, ...] = ()

    @property
    def seed(self) -> str:
        """What every choice among inputs and mutants hangs on."""
        return self.tree.digest


class Gathering:
    """The observations of one verification while they are made."""

    def __init__(
        self,
        sandbox: Sandbox,
        subject: Subject,
        examples: Sequence[Example],
        *,
        tools: Sequence[str],
    ) -> None:
        visible, held_out = split_examples(examples)
        self._sandbox = sandbox
        self._subject = subject
        self._tools = tools
        self._workers = max(1, min(4, os.cpu_count() or 1))
        self.runs = 0
        self.is_broken = False
        self.observations = Observations(
            manifest=subject.tree.manifest,
            tree=subject.tree,
            sources=_texts(subject.tree),
            visible=visible,
            held_out=held_out,
            has_tests=bool(subject.suites),
        )
        self._steps: Mapping[Need, Callable[[], Observations]] = {
            "files": lambda: self.observations,
            "examples": self._run_visible,
            "held_out": self._run_held_out,
            "repeats": self._run_repeats,
            "resumed": self._run_resumed,
            "tests": self._run_tests,
            "inputs": self._run_inputs,
            "detonation": self._detonate,
            "mutants": self._run_mutants,
            "findings": self._read_sources,
        }

    def make(self, need: Need) -> None:
        """Make one step; afterwards it is among `observations.made`."""
        gathered = self._steps[need]()
        self.observations = replace(gathered, made=gathered.made | {need})

    def _run_visible(self) -> Observations:
        cases = self.observations.visible[: MAX_EXAMPLES_RUN * 2 // 3]
        return replace(self.observations, visible_runs=self._run_examples(cases))

    def _run_held_out(self) -> Observations:
        cases = self.observations.held_out[: MAX_EXAMPLES_RUN // 3]
        return replace(self.observations, held_out_runs=self._run_examples(cases))

    def _run_examples(self, cases: Sequence[Example]) -> tuple[ExampleRun, ...]:
        seen = self._run_all([self._planned(case) for case in cases])
        pairs = zip(cases, seen, strict=False)
        return tuple(ExampleRun(example=case, observed=observed) for case, observed in pairs)

    def _planned(self, use: Example, variant: plan.Variant = plan.BASE) -> Execution:
        return plan.plan_run(self.observations.manifest, self._subject.files, use, variant)

    def _run_repeats(self) -> Observations:
        runs = (*self.observations.visible_runs, *self.observations.held_out_runs)
        base = [run for run in runs if run.observed.status == "exited"][:MAX_REPEATED]
        made: list[RepeatRun] = []
        slow: list[ExampleRun] = []
        for variant in plan.EXTREMES:
            repeated = self._repeat(base, variant)
            made += repeated
            slow += [run for run, again in zip(base, repeated, strict=False) if _hung(again)]
        if slow:
            left = {run.example.digest: run for run in slow}
            made += self._repeat(list(left.values()), plan.MODERATE)
        if self._is_plain:
            made += self._call_in_turn(base)
        return replace(self.observations, repeats=tuple(made))

    @property
    def _is_plain(self) -> bool:
        """Whether several inputs can be put to it in one process: a workflow's runs have one each."""
        return self.observations.manifest.kind == "program"

    def _run_resumed(self) -> Observations:
        """Kill a workflow after every step of a few examples, the longest ones first."""
        runs = (*self.observations.visible_runs, *self.observations.held_out_runs)
        ended = [run for run in runs if run.observed.status == "exited"]
        longest = sorted(ended, key=lambda run: -len(run.observed.effects))[:MAX_RESUMED]
        return replace(self.observations, resumed=tuple(self._repeat(longest, plan.KILLED)))

    def _repeat(self, base: Sequence[ExampleRun], variant: plan.Variant) -> list[RepeatRun]:
        planned = [self._planned(run.example, variant) for run in base]
        return _repeats(base, self._run_all(planned), variant.name)

    def _call_in_turn(self, base: Sequence[ExampleRun]) -> list[RepeatRun]:
        """Call all examples without work files in one process, which shows state that is kept."""
        plain = [run for run in base if not run.example.files]
        if not plain or not _may_share([run.observed for run in plain]):
            return []
        uses = [run.example for run in plain]
        manifest, files = self.observations.manifest, self._subject.files
        seen = self._run_once(plan.plan_in_turn(manifest, files, uses))
        # The process ran code that could have changed the caller: its answer is read as foreign.
        answers = seen.result if isinstance(seen.result, list) else []
        heard = [replace(seen, result=each) for each in answers]
        return _repeats(plain, heard or [seen], plan.IN_TURN)

    def _run_inputs(self) -> Observations:
        now = self.observations
        if now.is_call:
            texts = [text for path, text in now.sources.items() if path.endswith(".py")]
            schema = now.manifest.interface.input
            inputs = make_call_inputs(schema, now.examples, texts, seed=self._subject.seed)
        else:
            # With other words a script asks its programs for what no recorded answer is known of.
            plain = [each for each in now.examples if not each.answers]
            inputs = make_command_inputs(plain, seed=self._subject.seed)
            if count := len(now.examples) - len(plain):
                told = f"no inputs were generated from {count} examples: "
                now = replace(
                    now, notes=(*now.notes, f"{told}what their programs would answer is not known")
                )
        first = self._run_all([self._planned(made.use) for made in inputs])
        unanswered = tuple(
            InputRun(input=made, observed=seen)
            for made, seen in zip(inputs, first, strict=False)
            if seen.misses
        )
        if unanswered:
            told = f"{len(unanswered)} of {len(inputs)} generated inputs were set aside: "
            now = replace(
                now,
                unanswered=unanswered,
                notes=(*now.notes, f"{told}their tool calls have no recorded answer"),
            )
            aside = {id(run.input) for run in unanswered}
            inputs = tuple(made for made in inputs if id(made) not in aside)
            first = [seen for seen in first if not seen.misses]
        whole = len(first) == len(inputs) and all(seen.status == "exited" for seen in first)
        # After a run that ended in a limit the verdict stands; a second pass would add nothing.
        uses = [made.use for made in inputs]
        second = [*(self._run_again(uses, first) if whole else ()), *[None] * len(inputs)]
        triples = zip(inputs, first, second, strict=False)
        runs = tuple(InputRun(input=made, observed=a, again=b) for made, a, b in triples)
        return replace(now, inputs=runs)

    def _run_again(
        self, uses: Sequence[Example], first: Sequence[Observed]
    ) -> Sequence[Observed | None]:
        """Make inputs once more; those of a function in one process where that can be told.

        One process costs a fortieth of the runs and shows kept state too. Slow functions would
        reach its limit together, so theirs are made one by one.
        """
        together = self._is_plain and _may_share(first)
        if together and sum(run.cpu_s for run in first) < MAX_TOGETHER_CPU_S:
            manifest, files = self.observations.manifest, self._subject.files
            seen = self._run_once(plan.plan_in_turn(manifest, files, uses, plan.MODERATE))
            again = read_in_turn(seen, first)
            if again is not None:
                return again
        return self._run_all([self._planned(use, plan.MODERATE) for use in uses])

    def _run_tests(self) -> Observations:
        suites = self._subject.suites
        if not suites:
            return self.observations
        # A test must not hang on the day; a program whose own tests do is not refused for that.
        is_test = self.observations.manifest.kind == "test"
        variants = plan.TEST_VARIANTS if is_test else plan.TEST_SEEDS
        planned = [
            plan.plan_tests(suite.files, suite.tests, variant=variant)
            for variant in variants
            for suite in suites
        ]
        seen = self._run_all(planned)
        joined = [join_runs(seen[at : at + len(suites)]) for at in range(0, len(seen), len(suites))]
        return replace(self.observations, tests=tuple(joined))

    def _detonate(self) -> Observations:
        suites = [(suite.files, suite.tests) for suite in self._subject.suites]
        planned = plan_detonation(self.observations, self._subject.files, suites)
        sinks = [Sink(one.canaries) for one in planned]
        with ThreadPoolExecutor(self._workers) as pool:
            seen = list(
                pool.map(
                    lambda one, sink: self._run_once(one.execution, sink.handle), planned, sinks
                )
            )
        runs = tuple(
            DetonationRun(
                around=one.around,
                use=one.use,
                what=one.what,
                observed=observed,
                canaries=one.canaries,
                requests=tuple(sink.requests),
            )
            for one, observed, sink in zip(planned, seen, sinks, strict=True)
        )
        return replace(self.observations, detonation=runs)

    def _run_mutants(self) -> Observations:
        """Seed faults into what the tests test, where their worth matters and they pass at all."""
        now, subject = self.observations, self._subject
        is_test = now.manifest.kind == "test"
        needed = is_test or len(now.examples) < MIN_EXAMPLES
        if not needed or not now.tests or suite_faults(now.tests):
            return now
        made = [
            (f"{path} {mutant.what}", text, mutant.source)
            for path, text in self._mutable().items()
            for mutant in make_mutants(text, count=MUTANTS, seed=f"{subject.seed}{path}")
        ]
        made = made[:: max(1, -(-len(made) // MUTANTS))]
        suites = subject.suites
        planned = [
            plan.plan_tests(
                plan.replaced(suite.files, text, source), suite.tests, limits=plan.MUTANT_LIMITS
            )
            for _, text, source in made
            for suite in suites
        ]
        seen = self._run_all(planned, stops=False)
        groups = [seen[at : at + len(suites)] for at in range(0, len(seen), len(suites))]
        runs = tuple(
            MutantRun(what=what, observed=join_runs(group))
            for (what, _, _), group in zip(made, groups, strict=False)
        )
        return replace(now, mutants=runs)

    def _mutable(self) -> dict[str, str]:
        """Return the Python sources under test by path.

        Of a program its own; of a test its dependencies', else the code that it carries.
        """
        subject = self._subject
        own = {
            path: text
            for path, text in _texts(subject.tree).items()
            if path.endswith(".py") and path not in subject.tests and not is_test_file(path)
        }
        if self.observations.manifest.kind != "test" or not subject.dependencies:
            return own
        found = {}
        for name, tree in sorted(subject.dependencies.items()):
            for path, text in _texts(tree).items():
                if path.endswith(".py") and not is_test_file(path):
                    found[f"{plan.folder_of(name)}/{path}"] = text
        return found

    def _read_sources(self) -> Observations:
        findings, notes = scan_sources(self.observations.sources, self._tools)
        now = self.observations
        return replace(now, findings=findings, notes=now.notes + notes)

    def _run_all(self, planned: Sequence[Execution], *, stops: bool = True) -> list[Observed]:
        """Make runs in order, a few at a time; the answer is shorter where a run stopped them."""
        stopped = threading.Event()

        def run(execution: Execution) -> Observed | None:
            if stopped.is_set():
                return None
            observed = self._run_once(execution)
            if self.is_broken or (stops and (_is_cut(observed) or _is_greedy(observed))):
                stopped.set()
            return observed

        with ThreadPoolExecutor(self._workers) as pool:
            seen = list(pool.map(run, planned))
        return [observed for observed in takewhile(lambda each: each is not None, seen) if observed]

    def _run_once(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        observed = self._run(execution, broker)
        # A run that had little of the processor was starved by its neighbours, or sleeps.
        starved = observed.status == "timeout" and observed.cpu_s < execution.limits.wall_s / 3
        if starved:
            limits = replace(execution.limits, wall_s=PATIENCE * execution.limits.wall_s)
            observed = self._run(replace(execution, limits=limits), broker)
        elif observed.status == "infrastructure" and not observed.misses:
            observed = self._run(execution, broker)
        if observed.status == "infrastructure" and not observed.misses:
            self.is_broken = True
        return observed

    def _run(self, execution: Execution, broker: RequestHandler | None) -> Observed:
        self.runs += 1
        try:
            return _bounded(self._sandbox.run(execution, broker))
        except OSError as error:
            return Observed(status="infrastructure", tier=self._sandbox.tier, message=str(error))


def _bounded(observed: Observed) -> Observed:
    """A run without what it wrote where that is more than any input here explains; an effect says so.

    Dozens of runs are kept in memory together.
    """
    size = sum(map(len, observed.written.values()))
    if size <= MUCH_BYTES and len(observed.written) <= MANY_FILES:
        return observed
    amount = Effect(kind=AMOUNT, target=f"{size // 2**20} MB in {len(observed.written)} files")
    return replace(observed, written={}, effects=(*observed.effects, amount))


def _is_greedy(observed: Observed) -> bool:
    return any(effect.kind == AMOUNT for effect in observed.effects)


def _is_cut(observed: Observed) -> bool:
    return observed.status != "exited" and not observed.misses


def _may_share(runs: Sequence[Observed]) -> bool:
    """True where the same calls may be made in turn in one process, twice over.

    Not where they change something outside, which the next would find, nor where what they ask is
    so slow that one run's time would not do for all.
    """
    asking_s = sum(run.wall_s for run in runs if run.told)
    return asking_s < MAX_TOGETHER_ASKING_S and not any(run.changes for run in runs)


def _hung(run: RepeatRun) -> bool:
    return run.observed.status == "timeout"


def _repeats(base: Sequence[ExampleRun], seen: Sequence[Observed], variant: str) -> list[RepeatRun]:
    return [
        RepeatRun(example=run.example, base=run.observed, observed=observed, variant=variant)
        for run, observed in zip(base, seen, strict=False)
    ]


def _texts(tree: Tree) -> dict[str, str]:
    """Return the files of a tree that are UTF-8 text."""
    texts = {}
    for path, file in tree.files.items():
        try:
            texts[path] = file.content.decode()
        except UnicodeDecodeError:
            continue
    return texts
