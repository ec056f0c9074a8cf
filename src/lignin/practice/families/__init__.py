"""The families of tasks, by name. Each has its draft (sees the world) and solver (sees tools)."""

from collections.abc import Mapping

from lignin.practice.families.customers import CUSTOMER_FAMILIES
from lignin.practice.families.money import MONEY_FAMILIES
from lignin.practice.families.warehouse import WAREHOUSE_FAMILIES
from lignin.practice.tasks import Family, Task, make_task

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (*CUSTOMER_FAMILIES, *MONEY_FAMILIES, *WAREHOUSE_FAMILIES)
}


def make_tasks(seed: int) -> tuple[Task, ...]:
    """Return one task of every family in a seed's world."""
    return tuple(make_task(family, seed) for family in FAMILIES.values())


__all__ = ["FAMILIES", "make_tasks"]
