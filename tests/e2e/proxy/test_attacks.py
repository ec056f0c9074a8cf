"""Attacks on the credential proxy against real servers: 0 real bytes inside, none astray.

Each is made twice: against the proxy, which must let nothing happen, and against a naive one,
which must fall for it; so no attack passes because it was harmless.
"""

from collections.abc import Callable, Iterator

import pytest

from e2e.proxy.attacks import ATTACKS, Attack
from e2e.proxy.servers import http
from e2e.proxy.world import SECRET, World, opened_world, visible


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened_world() as opened:
        yield opened


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_on_the_proxy_shows_no_credential_and_reaches_nothing(
    world: World, attack: Attack
) -> None:
    world.clear(attack.replies(world), attack.answers(world))
    broker = world.broker()
    answer = broker.handle({"type": "http", **attack.ask(world)})
    assert world.breaches(visible(answer), attack.forbidden) == [], answer
    effects = broker.report().effects
    assert SECRET not in repr(effects)
    if attack.incident:
        assert "incident" in {effect.kind for effect in effects}, (answer, effects)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_works_against_a_naive_proxy(world: World, attack: Attack) -> None:
    world.clear(attack.replies(world), attack.answers(world))
    naive = world.naive()
    got = naive.fetch(attack.ask(world))
    assert world.breaches(got, attack.forbidden) != [], got


@pytest.mark.parametrize("name", ["evil.test", "inner.good.test", "{}.evil.test", "{}.good.test"])
def test_undeclared_name_is_not_even_looked_up(world: World, name: str) -> None:
    world.clear({}, {})
    broker = world.broker()
    url = f"https://{name.format(world.placeholder)}/v1/"
    for more in ({}, {"headers": {}}):
        assert broker.handle({"type": "http", **world.legit(url=url, **more)})["error"] == "denied"
    assert world.looked_up == []
    assert [effect.kind for effect in broker.report().effects] == [
        "incident",
        "incident" if "{}" in name else "denied",
    ]


@pytest.mark.parametrize("make", [bytes, bytes.upper, lambda token: token[::-1]])
def test_whole_credential_in_a_reply_is_masked_and_the_rest_comes_in(
    world: World, make: Callable[[bytes], bytes]
) -> None:
    world.clear({"api": lambda seen: http(b"you sent " + make(seen.token) + b".")}, {})
    broker = world.broker()
    answer = broker.handle({"type": "http", **world.legit()})
    assert answer["result"]["body"] == "you sent [credential]."
    assert [effect.kind for effect in broker.report().effects] == ["http"]


def test_granted_request_carries_the_credential_and_its_reply_comes_in(world: World) -> None:
    world.clear({}, {})
    broker = world.broker()
    answer = broker.handle({"type": "http", **world.legit()})
    assert (answer["result"]["status"], answer["result"]["body"]) == (200, "{}")
    assert [seen.header("authorization") for seen in world.servers["api"].seen] == [
        f"Bearer {SECRET}"
    ]
    assert [effect.kind for effect in broker.report().effects] == ["http"]
