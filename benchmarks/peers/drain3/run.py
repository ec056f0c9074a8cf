"""Groups lines with drain3, in drain3's own venv: lines as JSON in, seconds and groups as JSON out.

python run.py plain|masked < lines.json
"""

import json
import logging
import sys
import time

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

MASKS = (
    (r"https?://\S+", "URL"),
    (r"(?<!\S)/\S+", "PATH"),
    (r"\S+@\S+", "MAIL"),
    (r"\b0x[0-9a-f]+\b", "HEX"),
    (r"\b[0-9a-f]{32}\b", "HEX"),
    (r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "ID"),
    (r"\b\d{4}-\d\d-\d\dT\S+", "TIME"),
    (r"\b\d+\.\d+\.\d+\.\d+\b", "IP"),
    (r"\b[a-z]+_\d+\b", "ID"),
    (r"'\w+'", "TEXT"),
    (r"\b\d+\b", "NUM"),
)
SIMILARITY = 0.8


def main() -> None:
    """Time `add_log_message` over all lines."""
    logging.disable(logging.CRITICAL)
    lines = json.load(sys.stdin)
    config = TemplateMinerConfig()
    if sys.argv[1] == "masked":
        config.masking_instructions = [MaskingInstruction(form, name) for form, name in MASKS]
        config.drain_sim_th = SIMILARITY
    miner = TemplateMiner(config=config)
    start = time.process_time()
    found = [miner.add_log_message(line)["cluster_id"] for line in lines]
    json.dump([time.process_time() - start, found], sys.stdout)


if __name__ == "__main__":
    main()
