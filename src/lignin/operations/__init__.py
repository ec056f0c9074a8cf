"""What can be done with Lignin: one file per noun, one typed function per verb.

Every surface (command line, later MCP, HTTP and console) is generated from these functions, their
request and response models and their docstrings.
"""

NOT_NOUNS = frozenset(
    {
        "__init__",
        "artifact_models",
        "artifact_views",
        "casework",
        "context",
        "handover",
        "registry",
        "reopening",
        "routine_proof",
        "routine_script_proof",
        "lifecycle",
        "nearness",
        "heads",
        "filing",
        "harvest",
        "intake",
        "planning",
        "program_first",
        "proofs",
        "routinework",
        "judgework",
        "rubricwork",
        "choice",
        "demo_report",
        "drafting",
        "evidence_plot",
        "gatework",
        "subjects",
        "trialwork",
        "environments",
        "detection",
        "exits",
        "judging",
        "packages",
        "programs",
        "skill_models",
        "tally",
        "taskwork",
        "off_heads",
        "telemetry",
        "trace_view",
        "uses",
        "weights",
    }
)
"""Files of this folder that hold no operations: what several nouns share."""
