from lignin.domain.errors import CallFailedError as CallFailedError
from lignin.domain.errors import ConflictError as ConflictError
from lignin.domain.errors import DeniedError as DeniedError
from lignin.domain.errors import GateFailedError as GateFailedError
from lignin.domain.errors import IntegrityError as IntegrityError
from lignin.domain.errors import InvalidRequestError as InvalidRequestError
from lignin.domain.errors import LigninError as LigninError
from lignin.domain.errors import LimitedError as LimitedError
from lignin.domain.errors import NotFoundError as NotFoundError
from lignin.domain.errors import UnavailableError as UnavailableError
from lignin.interfaces.sdk import aio as aio
from lignin.interfaces.sdk.artifacts import Artifact as Artifact
from lignin.interfaces.sdk.captured import Captured as Captured
from lignin.interfaces.sdk.captured import capture as capture
from lignin.interfaces.sdk.client import Client as Client
from lignin.interfaces.sdk.client import artifact as artifact
from lignin.interfaces.sdk.client import connect as connect
from lignin.interfaces.sdk.client import feedback as feedback
from lignin.interfaces.sdk.client import search as search
from lignin.interfaces.sdk.client import session as session
from lignin.interfaces.sdk.sessions import Session as Session

__version__: str
