"""The scraps of code that scripted agents write while they work: which are good, which bad and why.

The sources are files under `scraps/`, all our own, named `.txt` so that nothing takes them for
modules. Owns the planted truth about them; refuses to run them.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

Quality = Literal["good", "bad"]
Mode = Literal["stdin", "argv", "file", "script"]
Variant = Literal["base", "renamed", "reformatted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """How the second author of a helper named things."""

    name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrap:
    """One helper.

    Args:
        name: Its function's and file's name.
        quality: The planted truth.
        fault: Why it is bad; empty for a good one.
        mode: How its main part takes input (`script` for shell).
        renaming: Names in its second hand-written version, where it has one.
        checked: True where the agent also writes a test file for it.
        check_fault: Why that test file is worth nothing; empty for a good one.
        typo: (right, wrong) text of a first version that crashes and is then edited.
        hangs_on: Arguments on which a run was seen to time out.
    """

    name: str
    quality: Quality
    mode: Mode
    fault: str = ""
    renaming: Renaming | None = None
    checked: bool = False
    check_fault: str = ""
    typo: tuple[str, str] | None = None
    hangs_on: Mapping[str, int] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """`sh` or `py`."""
        return "sh" if self.mode == "script" else "py"

    def named(self, variant: Variant) -> str:
        """The function's and file's name in a variant."""
        return self.renaming.name if variant == "renamed" and self.renaming else self.name

    def source(self, variant: Variant = "base") -> str:
        """The source text of a variant.

        `renamed` is the same helper as another author wrote it; `reformatted` the same syntax tree
        laid out otherwise (for shell: with one comment more).
        """
        middle = ".renamed" if variant == "renamed" and self.renaming else ""
        text = _read(self.quality, f"{self.name}{middle}.{self.suffix}.txt")
        if variant != "reformatted":
            return text
        if self.suffix == "sh":
            head, _, rest = text.partition("\n")
            return f"{head}\n# written again for this job\n{rest}"
        return ast.unparse(ast.parse(text)) + "\n"

    def check_source(self) -> str:
        """The text of its test file."""
        return _read("checks", f"{self.name}.py.txt")

    def variants(self) -> tuple[Variant, ...]:
        """The variants there are."""
        return ("base", "renamed", "reformatted") if self.renaming else ("base", "reformatted")


def _read(folder: str, name: str) -> str:
    return resources.files(__package__).joinpath("scraps", folder, name).read_text()


def _good(name: str, mode: Mode, **more: object) -> Scrap:
    return Scrap(name=name, quality="good", mode=mode, **more)  # type: ignore[arg-type]


def _bad(name: str, mode: Mode, fault: str, **more: object) -> Scrap:
    return Scrap(name=name, quality="bad", mode=mode, fault=fault, **more)  # type: ignore[arg-type]


_ALL: tuple[Scrap, ...] = (
    _good(
        "order_total",
        "stdin",
        checked=True,
        renaming=Renaming(
            name="compute_total",
            parameters={"lines": "items", "discount_percent": "discount"},
        ),
        typo=('line["quantity"] * line["unit_price_cents"]', 'line["quantity"] * line["price"]'),
    ),
    _good(
        "refund_due",
        "argv",
        renaming=Renaming(
            name="amount_to_refund",
            parameters={
                "paid_cents": "paid",
                "refunded_cents": "already_refunded",
                "returned": "items",
            },
        ),
    ),
    _good(
        "late_orders",
        "file",
        renaming=Renaming(name="find_overdue", parameters={"orders": "rows", "today": "as_of"}),
        typo=('order["promised_on"])).days', 'order["due"])).days'),
    ),
    _good(
        "restock_plan",
        "stdin",
        checked=True,
        renaming=Renaming(name="quantities_to_order", parameters={"stock": "products"}),
    ),
    _good("duplicate_orders", "file"),
    _good("loyalty_percent", "argv", typo=("LIMITS[tier])", "LIMIT[tier])")),
    _good(
        "normalise_postcode",
        "argv",
        checked=True,
        check_fault="holds no test function",
        renaming=Renaming(name="clean_postcode", parameters={"text": "raw"}),
    ),
    _good("parse_address", "stdin"),
    _good("format_money", "argv"),
    _good("split_by_stock", "file", typo=("left = dict(on_hand)", "left = dict(stock)")),
    _good("customer_summary", "stdin"),
    _good("parse_sku", "argv", checked=True, check_fault="notices hardly any fault"),
    _good("delivery_day", "argv"),
    _good("pick_list", "stdin"),
    _good("price_break", "argv", typo=('step["from_quantity"]:', 'step["from"]:')),
    _good("share_cents", "stdin", checked=True, check_fault="hangs on the order of a set"),
    _good("open_age", "file"),
    _good("sum_column", "script"),
    _good("count_status", "script"),
    _good("late_rows", "script"),
    _bad("estimate_total", "stdin", "depends on randomness"),
    _bad("days_open", "argv", "depends on the clock"),
    _bad("categories_of", "stdin", "depends on hash order"),
    _bad("log_refund", "argv", "writes a file on the side"),
    _bad("convert_currency", "argv", "tries the network"),
    _bad("regional_price", "argv", "reads the environment"),
    _bad("shipping_cost", "argv", "holds its examples' answers"),
    _bad("average_order", "stdin", "crashes on an empty list"),
    _bad("fill_boxes", "argv", "hangs", hangs_on={"pieces": 9, "box_size": 0}),
    _bad(
        "discounted",
        "argv",
        "wrong at half cents",
        checked=True,
        check_fault="fails on its subject",
    ),
    _bad("sign_order", "argv", "holds a secret"),
    _bad("next_reference", "argv", "keeps state between calls"),
    _bad("merge_lines", "stdin", "changes its arguments"),
    _bad("count_words", "stdin", "starts a process"),
    _bad("eval_formula", "argv", "evaluates its input as code"),
    _bad("host_prefix", "argv", "reads a file outside"),
    _bad("lot_number", "script", "depends on randomness"),
    _bad("tidy_export", "script", "overwrites its input"),
)
SCRAPS: Mapping[str, Scrap] = {scrap.name: scrap for scrap in _ALL}
