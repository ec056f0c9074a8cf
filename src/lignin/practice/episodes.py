"""Plans how an agent writes a helper and uses it within a session. Pure, seeded."""

import json
import random
from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.practice.inputs import INPUTS, SCRIPT_ARGUMENTS, make_export
from lignin.practice.scrapbook import Scrap, Variant
from lignin.practice.steps import EditStep, ReadStep, SayStep, ShellStep, Step, WriteStep
from lignin.practice.workbench import RunAct

_OPENINGS = (
    "I will need this more than once, so I write a small helper.",
    "Doing this by hand is error-prone; a short script is better.",
    "Let me put that into a helper file.",
)


def helper_path(scrap: Scrap, variant: Variant) -> str:
    """Where a helper lies in its session, relative to the work folder."""
    folder = "scripts" if scrap.mode == "script" else "helpers"
    return f"{folder}/{scrap.named(variant)}.{scrap.suffix}"


def plan_episode(scrap: Scrap, variant: Variant, uses: int, rng: random.Random) -> list[Step]:
    """Return the steps of writing one helper and using it.

    Args:
        scrap: Which helper.
        variant: Whose hand.
        uses: How many runs of it to plan, each with fresh inputs.
        rng: Chooses inputs and ways of calling.
    """
    steps: list[Step] = [SayStep(text=rng.choice(_OPENINGS))]
    if scrap.suffix == "py" and scrap.quality == "good" and rng.random() < 0.25:
        steps.append(_heredoc_run(scrap, variant, rng))
    steps += _writing(scrap, variant, rng)
    for number in range(uses):
        steps += _use(scrap, variant, number, rng)
    if scrap.checked and variant == "base":
        steps += _checking(scrap)
    if scrap.hangs_on:
        words = json.dumps(dict(scrap.hangs_on))
        command = f"python3 {helper_path(scrap, variant)} '{words}'"
        steps.append(ShellStep(command=command, description="An odd case", act=None))
        steps.append(SayStep(text="That one did not come back; I leave it."))
    return steps


def _writing(scrap: Scrap, variant: Variant, rng: random.Random) -> list[Step]:
    path, text = helper_path(scrap, variant), scrap.source(variant)
    if scrap.typo is None or variant != "base":
        steps: list[Step] = [WriteStep(path=path, text=text, heredoc=rng.random() < 0.3)]
        if rng.random() < 0.15:
            steps.append(ReadStep(path=path, text=text))
        return steps
    right, wrong = scrap.typo
    broken = text.replace(right, wrong)
    return [
        WriteStep(path=path, text=broken),
        *_use(scrap, variant, 90, rng, plain=True),
        SayStep(text="I got a name wrong. I correct it."),
        EditStep(path=path, before=broken, after=text, old=wrong, new=right),
    ]


def _arguments(scrap: Scrap, variant: Variant, rng: random.Random) -> dict[str, Json]:
    arguments = INPUTS[scrap.name](rng)
    if variant != "renamed" or scrap.renaming is None:
        return arguments
    return {scrap.renaming.parameters.get(key, key): value for key, value in arguments.items()}


def _use(
    scrap: Scrap, variant: Variant, number: int, rng: random.Random, *, plain: bool = False
) -> list[Step]:
    path = helper_path(scrap, variant)
    if scrap.mode == "script":
        return _script_use(scrap, path, number, rng)
    arguments = _arguments(scrap, variant, rng)
    if not plain and rng.random() < 0.3:
        return [_import_use(scrap, variant, arguments, rng)]
    words = json.dumps(arguments)
    if scrap.mode == "file":
        data = f"data/{scrap.named(variant)}_{number + 1}.json"
        act = RunAct(kind="file", path=path, argv=(data,))
        run = ShellStep(command=f"python3 {path} {data}", description="Run the helper", act=act)
        return [WriteStep(path=data, text=json.dumps(arguments, indent=1) + "\n"), run]
    if scrap.mode == "argv":
        act = RunAct(kind="file", path=path, argv=(words,))
        return [ShellStep(command=f"python3 {path} '{words}'", description="Run it", act=act)]
    act = RunAct(kind="file", path=path, stdin=words + "\n")
    command = f"echo '{words}' | python3 {path}"
    if rng.random() < 0.3:
        command = f"python3 {path} <<'EOF'\n{words}\nEOF"
    return [ShellStep(command=command, description="Run it on the data", act=act)]


def _import_use(
    scrap: Scrap, variant: Variant, arguments: Mapping[str, Json], rng: random.Random
) -> ShellStep:
    name = scrap.named(variant)
    words = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    code = f"from helpers.{name} import {name}; print({name}({words}))"
    if rng.random() < 0.5:
        code = f"import json; from helpers.{name} import {name}; print(json.dumps({name}({words})))"
    act = RunAct(kind="code", code=code)
    return ShellStep(command=f'python3 -c "{code}"', description="Call it directly", act=act)


def _heredoc_run(scrap: Scrap, variant: Variant, rng: random.Random) -> ShellStep:
    """The same function tried inline first: a sighting before the file exists."""
    body = scrap.source(variant).split("\n\n\nif __name__")[0].split("\nif __name__")[0].rstrip()
    arguments = ", ".join(
        f"{key}={value!r}" for key, value in _arguments(scrap, variant, rng).items()
    )
    code = f"{body}\n\n\nprint(json.dumps({scrap.named(variant)}({arguments})))\n"
    act = RunAct(kind="code", code=code, name="<stdin>")
    return ShellStep(command=f"python3 - <<'EOF'\n{code}EOF", description="Try it inline", act=act)


def _script_use(scrap: Scrap, path: str, number: int, rng: random.Random) -> list[Step]:
    data = f"data/export_{scrap.name}_{number + 1}.csv"
    argv = (data, *SCRIPT_ARGUMENTS[scrap.name](rng))
    command = " ".join(("bash", path, *argv))
    act = RunAct(kind="script", path=path, argv=argv)
    return [
        WriteStep(path=data, text=make_export(rng)),
        ShellStep(command=command, description="Run the script", act=act),
    ]


def _checking(scrap: Scrap) -> list[Step]:
    path = f"tests/test_{scrap.name}.py"
    return [
        WriteStep(path=path, text=scrap.check_source()),
        ShellStep(
            command=f"python3 {path}",
            description="Test the helper",
            act=RunAct(kind="file", path=path),
        ),
    ]
