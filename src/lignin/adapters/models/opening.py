"""Opens a model by its name: `openai:MODEL`, also for servers that speak like it, or `anthropic:MODEL`.

Keys and addresses come from the environment and are kept nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.ports.model import Model


@dataclass(frozen=True, slots=True)
class Provider:
    """The variables that say where a provider is and with which key."""

    key: str
    address: str


PROVIDERS: Mapping[str, Provider] = {
    "anthropic": Provider("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": Provider("OPENAI_API_KEY", "OPENAI_BASE_URL"),
}
_HINT = (
    "openai:MODEL or anthropic:MODEL; OPENAI_BASE_URL leads to any server that speaks like OpenAI's"
)


def open_model(name: str, environment: Mapping[str, str], mask: Callable[[str], str]) -> Model:
    """Open a model; nothing is asked yet.

    Args:
        mask: Takes the secrets out of a text.

    Raises:
        InvalidRequestError: No name of a model.
        UnavailableError: There is no key, or the package that asks is not installed.
    """
    provider, _, model = name.partition(":")
    if provider not in PROVIDERS or not model:
        raise InvalidRequestError(f"{name!r:.80} names no model", hint=_HINT)
    known = PROVIDERS[provider]
    address, key = environment.get(known.address, ""), environment.get(known.key, "")
    if not key and not address:
        raise UnavailableError(f"there is no key for {name}", hint=f"set {known.key}")
    try:
        from lignin.adapters.models.asking import ProviderModel
    except ImportError as error:
        raise UnavailableError(
            f"models cannot be asked here: {error}", hint="pip install 'lignin[agents]'"
        ) from error
    return ProviderModel(provider, model, key=key, address=address, mask=mask)
