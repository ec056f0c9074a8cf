"""What an agent client is to us. One file per client in `clients/`, each with a `CLIENT`."""

from collections.abc import Callable
from dataclasses import dataclass

from lignin.artifacts.projects.place import Launch, Place


def _no_places(_launch: Launch) -> tuple[Place, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where one agent client looks for skills and how much of them it lists.

    The defaults are the folder that many clients share, and the largest listing where none is published.

    Args:
        name: As written on the command line.
        title: The product's name, for people.
        project_folder: Skills folder relative to a project's root.
        personal_folder: Skills folder relative to the user's home.
        listing_chars: Characters that the listing of all skills together may take.
        description_chars: Characters of one description that the client shows.
        entry_format: One line of the listing, with `{name}`, `{description}` and `{path}`.
        markers: Paths relative to the project or the home whose presence tells that it is used.
        command: The program's name on PATH, a second sign that it is used.
        places: What `init` puts into its settings, and where.
        notes: What a person still has to do themselves; told by `init`.
    """

    name: str
    title: str
    project_folder: str = ".agents/skills"
    personal_folder: str = ".agents/skills"
    listing_chars: int = 8_000
    description_chars: int = 1_024
    entry_format: str = "- {name}: {description}\n"
    markers: tuple[str, ...] = ()
    command: str = ""
    places: Callable[[Launch], tuple[Place, ...]] = _no_places
    notes: tuple[str, ...] = ()

    def entry(self, name: str, description: str, folder: str) -> str:
        """The line by which the client lists one skill of the skills folder `folder`."""
        path = f"{folder}/{name}/SKILL.md"
        return self.entry_format.format(name=name, description=description, path=path)
