def split_bill(total_cents: int, people: int) -> list[int]:
    """Shares in cents that add up; the first ones pay the odd cents."""
    share, odd = divmod(total_cents, people)
    return [share + (index < odd) for index in range(people)]
