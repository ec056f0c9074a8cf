"""How a run asks a person: who asks, what yes and no do, and until when. Pure."""

from datetime import datetime

from lignin.domain.loops import Loop


def asked_of(loop: Loop, stage: int) -> str:
    """The title of an approval.

    Args:
        stage: The place of the stage whose result is to be approved.
    """
    made = f"what its stage {loop.stages[stage].name} made" if len(loop.stages) > 1 else "this"
    return f"may {made} go on? {loop.name} waits for it"


def what_follows(loop: Loop, stage: int, until: datetime, *, is_question: bool) -> str:
    """What happens on yes, on no, on an answer in words, and by itself.

    Args:
        stage: The place of the stage that asks, or whose result is to be approved.
    """
    asks = loop.stages[stage].name
    ends = (
        "dismiss: the run ends here, and what it made is not used. "
        f"Without a word it ends by itself at {until:%Y-%m-%d %H:%M} UTC."
    )
    if is_question:
        return f"answer --say TEXT, or accept: {asks} is made again and told so. {ends}"
    after = [each.name for each in loop.stages[stage + 1 :]]
    follows = f"goes on with {', then '.join(after)}" if after else "files what it found"
    return f"accept: the run {follows}. answer --say TEXT: {asks} is made again with your words. {ends}"
