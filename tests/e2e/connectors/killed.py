"""Run as a program: one operation on a connector, killed by itself right before or after it reaches outside.

Arguments: home, `before` or `after`, the operation, its request as JSON.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lignin.app import load_settings, open_context
from lignin.domain.messages import Posting
from lignin.operations.registry import load_operations
from lignin.ports.connector import (
    Batch,
    Certainty,
    Connector,
    ConnectorAsked,
    Delivered,
    Sink,
    Source,
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Killed:
    """A source and sink that ends its process at a place."""

    def __init__(self, inner: Connector, place: str) -> None:
        self._inner, self._place = inner, place

    def poll(self, cursor: str, *, most: int) -> Batch:
        source: Source | None = self._inner.source
        assert source is not None
        if self._place == "before":
            die()
        source.poll(cursor, most=most)
        die()
        raise AssertionError

    def certainty(self, posting: Posting) -> Certainty:
        return self._sink.certainty(posting)

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:
        return self._sink.find(posting, key, since)

    def send(self, posting: Posting, key: str) -> Delivered:
        if self._place == "after":
            self._sink.send(posting, key)
        die()
        raise AssertionError

    @property
    def _sink(self) -> Sink:
        assert self._inner.sink is not None
        return self._inner.sink


def main() -> None:
    home, place, name, request = sys.argv[1:]
    settings = load_settings(dict(os.environ), Path(home).parent / "work")
    operation = load_operations()[name]
    with open_context(settings) as context:

        def opened(asked: ConnectorAsked) -> Connector:
            inner = context.open_connector(asked)
            killed = Killed(inner, place)
            return replace(inner, source=killed, sink=killed)

        operation.run(
            replace(context, open_connector=opened), operation.request(**json.loads(request))
        )


main()
