from pathlib import PurePosixPath


def by_extension(files: list[str]) -> dict[str, list[str]]:
    """File names by lower-case extension, '' for none, both sorted."""
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(PurePosixPath(file).suffix.lower(), []).append(file)
    return {ext: sorted(groups[ext]) for ext in sorted(groups)}
