"""How much evidence each proposal of a campaign needs, so that the whole campaign errs seldom. Pure.

e-LOND: the share of accepted changes that do nothing is at most `alpha` in expectation, however the
proposals depend on each other. Source: Xu and Ramdas, Online multiple testing with e-values, 2024.
"""

_POWER: float = 1.2
_SUM = 5.591582441177751
"""Of n to the -1.2 over all n from 1: Riemann's zeta function at 1.2."""


def level(alpha: float, number: int, accepted: int) -> float:
    """Return the level of a campaign's proposal.

    Args:
        alpha: What the whole campaign may err.
        number: Which proposal it is, from 1; one that is made again counts again.
        accepted: How many were accepted before it.
    """
    share: float = number**-_POWER / _SUM
    return min(1.0, alpha * share * (accepted + 1))
