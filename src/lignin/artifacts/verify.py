"""Proving an artifact: plans the runs, has the sandbox make them, lets the checks judge.

Owns the verdict and its key. Keeps nothing: whoever calls stores the verification under `key`,
where `cacheable` allows it. The key covers all that decides the verdict, so an unchanged artifact
costs no run and a changed one makes anew only itself and its dependants.
"""

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from lignin.artifacts import plan
from lignin.artifacts.check import Check, Need, check_set_digest
from lignin.artifacts.detonation import DETONATION_VERSION
from lignin.artifacts.gather import Gathering, Subject, Suite
from lignin.artifacts.inputs import INPUTS_VERSION
from lignin.artifacts.kind import Kind
from lignin.artifacts.mutants import MUTANTS_VERSION
from lignin.domain.artifacts import Manifest, Tree
from lignin.domain.codec import Digest, Json, digest_bytes, digest_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.evidence import CheckResult, Verdict, join_verdicts
from lignin.domain.examples import Example, examples_digest
from lignin.ports.sandbox import Sandbox

Progress = Callable[[str], None]
STEPS: tuple[Need, ...] = (
    "files", "examples", "held_out", "repeats", "resumed", "tests", "inputs", "detonation", "mutants",
    "findings"
)  # fmt: skip
SCANNERS = ("ruff", "bandit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found.

    `reasons` are those of the checks that decided the verdict, each with its check's name; every
    check's own are in `results`.
    `runs` counts the runs made, `binding` is what answered their tool calls. Not `cacheable` where the sandbox had trouble: ask again later.
    """

    verdict: Verdict
    results: tuple[CheckResult, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    key: Digest
    tier: str
    policy_digest: Digest
    check_set_digest: Digest
    runs: int
    cacheable: bool
    binding: str = ""
    examples: Digest = ""

    @property
    def questions(self) -> tuple[str, ...]:
        """What no check refuses and a person should see before it is trusted."""
        return tuple(each for result in self.results for each in result.measured.get("ask", ()))

    def to_json(self) -> dict[str, Json]:
        """The verification as a JSON object."""
        body: dict[str, Json] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        body["results"] = [result.to_json() for result in self.results]
        return body | {"reasons": list(self.reasons), "notes": list(self.notes)}


class Verifier:
    """Verifies artifacts of known kinds in one sandbox with one set of checks.

    Args:
        sandbox: Makes the runs.
        checks: Every check that a kind may name.
        kinds: By name; a kind says which checks its artifacts must pass.
        scanners: Static readers to run where a kind names the check `static`.
        binding: What answers tool calls in that sandbox; without one an artifact that declares
            tools is unproven.
        lacking: Why nothing can be run here now, in words; then everything is unproven.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        checks: Iterable[Check],
        kinds: Mapping[str, Kind],
        *,
        scanners: tuple[str, ...] = SCANNERS,
        binding: str = "",
        lacking: str = "",
    ) -> None:
        self._sandbox = sandbox
        self._binding = binding
        self._lacking = lacking
        self._checks = {check.name: check for check in checks}
        self._kinds = kinds
        self._scanners = scanners

    def behind(
        self,
        wrap: Callable[[Sandbox], Sandbox],
        *,
        binding: str | None = None,
        lacking: str | None = None,
    ) -> "Verifier":
        """Return the same verifier over its sandbox wrapped in another."""
        return Verifier(
            wrap(self._sandbox),
            self._checks.values(),
            self._kinds,
            scanners=self._scanners,
            binding=self._binding if binding is None else binding,
            lacking=self._lacking if lacking is None else lacking,
        )

    def key(
        self,
        tree: Tree,
        examples: Iterable[Example],
        dependencies: Mapping[str, Tree] | None = None,
        tests: Iterable[Tree] = (),
    ) -> Digest:
        """Return the digest of everything that decides the verdict on an artifact.

        Raises:
            InvalidRequestError: The manifest is broken or of an unknown kind.
        """
        manifest = tree.manifest
        checks = self._checks_of(manifest)
        closure = {name: other.digest for name, other in (dependencies or {}).items()}
        return digest_json(
            {
                "artifact": tree.digest,
                "dependencies": closure,
                "tests": sorted(test.digest for test in tests),
                "examples": sorted({example.digest for example in examples}),
                "checks": check_set_digest(checks),
                "sandbox": self._sandbox.policy_digest,
                "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
                "generators": [
                    INPUTS_VERSION,
                    MUTANTS_VERSION,
                    DETONATION_VERSION,
                    digest_bytes(plan.guest_source()),
                    *([digest_bytes(plan.flow_source())] if manifest.kind == "workflow" else []),
                ],
                "scanners": list(self._scanners),
            }
        )

    def verify(
        self,
        tree: Tree,
        examples: Iterable[Example],
        *,
        dependencies: Mapping[str, Tree] | None = None,
        tests: Iterable[Tree] = (),
        progress: Progress | None = None,
    ) -> Verification:
        """Return the verdict on an artifact with every reason.

        Args:
            tree: The artifact.
            examples: All recorded examples; they are split here and nobody chooses how.
            dependencies: Every artifact that the tree needs in the sandbox, by name.
            tests: Test artifacts that are joined to it and count: run as its own tests.
            progress: Told each step before it is made.

        Raises:
            InvalidRequestError: The manifest or entry is broken, the kind unknown, a dependency
                missing, not the pinned version, or hidden by a folder of the tree.
        """
        known, others, joined = list(examples), dict(dependencies or {}), list(tests)
        manifest = tree.manifest
        checks = self._checks_of(manifest)
        plan.require_dependencies(manifest, others)
        if manifest.is_function:
            plan.split_entry(manifest)
        files, own = plan.mount_dependencies(tree, others), plan.find_test_files(manifest, tree)
        suites = [Suite(files=files, tests=own)] if own else []
        suites += [
            Suite(
                files=plan.mount_subject(test, tree, others),
                tests=plan.find_test_files(test.manifest, test),
            )
            for test in joined
        ]
        subject = Subject(
            tree=tree, files=files, dependencies=others, tests=own, suites=tuple(suites)
        )
        gathering = Gathering(self._sandbox, subject, known, tools=self._scanners)
        lacking = self._lacking
        if manifest.capabilities.tools and not self._binding:
            lacking = lacking or "nothing answers its tools: --recordings FILE, or --tools NAME"
        if lacking:
            results = tuple(_not_run(check, lacking) for check in checks)
        else:
            results = _judged(gathering, checks, progress or _silent)
        found = self._concluded(gathering, results, checks, self.key(tree, known, others, joined))
        return replace(found, examples=examples_digest(known))

    def _checks_of(self, manifest: Manifest) -> tuple[Check, ...]:
        kind = self._kinds.get(manifest.kind)
        if kind is None:
            known = ", ".join(sorted(self._kinds))
            raise InvalidRequestError(f"no kind {manifest.kind!r}; there are {known}")
        unknown = [name for name in kind.checks if name not in self._checks]
        if unknown:
            raise InvalidRequestError(
                f"kind {kind.name!r} asks for the unknown check {unknown[0]!r}"
            )
        return tuple(self._checks[name] for name in kind.checks)

    def _concluded(
        self,
        gathering: Gathering,
        results: tuple[CheckResult, ...],
        checks: tuple[Check, ...],
        key: Digest,
    ) -> Verification:
        verdict = join_verdicts(results)
        reasons = tuple(
            f"{result.check}: {reason}"
            for result in results
            if result.verdict == verdict != "pass" and not result.advisory
            for reason in result.reasons
        )
        return Verification(
            verdict=verdict,
            results=results,
            reasons=reasons,
            notes=gathering.observations.notes,
            key=key,
            tier=self._sandbox.tier,
            policy_digest=self._sandbox.policy_digest,
            check_set_digest=check_set_digest(checks),
            runs=gathering.runs,
            cacheable=not gathering.is_broken and not self._lacking,
            binding=self._binding,
        )


def _judged(
    gathering: Gathering, checks: tuple[Check, ...], progress: Progress
) -> tuple[CheckResult, ...]:
    """Make step after step and judge each check as soon as it can be, until one decides."""
    results: dict[str, CheckResult] = {}
    wanted = {need for check in checks for need in check.needs}
    for need in [step for step in STEPS if step in wanted]:
        progress(need)
        gathering.make(need)
        made = gathering.observations.made
        for check in checks:
            if check.name not in results and check.needs <= made:
                results[check.name] = check.judge(gathering.observations)
        if gathering.is_broken or any(_decides(result) for result in results.values()):
            break
    why = "the sandbox had trouble" if gathering.is_broken else "an earlier check had decided"
    return tuple(results.get(check.name) or _not_run(check, why) for check in checks)


def _decides(result: CheckResult) -> bool:
    return result.verdict == "fail" and not result.advisory


def _not_run(check: Check, why: str) -> CheckResult:
    result = CheckResult(check=check.name, verdict="inconclusive", reasons=(f"not run: {why}",))
    return replace(result, advisory=check.name == "static")


def _silent(_: str) -> None:
    """Tell nobody."""
