"""hist.py: bar chart of words on stdin."""
import sys
from collections import Counter

counts = Counter(sys.stdin.read().split())
width = max(map(len, counts), default=0)
for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
    print(f"{word:<{width}} {'#' * count} {count}")
