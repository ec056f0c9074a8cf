"""Sessions of three people over ten weeks, with planted requests and corrections amid noise.

Each planted one is worded in several ways, with values that vary. Noise are requests that come once,
corrections that come once, answers, thanks, and decoys that must not be told: the same thing over and over
in one session, on one day by one person, and words of refusal after which the agent changes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from lignin.domain.traces import Step, ToolCall, Trajectory

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PEOPLE = ("ada", "bert", "cleo")
VERBS = [
    "fix",
    "add",
    "remove",
    "rename",
    "inline",
    "document",
    "type",
    "cache",
    "split",
    "profile",
    "mock",
    "port",
    "guard",
    "trace",
]
NOUNS = [
    "login",
    "page",
    "cart",
    "header",
    "footer",
    "parser",
    "router",
    "worker",
    "queue",
    "schema",
    "index",
    "banner",
    "report",
    "invoice",
    "upload",
    "search",
    "filter",
    "badge",
    "avatar",
    "modal",
    "tooltip",
    "chart",
    "export",
    "import",
    "webhook",
    "token",
    "digest",
    "mailer",
    "cron",
    "ledger",
    "gallery",
    "slider",
    "wizard",
    "sidebar",
    "heatmap",
    "keyboard",
    "palette",
    "printer",
    "scanner",
    "ticket",
    "voucher",
]
NAMES = [
    "alpha",
    "bravo",
    "carbon",
    "delta",
    "ember",
    "falcon",
    "garnet",
    "harbor",
    "indigo",
    "jasper",
]


@dataclass(frozen=True)
class Planted:
    """One thing that people say again and again, and what the agent then calls."""

    kind: str
    ways: tuple[str, ...]
    calls: tuple[str, ...]
    before: str = ""
    every: int = 0


SKILLS = (
    Planted(
        "skill",
        (
            "Write release notes for {name} from the merged pull requests",
            "please write the release notes of {name} out of the merged pull requests",
            "release notes for {name} from merged pull requests please",
        ),
        ("git log {1}", "Write"),
    ),
    Planted(
        "skill",
        (
            "Convert the spreadsheet {name} into a clean csv with iso dates",
            "turn spreadsheet {name} into clean csv with iso dates",
            "I need the spreadsheet {name} as a clean csv, iso dates",
        ),
        ("Read", "Bash"),
    ),
    Planted(
        "skill",
        (
            "Check which licences our dependencies have and list the copyleft ones",
            "list copyleft licences among our dependencies",
            "which of our dependencies have copyleft licences? list them",
        ),
        ("pip list", "Write"),
    ),
    Planted(
        "skill",
        (
            "Resize the product photos of {name} to thumbnails and strip the metadata",
            "make thumbnails of the product photos of {name} and strip their metadata",
            "thumbnails for product photos {name}, strip metadata",
        ),
        ("mogrify {1}", "exiftool {1}"),
    ),
    Planted(
        "skill",
        (
            "Bitte übersetze die Fehlermeldungen von {name} ins Deutsche",
            "übersetze bitte alle Fehlermeldungen in {name} ins Deutsche",
            "Fehlermeldungen {name} ins Deutsche übersetzen",
        ),
        ("Read", "Edit"),
    ),
)
LOOPS = (
    Planted(
        "loop",
        (
            "Summarise the open support tickets by urgency",
            "summarise open support tickets by urgency please",
        ),
        ("gh issue",),
        every=1,
    ),
    Planted(
        "loop",
        ("Prepare the weekly numbers for the board", "prepare weekly board numbers"),
        ("psql {1}",),
        every=7,
    ),
    Planted(
        "loop",
        (
            "Check that the deployment came up healthy",
            "check the deployment is healthy and came up",
        ),
        ("kubectl get",),
        before="git push {1}",
    ),
)
RULES = (
    Planted("rule", ("no, use uv not pip", "don't use pip, use uv", "please use uv instead of pip"), ("uv add {1}",), before="pip install {1}"),
    Planted("rule", ("stop, never touch the generated migrations", "don't touch generated migrations", "leave the generated migrations alone, never touch them"), ("git checkout {1}",), before="Edit"),
    Planted("rule", ("always run the tests first before you commit", "you should always run the tests before commit", "run tests first, always, then commit"), ("pytest {1}",), before="git commit -m {1}"),
    Planted("rule", ("nein, Kommentare bitte nicht auf Englisch sondern Deutsch", "nicht Englisch, die Kommentare auf Deutsch", "Kommentare auf Deutsch statt Englisch"), ("Edit",), before="Edit"),
)  # fmt: skip
PLANTED = SKILLS + LOOPS + RULES


class Talk:
    """One session being written."""

    def __init__(self, random: Random, number: int, person: str, at: datetime) -> None:
        self.random, self.number, self.person, self.at = random, number, person, at
        self.steps: list[Step] = []
        self.calls = 0

    def say(self, text: str) -> None:
        """The person speaks."""
        self.at += timedelta(minutes=self.random.randint(1, 4))
        self._add("user", text)

    def act(self, *tools: str, value: str = "", reply: str = "Done.") -> None:
        """The agent calls tools and says something."""
        calls = []
        for tool in tools:
            self.calls += 1
            value = value or f"{self.random.choice(NOUNS)}-{self.random.randint(0, 99)}"
            if tool in {"Edit", "Read", "Write", "Bash"}:
                arguments = {"file": f"src/{value}", "text": str(self.random.random())}
                name = tool
            else:
                name, arguments = "Bash", {"command": tool.replace("{1}", value)}
            calls.append(
                ToolCall(call_id=str(self.calls), name=name, arguments=arguments, observation="ok")
            )
        self._add("assistant", reply, tuple(calls))

    def _add(self, role: str, text: str, calls: tuple[ToolCall, ...] = ()) -> None:
        self.steps.append(
            Step(
                index=len(self.steps) + 1,
                role=role,  # type: ignore[arg-type]
                text=text,
                calls=calls,
                at=self.at.isoformat(),
            )
        )

    def noise(self) -> None:
        """Something that nobody says again, and what comes along with it."""
        random = self.random
        one, two, three = random.sample(NOUNS, 3)
        verb = random.choice(VERBS)
        self.say(
            f"{verb} the {one} in the {two}{random.choice(['', ' please', f' near the {three}'])}"
        )
        asks = random.random() < 0.2
        self.act("Read", "Edit", value=f"{one}.py", reply="Shall I go on?" if asks else "Done.")
        if asks:
            self.say(random.choice(["yes please", "go ahead", "ok do it", "sure, go on"]))
            self.act("Edit", value=f"{one}.py")
        elif random.random() < 0.15:
            self.say(f"no, not the {one}, I meant the {three} over the {two}")
            self.act("Edit", value=f"{three}.py")
        elif random.random() < 0.3:
            self.say(
                random.choice(["thanks, that is all", "no, nothing else", "perfect, thank you"])
            )
            self._add("assistant", "Good.")

    def plant(self, planted: Planted) -> None:
        """One of the planted, in one of its wordings."""
        value = f"{self.random.choice(NOUNS)}-{self.random.randint(0, 99)}"
        if planted.before:
            self.say(f"{self.random.choice(VERBS)} the {self.random.choice(NOUNS)} now")
            self.act(planted.before, value=value)
        self.say(self.random.choice(planted.ways).format(name=self.random.choice(NAMES)))
        self.act(*planted.calls, value=value)

    def run(self) -> Trajectory:
        """The session."""
        return Trajectory(
            source="planted",
            format="planted",
            session=f"s{self.number:04}",
            steps=tuple(self.steps),
            cwd=f"/home/{self.person}/work",
            model="m",
        )


def planted_runs(seed: int, sessions: int = 200, share: float = 0.5) -> list[Trajectory]:
    """Sessions with planted ones in about a share of them, the rest noise."""
    random = Random(seed)
    loops = {each: each.every for each in LOOPS if each.every}
    runs: list[Trajectory] = []
    for number in range(sessions):
        day = number * 70 // sessions
        person = random.choice(PEOPLE)
        at = START + timedelta(days=day, minutes=random.randint(0, 500))
        talk = Talk(random, number, person, at)
        for _ in range(random.randint(1, 4)):
            talk.noise()
        if random.random() < share:
            talk.plant(random.choice([each for each in PLANTED if not each.every]))
            talk.noise()
        runs.append(talk.run())
    for each, every in loops.items():
        for turn in range(6):
            at = START + timedelta(days=every * turn, minutes=60 + random.randint(0, 20))
            if at.weekday() < 5:
                talk = Talk(random, len(runs), "ada", at)
                talk.plant(each)
                talk.noise()
                runs.append(talk.run())
    runs += _decoys(random, len(runs))
    random.shuffle(runs)
    return runs


def _decoys(random: Random, number: int) -> list[Trajectory]:
    again = Talk(random, number, "bert", START + timedelta(days=5))
    for _ in range(6):
        again.say("restart the staging database container")
        again.act("docker restart {1}")
    runs = [again.run()]
    for extra in range(4):
        one_day = Talk(random, number + 1 + extra, "cleo", START + timedelta(days=9, hours=extra))
        one_day.say("bisect the flaky snapshot comparison")
        one_day.act("git bisect")
        runs.append(one_day.run())
    for extra in range(5):
        unheard = Talk(random, number + 5 + extra, "ada", START + timedelta(days=11 + extra))
        unheard.noise()
        unheard.act("Edit")
        unheard.say("no, the wording of the imprint is not pretty")
        unheard._add("assistant", "I see.")
        runs.append(unheard.run())
    return runs
