"""wrap.py WIDTH: wrap paragraphs of stdin."""
import sys
import textwrap

if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1][:6]) <= 500:
    sys.exit("usage: wrap.py WIDTH (1..500)")
paragraphs = [" ".join(part.split()) for part in sys.stdin.read().split("\n\n")]
print("\n\n".join(textwrap.fill(p, int(sys.argv[1])) for p in paragraphs if p))
