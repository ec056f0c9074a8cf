"""Connectors of a grants file: what is let through, and that whatever is not named is denied."""

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.governance.laws.addresses import why_not_here, why_refused_inward
from lignin.governance.laws.connectors import (
    GitHostGrant,
    MailGrant,
    credential_of,
    git_address,
    may_receive,
    parse_connectors,
)
from lignin.governance.laws.grants import parse_grants

FORGE = """[connectors.forge]
kind = "github"
url = "https://api.github.com"
repository = "acme/shop"
variable = "FORGE_TOKEN"
"""
MAIL = """[connectors.desk]
kind = "mail"
address = "loop@acme.test"
smtp = "mail.acme.test:465"
file = "~/.mail"
receivers = ["ada@acme.test", "@team.acme.test"]
"""


def forge(text: str = FORGE) -> GitHostGrant:
    grant = parse_connectors(text)["forge"]
    assert isinstance(grant, GitHostGrant)
    return grant


def test_the_credential_is_for_one_repository_alone() -> None:
    secret = credential_of(forge())
    assert secret is not None
    assert secret.paths == ["/repos/acme/shop/", "/user"]
    assert secret.hosts == ["https://api.github.com"]
    assert git_address(forge()) == "https://github.com/acme/shop.git"


def test_a_gitea_below_a_path_is_pushed_to_at_its_root() -> None:
    text = FORGE.replace("https://api.github.com", "https://git.acme.test/api/v1")
    text = text.replace('"github"', '"gitea"')
    secret = credential_of(forge(text))
    assert secret is not None
    assert secret.paths == ["/api/v1/repos/acme/shop/", "/api/v1/user"]
    assert secret.form == "token {}"
    assert git_address(forge(text)) == "https://git.acme.test/acme/shop.git"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://api.github.com", "http://api.github.com"),
        ("https://api.github.com", "http://localhost:3000"),
        ("https://api.github.com", "https://user:word@api.github.com"),
        ("https://api.github.com", "https://10.0.0.1"),
        ("https://api.github.com", "https://api.github.com/?a=b"),
        ("https://api.github.com", "https://api.github.com/../x"),
        ("https://api.github.com", "file:///etc"),
        ("acme/shop", "acme/shop/../other"),
        ("acme/shop", "acme"),
        ("acme/shop", "acme/../other"),
        ("acme/shop", "-x/shop"),
        ('variable = "FORGE_TOKEN"', ""),
        ('variable = "FORGE_TOKEN"', 'variable = "A"\nfile = "~/b"'),
        ('variable = "FORGE_TOKEN"', 'variable = "A"\nlabel = "a,b"'),
        ('variable = "FORGE_TOKEN"', 'variable = "A"\nstates = ["a", "A"]'),
        ('variable = "FORGE_TOKEN"', 'variable = "A"\ntoken = "x"'),
        ('variable = "FORGE_TOKEN"', 'variable = "A"\ngit_url = "ssh://git@a.test/x"'),
        ('"github"', '"gitlab"'),
        ("connectors.forge", "connectors.Forge"),
        ("connectors.forge", 'connectors."a/b"'),
    ],
)
def test_what_does_not_fit_is_refused_whole(before: str, after: str) -> None:
    assert before in FORGE
    with pytest.raises(InvalidRequestError) as caught:
        parse_connectors(MAIL + FORGE.replace(before, after))
    assert "word" not in caught.value.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('smtp = "mail.acme.test:465"', ""),
        ('smtp = "mail.acme.test:465"', 'smtp = "mail.acme.test"'),
        ('smtp = "mail.acme.test:465"', 'smtp = "mail.acme.test:465"\ntls = "none"'),
        ('smtp = "mail.acme.test:465"', 'smtp = "localhost:25"\ntls = "none"'),
        ('file = "~/.mail"', 'imap = "mail.acme.test:993"'),
        ('"ada@acme.test"', '"*"'),
        ('"ada@acme.test"', '"@"'),
        ('"ada@acme.test"', '"ada@acme.test>, <eve@evil.test"'),
        ('"loop@acme.test"', '"loop"'),
    ],
)
def test_a_mailbox_that_does_not_fit_is_refused(before: str, after: str) -> None:
    assert before in MAIL
    with pytest.raises(InvalidRequestError):
        parse_connectors(MAIL.replace(before, after))


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("ada@acme.test", True),
        ("ADA@Acme.test", True),
        ("bob@team.acme.test", True),
        ("bob@acme.test", False),
        ("bob@x.team.acme.test", False),
        ("bob@evilteam.acme.test", False),
        ("bob@team.acme.test\n", False),
        ("<bob@team.acme.test>", False),
        ("@team.acme.test", False),
        ("", False),
    ],
)
def test_only_granted_receivers_get_mail(address: str, may: bool) -> None:
    grant = parse_connectors(MAIL)["desk"]
    assert isinstance(grant, MailGrant)
    assert may_receive(grant, address) is may


def test_without_receivers_nobody_gets_mail() -> None:
    text = MAIL.replace('receivers = ["ada@acme.test", "@team.acme.test"]', "")
    grant = parse_connectors(text)["desk"]
    assert isinstance(grant, MailGrant)
    assert not may_receive(grant, "ada@acme.test")


@pytest.mark.parametrize(
    ("address", "inward", "here"),
    [
        ("127.0.0.1", True, True),
        ("::1", True, True),
        ("10.1.2.3", True, False),
        ("192.168.0.9", True, False),
        ("fd00::1", True, False),
        ("8.8.8.8", True, False),
        ("169.254.169.254", False, False),
        ("168.63.129.16", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("64:ff9b::7f00:1", False, False),
        ("nonsense", False, False),
    ],
)
def test_inward_is_this_machine_and_private_networks_and_no_clouds_own_services(
    address: str, inward: bool, here: bool
) -> None:
    assert (why_refused_inward(address) == "") is inward
    assert (why_not_here(address) == "") is here


def test_secrets_and_connectors_are_told_in_one_file_and_do_not_mix() -> None:
    assert parse_grants(FORGE + MAIL) == {}
    assert set(parse_connectors(FORGE + MAIL)) == {"forge", "desk"}
