"""The desk enforces what it says it enforces, and nothing else changes."""

import sqlite3

import pytest

from lignin.domain.codec import is_digest
from lignin.ports.environment import Environment
from lignin.ports.tools import Tools
from lignin.practice import PracticeDesk
from lignin.practice.rules import restock_quantity, total_cents


@pytest.fixture
def desk():
    desk = PracticeDesk(5)
    yield desk
    desk.close()


def order_with(desk, status):
    return next(row for row in desk.state()["orders"] if row["status"] == status)


def paid_for(desk, order_id):
    return next(
        row["amount_cents"] for row in desk.state()["payments"] if row["order_id"] == order_id
    )


def test_same_seed_gives_the_same_world_and_another_seed_another():
    assert PracticeDesk(5).state_digest() == PracticeDesk(5).state_digest()
    assert PracticeDesk(5).state_digest() != PracticeDesk(6).state_digest()


def test_the_desk_satisfies_the_ports_and_calls_itself_simulated(desk):
    environment: Environment = desk
    tools: Tools = desk
    assert environment.kind == "live"
    assert desk.simulated
    assert all(is_digest(spec.digest) for spec in tools.tools.values())
    assert len({spec.digest for spec in tools.tools.values()}) == len(tools.tools)


def test_every_tool_has_a_closed_schema_and_a_description(desk):
    for name, spec in desk.tools.items():
        assert spec.name == name
        assert spec.input["additionalProperties"] is False
        assert spec.description.endswith(".")
        assert "bad_arguments" in spec.errors


def test_reading_tools_leave_the_state_alone(desk):
    order = order_with(desk, "pending")
    arguments = {
        "get_order": {"order_id": order["order_id"]},
        "get_customer": {"customer_id": order["customer_id"]},
        "get_product": {"sku": desk.state()["products"][0]["sku"]},
        "find_customer": {"name": "a"},
    }
    for name, spec in desk.tools.items():
        if spec.effect == "read":
            assert not desk.call(name, arguments.get(name, {})).is_error
    assert desk.state_digest() == desk.start_state


def test_reset_restores_the_start_state_after_writes(desk):
    order = order_with(desk, "pending")
    desk.call("add_note", {"order_id": order["order_id"], "text": "hello"})
    assert desk.state_digest() != desk.start_state
    desk.reset()
    assert desk.state_digest() == desk.start_state
    assert desk.recording().calls == ()


@pytest.mark.parametrize("status", ["shipped", "delivered"])
@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("cancel_order", {"reason": "duplicate"}),
        ("update_address", {"street": "1 A", "city": "B", "postcode": "AB1 2CD"}),
        ("change_order_line", {"line": 1, "quantity": 1}),
        ("apply_discount", {"percent": 5}),
        ("ship_order", {"carrier": "parcel"}),
    ],
)
def test_orders_on_their_way_cannot_be_changed(desk, status, tool, more):
    order = order_with(desk, status)
    observation = desk.call(tool, {"order_id": order["order_id"], **more})
    assert observation.error == "wrong_status"
    assert desk.state_digest() == desk.start_state


def test_a_refund_above_the_payment_is_refused_and_one_up_to_it_granted(desk):
    order_id = order_with(desk, "delivered")["order_id"]
    paid = paid_for(desk, order_id)
    base = {"order_id": order_id, "method": "card"}
    assert desk.call("refund_order", {**base, "amount_cents": paid + 1}).error == "too_much"
    assert not desk.call("refund_order", {**base, "amount_cents": paid}).is_error


def test_the_desk_lets_an_agent_break_the_rules_it_does_not_enforce(desk):
    order = order_with(desk, "delivered")
    other = "voucher" if order["payment_method"] != "voucher" else "card"
    refund = {"order_id": order["order_id"], "amount_cents": 1, "method": other}
    assert not desk.call("refund_order", refund).is_error
    assert not desk.call("refund_order", refund).is_error
    assert desk.state()["confirmations"] == []


