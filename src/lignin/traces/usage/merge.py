"""Accounts of the same runs brought together, so that each use counts once. Pure.

What one use is: under one prompt, an artifact that was loaded or read counts once, however often it
was touched; where it was called, each call counts, and the load that led there belongs to the first.
A sub-agent is a run of its own. Accounts that tell of one use are known by the id of the tool call;
where they have none, by the client's session and the time; where that is missing too, by client and
time. What only our own surface saw is a use without a run.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lignin.domain.uses import ArtifactUse, CallReceipt
from lignin.traces.usage.signs import EPOCH, Account, Group, Sign, family_of, read_groups, time_of
from lignin.traces.usage.spending import Spent, spent_of

_MARKED = "marked by client"
_SLACK = timedelta(seconds=2)
"""By so much the clocks of client, telemetry and our own surface may differ."""
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Merged:
    """A use while accounts of it come in."""

    name: str
    began: datetime
    ended: datetime
    session: str
    account: Account | None
    step: int = 0
    version: str = ""
    paths: dict[str, None] = field(default_factory=dict)
    client: str = ""
    client_version: str = ""
    model: str = ""
    call_ids: dict[str, None] = field(default_factory=dict)
    is_call: bool = False
    is_mark: bool = False
    receipt: CallReceipt | None = None
    """Of its call."""
    told_by: set[str] = field(default_factory=set)
    spent: Spent = field(default_factory=Spent)

    def spans(self, at: datetime) -> bool:
        """True where a time lies in it, as well as clocks agree."""
        return self.began - _SLACK <= at <= self.ended + _SLACK


class _Ledger:
    """The uses so far, by what tells them apart."""

    def __init__(self) -> None:
        self.uses: list[Merged] = []
        self.by_call: dict[tuple[str, str], list[tuple[Merged, datetime]]] = defaultdict(list)
        self.by_session: dict[tuple[str, str], list[Merged]] = defaultdict(list)

    def add(self, use: Merged) -> Merged:
        self.uses.append(use)
        self.by_session[use.session, use.name].append(use)
        return use

    def called(self, use: Merged, sign: Sign) -> None:
        if sign.use.call_id:
            self.by_call[sign.use.call_id, use.name].append((use, sign.began))


def count_uses(
    accounts: Sequence[Account], receipts: Iterable[CallReceipt]
) -> tuple[ArtifactUse, ...]:
    """Return every use that the accounts and receipts tell of, once each, in order of time."""
    ledger = _Ledger()
    ordered = _ordered(accounts)
    marks: list[Group] = []
    for account in ordered:
        for group in read_groups(account):
            if group.is_mark:
                marks.append(group)
            else:
                _take_group(ledger, group)
    for group in marks:  # after all that shows when a use began
        _take_mark(ledger, group)
    kept = sorted(receipts, key=lambda each: each.began_at)
    for rank in (0, 1, 2):  # the surest first
        for receipt in kept:
            if _rank(receipt) == rank:
                _take_receipt(ledger, receipt, accounts=ordered)
    _spend(ledger, ordered)
    return tuple(_finished(use) for use in sorted(ledger.uses, key=lambda use: use.began))


def _ordered(accounts: Sequence[Account]) -> list[Account]:
    """Transcripts before telemetry, an original before its forks, the main chain before others.

    A fork's transcript begins with its original's steps, so their times say nothing; its telemetry begins with
    what is new.
    """
    heard: dict[str, datetime] = {}
    for account in accounts:
        if account.is_telemetry:
            heard[account.session] = min(_first(account), heard.get(account.session, _NEVER))

    def order(account: Account) -> tuple[bool, datetime, bool, datetime, str]:
        is_part = "/" in account.run.session
        told = heard.get(account.session, _NEVER)
        return account.is_telemetry, _first(account), is_part, told, account.key

    return sorted(accounts, key=order)


def _first(account: Account) -> datetime:
    return next((time_of(step.at) for step in account.run.steps if step.at), EPOCH)


def _take_group(ledger: _Ledger, group: Group) -> None:
    loads = tuple(sign for sign in group.signs if sign.use.how != "direct call")
    calls: list[Merged] = []
    for sign in group.calls:
        uses = _known(ledger, group, sign)
        while len(uses) < sign.use.times:
            uses.append(_new(ledger, group, sign))
        for use in uses:
            _join(ledger, use, group, (sign,))
        calls += uses
    if loads:
        use = calls[0] if calls else _begun(ledger, group, loads)
        _join(ledger, use, group, loads)


def _begun(ledger: _Ledger, group: Group, loads: Sequence[Sign]) -> Merged:
    """The use that a load without a call began; marks that it is still at work may reach into the next."""
    known = (each for sign in loads if not sign.is_mark for each in _known(ledger, group, sign))
    return next(known, None) or _new(ledger, group, loads[0])


def _known(ledger: _Ledger, group: Group, sign: Sign) -> list[Merged]:
    """The uses that another account has told already."""
    account = group.account
    told = [
        use
        for use, began in ledger.by_call[sign.use.call_id, group.name]
        if account.key not in use.told_by
        and (use.session == account.session or began == sign.began)
    ]
    if sign.use.call_id and told:
        return told[: sign.use.times]
    if not account.is_telemetry or sign.use.how == "direct call":
        return []
    return [
        use
        for use in ledger.by_session[account.session, group.name]
        if account.key not in use.told_by and use.spans(sign.began)
    ][:1]


def _new(ledger: _Ledger, group: Group, sign: Sign) -> Merged:
    account = group.account
    return ledger.add(
        Merged(
            name=group.name,
            began=sign.began,
            ended=sign.ended,
            session=account.session,
            account=account,
            step=sign.use.step,
            client=family_of(account.run.agent),
            client_version=account.run.agent_version,
            model=sign.model,
            is_call=sign.use.how == "direct call",
            is_mark=group.is_mark,
        )
    )


def _join(ledger: _Ledger, use: Merged, group: Group, signs: Sequence[Sign]) -> None:
    use.told_by.add(group.account.key)
    use.model = use.model or group.account.run.model
    use.client_version = use.client_version or group.account.run.agent_version
    for sign in signs:
        if sign.use.how != _MARKED:
            use.paths[sign.use.how] = None
        if group.account.is_telemetry or sign.use.how == _MARKED:
            use.paths["telemetry" if group.account.is_telemetry else _MARKED] = None
        use.version = use.version or sign.use.version
        use.began, use.ended = min(use.began, sign.began), max(use.ended, sign.ended)
        if sign.use.call_id:
            use.call_ids[sign.use.call_id] = None
        ledger.called(use, sign)


def _take_mark(ledger: _Ledger, group: Group) -> None:
    """A skill that is said to be at work was taken up before; it is a use only where nothing shows that."""
    began = group.signs[0].began
    before = [
        use
        for use in ledger.by_session[group.account.session, group.name]
        if use.began <= began + _SLACK
    ]
    use = max(before, key=lambda use: use.began) if before else _new(ledger, group, group.signs[0])
    use.paths["telemetry" if group.account.is_telemetry else _MARKED] = None
    use.told_by.add(group.account.key)


def _rank(receipt: CallReceipt) -> int:
    return 0 if receipt.call_id else 1 if receipt.session else 2


def _take_receipt(ledger: _Ledger, receipt: CallReceipt, *, accounts: Sequence[Account]) -> None:
    name, _, digest = receipt.version.partition("@")
    if receipt.is_load:
        use = _load_of(ledger, receipt, name) or _loaded(ledger, receipt, name, accounts)
        use.version = use.version or digest
    else:
        known = _use_of(ledger, receipt, name)
        is_free = known is not None and known.receipt is None
        use = (is_free and known) or _another(
            ledger, receipt, name, beside=known, accounts=accounts
        )
        use.receipt = receipt
        use.version = digest
    use.paths[receipt.surface] = None
    if receipt.surface == "sdk":  # the run names the agent of a program, which is no client
        use.client, use.client_version = receipt.client, receipt.client_version
    use.client = use.client or family_of(receipt.client)
    use.client_version = use.client_version or receipt.client_version
    use.model = use.model or receipt.model


def _use_of(ledger: _Ledger, receipt: CallReceipt, name: str) -> Merged | None:
    """The use that a receipt is of; None where no trace shows one."""
    began = time_of(receipt.began_at)
    if receipt.call_id:
        told = [
            use
            for use, _ in ledger.by_call[receipt.call_id, name]
            if use.spans(began) or receipt.session in ("", use.session)
        ]
        if told:
            return _free(told)
    near = [use for use in _of_caller(ledger, receipt, name) if use.is_call and use.spans(began)]
    if receipt.session:
        return _free(near)
    return next((use for use in near if use.receipt is None), None)


def _of_caller(ledger: _Ledger, receipt: CallReceipt, name: str) -> list[Merged]:
    """The uses of an artifact that may be those of who a receipt tells of."""
    if receipt.session:
        return ledger.by_session[receipt.session, name]
    client = family_of(receipt.client)
    return [use for use in ledger.uses if use.name == name and (not client or use.client == client)]


def _load_of(ledger: _Ledger, receipt: CallReceipt, name: str) -> Merged | None:
    """The use that a load is part of: its own, or that of the call that it led to."""
    began = time_of(receipt.began_at)
    told = [use for use, _ in ledger.by_call[receipt.call_id, name] if receipt.call_id]
    near = [use for use in _of_caller(ledger, receipt, name) if use.spans(began)]
    return next(iter([*told, *near]), None)


def _loaded(
    ledger: _Ledger, receipt: CallReceipt, name: str, accounts: Sequence[Account]
) -> Merged:
    """A use that begins with a load that our surface alone saw."""
    home = _account_of(receipt, accounts)
    return ledger.add(
        Merged(
            name=name,
            began=time_of(receipt.began_at),
            ended=time_of(receipt.ended_at),
            session=receipt.session,
            account=home,
            client=family_of(receipt.client),
            client_version=receipt.client_version,
            model=receipt.model or (home.run.model if home else ""),
        )
    )


def _free(uses: Sequence[Merged]) -> Merged | None:
    """The first without a receipt, else the last."""
    return next((use for use in uses if use.receipt is None), uses[-1] if uses else None)


def _another(
    ledger: _Ledger,
    receipt: CallReceipt,
    name: str,
    *,
    beside: Merged | None,
    accounts: Sequence[Account],
) -> Merged:
    """A use that no trace tells apart: one more of a shell's loop, or one that our surface alone saw.

    The load of its skill in the same session a little before, where nothing else was called since, is
    its own: a script that the skill names did the call.
    """
    began = time_of(receipt.began_at)
    if beside is None and receipt.session:
        loads = [
            use
            for use in ledger.by_session[receipt.session, name]
            if not use.is_call and use.receipt is None and use.spans(began)
        ]
        if loads:
            return loads[-1]
    home = beside.account if beside else _account_of(receipt, accounts)
    return ledger.add(
        Merged(
            name=name,
            began=began,
            ended=time_of(receipt.ended_at),
            session=beside.session if beside else receipt.session,
            account=home,
            step=beside.step if beside else 0,
            client=beside.client if beside else family_of(receipt.client),
            client_version=beside.client_version if beside else receipt.client_version,
            model=beside.model if beside else receipt.model or (home.run.model if home else ""),
            call_ids=dict(beside.call_ids) if beside else {},
            is_call=True,
        )
    )


def _account_of(receipt: CallReceipt, accounts: Sequence[Account]) -> Account | None:
    own = [each for each in accounts if receipt.session and each.session == receipt.session]
    return own[0] if own else None


def _spend(ledger: _Ledger, accounts: Sequence[Account]) -> None:
    """Give each use its share of what its session took; tokens and costs from the account that has them."""
    by_session: dict[str, list[Account]] = defaultdict(list)
    for account in accounts:
        by_session[account.session].append(account)
    for session, own in by_session.items():
        uses = [use for use in ledger.uses if use.session == session]
        transcripts = [each for each in own if not each.is_telemetry] or own
        priced = [each for each in own if _has_cost(each)]
        for account in transcripts:
            for use, spent in spent_of(account, uses):
                use.spent = use.spent.plus(spent.only_tokens())
        for account in priced[:1] if all(each.is_telemetry for each in priced) else priced:
            for use, spent in spent_of(account, uses):
                use.spent = use.spent.plus(spent.only_cost())


def _has_cost(account: Account) -> bool:
    return any(step.cost_microusd is not None for step in account.run.steps)


def _finished(use: Merged) -> ArtifactUse:
    account = use.account
    return ArtifactUse(
        name=use.name,
        version=use.version,
        paths=tuple(use.paths),
        run=account.key if account else "",
        step=use.step,
        at=use.began.isoformat().replace("+00:00", "Z"),
        client=use.client,
        client_version=use.client_version,
        model=use.model,
        failed=use.receipt.failed if use.receipt else None,
        input_tokens=use.spent.input_tokens,
        output_tokens=use.spent.output_tokens,
        cost_microusd=use.spent.cost_microusd,
    )
