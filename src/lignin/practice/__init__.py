"""The practice desk: a small order desk with tools, tasks and scripted agents. All simulated.

What it makes is for demonstrations, tests and campaigns that need runs with a known truth. Nothing
it says is evidence about real agents.
"""

from lignin.practice.agents import REFERENCE_AGENT, Agent
from lignin.practice.desk import PracticeDesk
from lignin.practice.families import FAMILIES, make_tasks
from lignin.practice.faults import FAULTS
from lignin.practice.recording import RecordedSessions, record_sessions
from lignin.practice.runner import PracticeRun, run_task
from lignin.practice.tasks import Task, make_task

__all__ = [
    "FAMILIES",
    "FAULTS",
    "REFERENCE_AGENT",
    "Agent",
    "PracticeDesk",
    "PracticeRun",
    "RecordedSessions",
    "Task",
    "make_task",
    "make_tasks",
    "record_sessions",
    "run_task",
]
