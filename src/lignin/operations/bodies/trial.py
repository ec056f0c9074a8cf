"""Jobs that try one system at one case once."""

from lignin.domain.codec import Json
from lignin.domain.trials import paid_microusd
from lignin.operations.context import Context
from lignin.operations.handing import open_handed, parse_handed
from lignin.operations.jobkind import JobKind, Work
from lignin.operations.tries import Tries
from lignin.ports.engine import ONCE


def _try(work: Work) -> Json:
    handed = parse_handed(work.job.asked.input)

    def do(context: Context) -> Json:
        system, case = open_handed(context, handed)
        body = Tries(context).trial(system, case, handed.number)
        spent = {"microusd": paid_microusd(body), "tokens": body["tokens"]}
        return {
            "trial": case.key(system.digest, handed.number).trial,
            "kind": body["kind"],
            **spent,
        }

    # A trial has a name of its own, and is filed once under it whoever tries.
    done = work.step("try", do, ONCE, keyed=False)
    work.spend(microusd=done["microusd"], tokens=done["tokens"])
    return {"trial": done["trial"], "kind": done["kind"]}


KIND = JobKind(
    name="trial",
    summary="Try a system at a case once; the case's checks judge.",
    body=_try,
    check=parse_handed,
)
