"""Whether what a proposer predicted came to be. Pure."""

from lignin.domain.codec import Json

Interval = tuple[float, float] | None


def check_prediction(
    predicted: float | None, measured: float | None, interval: Interval
) -> dict[str, Json] | None:
    """Return a prediction beside what was measured; None where nothing was predicted.

    It is held where at least as much came of it as was said, or something did and as much lies within the
    interval. Where nothing was measured, or less came of it and so few cases leave out neither what was said
    nor that nothing came of it, nobody can say.
    """
    if predicted is None:
        return None
    held: bool | None = None
    told = "nothing was measured"
    if measured is not None:
        within = f" ({interval[0]:+.2f} to {interval[1]:+.2f})" if interval else ""
        held = _is_held(predicted, measured, interval)
        said = {True: "held", False: "not held", None: "too few cases to say"}[held]
        told = f"measured {measured:+.2f}{within}: {said}"
    return {
        "predicted": predicted,
        "measured": None if measured is None else round(measured, 4),
        "interval": [round(each, 4) for each in interval] if interval else None,
        "held": held,
        "told": f"predicted {predicted:+.2f}, {told}",
    }


def _is_held(predicted: float, measured: float, interval: Interval) -> bool | None:
    if measured >= predicted:
        return True
    if interval is None:
        return None
    low, top = interval
    if top < predicted:
        return False
    return True if low > 0 else None