def test_a_wrong_postcode_does_not_confirm_an_identity(desk):
    customer = desk.state()["customers"][0]
    arguments = {"customer_id": customer["customer_id"], "email": customer["email"]}
    wrong = desk.call("confirm_identity", {**arguments, "postcode": "ZZ9 9ZZ"})
    assert wrong.error == "identity_mismatch"
    assert not desk.call(
        "confirm_identity", {**arguments, "postcode": customer["postcode"]}
    ).is_error


def test_shipping_what_is_short_is_refused_as_a_whole(desk):
    state = desk.state()
    on_hand = {row["sku"]: row["on_hand"] for row in state["stock"]}
    short = next(
        row["order_id"]
        for row in state["order_lines"]
        if row["quantity"] > on_hand[row["sku"]]
        and any(
            o["order_id"] == row["order_id"] and o["status"] == "pending" for o in state["orders"]
        )
    )
    observation = desk.call("ship_order", {"order_id": short, "carrier": "parcel"})
    assert observation.error == "out_of_stock"
    assert desk.state_digest() == desk.start_state


def test_splitting_keeps_at_least_one_line(desk):
    order_id = order_with(desk, "pending")["order_id"]
    lines = [row["line"] for row in desk.state()["order_lines"] if row["order_id"] == order_id]
    observation = desk.call("split_order", {"order_id": order_id, "lines": lines})
    assert observation.error == "bad_arguments"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_order", {}),
        ("get_order", {"order_id": 7}),
        ("get_order", {"order_id": "O-1", "more": 1}),
        ("cancel_order", {"order_id": "O-1", "reason": "because"}),
        ("apply_discount", {"order_id": "O-1", "percent": 26}),
        ("refund_order", {"order_id": "O-1", "amount_cents": True, "method": "card"}),
        ("split_order", {"order_id": "O-1", "lines": ["1"]}),
        ("find_customer", {}),
        ("add_note", {"order_id": "O-1", "text": ""}),
    ],
)
def test_unfit_arguments_are_an_observation(desk, tool, arguments):
    observation = desk.call(tool, arguments)
    assert observation.error == "bad_arguments"
    assert observation.message


def test_an_unknown_tool_is_an_observation(desk):
    assert desk.call("drop_tables", {}).error == "unknown_tool"


def test_idempotent_writes_leave_the_same_state_when_repeated(desk):
    order = order_with(desk, "pending")
    customer = next(
        row for row in desk.state()["customers"] if row["customer_id"] == order["customer_id"]
    )
    arguments = {
        "confirm_identity": {
            key: customer[key] for key in ("customer_id", "email", "postcode")
        },
        "change_order_line": {"order_id": order["order_id"], "line": 1, "quantity": 3},
        "update_address": {
            "order_id": order["order_id"], "street": "1 A", "city": "B", "postcode": "AB1 2CD"
        },
        "apply_discount": {"order_id": order["order_id"], "percent": 5},
    }  # fmt: skip
    declared = {s.name for s in desk.tools.values() if s.idempotent and s.effect == "write"}
    assert declared == set(arguments)
    for tool, values in arguments.items():
        assert not desk.call(tool, values).is_error
        once = desk.state_digest()
        assert not desk.call(tool, values).is_error
        assert desk.state_digest() == once


def test_the_recording_counts_state_versions_by_successful_writes(desk):
    order_id = order_with(desk, "pending")["order_id"]
    desk.call("get_order", {"order_id": order_id})
    desk.call("add_note", {"order_id": "O-0", "text": "x"})
    desk.call("add_note", {"order_id": order_id, "text": "x"})
    desk.call("get_order", {"order_id": order_id})
    assert [call.state_version for call in desk.recording().calls] == [0, 0, 0, 1]


def test_money_is_rounded_half_up_and_restocking_goes_by_whole_packs():
    assert total_cents([(1, 150)], 5) == 143
    assert total_cents([(1, 50)], 7) == 47
    assert restock_quantity(3, 0, 10, 6) == 18
    assert restock_quantity(11, 0, 10, 6) == 0
    assert restock_quantity(10, 0, 10, 6) == 12


def test_the_database_itself_forbids_negative_stock(desk):
    with pytest.raises(sqlite3.IntegrityError):
        desk._db.execute("UPDATE stock SET on_hand = -1")
