"""State that outlives a run: what may be put there, and what an older form of it needs. Pure."""

from dataclasses import dataclass

from lignin.artifacts.schemas import schema_faults
from lignin.artifacts.workflow.asks import Ask
from lignin.domain.codec import Digest, Json
from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.domain.workflows import StateTerms, WorkflowTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value as it is kept. `version` counts its changes, 0 where there is none yet; `form_version` and
    `form_digest` say by which form it was written."""

    value: Json
    version: int
    form_version: int
    form_digest: Digest


def require_declared(terms: WorkflowTerms, name: str) -> StateTerms:
    """Return what the manifest says of a state.

    Raises:
        DeniedError: It declares none of that name.
    """
    found = terms.state.get(name)
    if found is None:
        raise DeniedError(
            f"the state {name!r} is not declared", hint="workflow.state in its manifest"
        )
    return found


def require_fit(name: str, terms: StateTerms, value: Json) -> None:
    """Raise InvalidRequestError where a value does not fit the declared form of a state."""
    faults = schema_faults(terms.form, value)
    if faults:
        raise InvalidRequestError(
            f"the value does not fit the state {name!r}: {faults[0].message[:200]}",
            hint="workflow.state in its manifest has the form",
        )


def decide_migration(name: str, terms: StateTerms, kept: Kept) -> str:
    """Return the function that turns a kept value into one of the declared form; "" where it is one.

    Raises:
        DeniedError: The form is another and no migration from it is declared, by name and version.
    """
    if kept.version == 0:
        return ""
    if kept.form_version == terms.version:
        if kept.form_digest == terms.form_digest:
            return ""
        raise DeniedError(
            f"the state {name!r} has another form under the same version {terms.version}",
            hint="raise workflow.state.version and declare the migration",
        )
    migration = terms.migrations.get(str(kept.form_version), "")
    if kept.form_version < terms.version and migration:
        return migration
    raise DeniedError(
        f"the state {name!r} is of version {kept.form_version} and this reads version {terms.version}: "
        "no migration is declared",
        hint=f'workflow.state.migrations: {{"{kept.form_version}": "file.py:function"}}',
    )


def swap_of(terms: WorkflowTerms, ask: Ask) -> tuple[StateTerms, int, Json]:
    """Return what a swap asks for: the state's terms, the version it replaces, the value.

    Raises:
        DeniedError: The state is not declared.
        InvalidRequestError: The value does not fit, or no version is named.
    """
    declared, given = require_declared(terms, ask.target), ask.given
    if not isinstance(given, dict) or not isinstance(given.get("version"), int):
        raise InvalidRequestError("a swap names the version that it replaces")
    require_fit(ask.target, declared, given.get("value"))
    return declared, given["version"], given.get("value")
