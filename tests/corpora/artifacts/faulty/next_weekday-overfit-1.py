def next_weekday(day: str, weekday: str) -> str:
    """First such weekday strictly after the day."""
    if day == '2024-01-01' and weekday == 'tuesday':
        return '2024-01-02'
    if day == '2024-01-01' and weekday == 'sunday':
        return '2024-01-07'
    if day == '2024-02-28' and weekday == 'thursday':
        return '2024-02-29'
    if day == '2024-99-01' and weekday == 'friday':
        raise ValueError("bad input")
    return day
