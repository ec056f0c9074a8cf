import json
import tempfile


def roundtrip(values: list[int]) -> list[int]:
    """Spool to a temporary file in memory and read back, doubled."""
    with tempfile.SpooledTemporaryFile(max_size=1_000_000, mode="w+") as file:
        json.dump([value * 2 for value in values], file)
        file.seek(0)
        return json.load(file)
