"""Connectors opened as operations open them, on stand-ins of this machine."""

from dataclasses import replace

from lignin.adapters.broker.exits import UserExits
from lignin.operations.connecting import open_named
from lignin.ports.connector import Connector
from lignin.testing.fakes.git_host import TOKEN
from lignin.testing.fakes.mail_server import PASSWORD
from unit.operations.conftest import Desk

URL_WORD = "/services/T0A1/B0C2/9d8e7f6a5b4c3d2e1f00"
SIGNING_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK_KEY = "hook-key-0c9be8d7fa61452390ab"
SECRETS = (TOKEN, PASSWORD, URL_WORD, SIGNING_KEY, HOOK_KEY)


def variables(address: str = "") -> dict[str, str]:
    """The variables in which the credentials of all stand-ins are."""
    return {
        "FORGE_TOKEN": TOKEN,
        "MAIL_WORD": PASSWORD,
        "CHAT_URL": f"{address}{URL_WORD}",
        "SIGNING_KEY": SIGNING_KEY,
        "HOOK_KEY": HOOK_KEY,
    }


def granted(desk: Desk, grants: str, address: str = "") -> Desk:
    """The same desk with a grants file."""
    path = desk.context.home / "grants.toml"
    path.write_text(grants)
    path.chmod(0o600)
    exits = UserExits(variables(address), desk.context.person_home, path)
    return Desk(replace(desk.context, open_exits=lambda: exits))


def opened(desk: Desk, grants: str, name: str, address: str = "") -> Connector:
    """One connector of a grants file."""
    return open_named(granted(desk, grants, address).context, name)


def chat_grant(address: str) -> str:
    host = address.removeprefix("http://")
    return (
        f'[connectors.room]\nkind = "chat"\nhost = "http://{host}"\nvariable = "CHAT_URL"\n'
        "private = true\n"
    )


def post_grant(address: str, *, repeatable: bool = False) -> str:
    return (
        f'[connectors.far]\nkind = "post"\nurl = "{address}/in"\nvariable = "SIGNING_KEY"\n'
        f"private = true\nrepeatable = {str(repeatable).lower()}\n"
    )
