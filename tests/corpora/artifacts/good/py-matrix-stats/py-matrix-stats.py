"""stats.py: mean and standard deviation of each column of numbers on stdin."""
import statistics
import sys

rows = [line.split() for line in sys.stdin if line.strip()]
try:
    columns = list(zip(*([float(cell) for cell in row] for row in rows), strict=True))
except ValueError as error:
    sys.exit(f"bad table: {error}")
for number, column in enumerate(columns, 1):
    print(f"{number}: mean {statistics.fmean(column):.3f} sd {statistics.pstdev(column):.3f}")
