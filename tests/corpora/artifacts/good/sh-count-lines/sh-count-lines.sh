# Count non-blank lines of stdin.
grep -c '[^[:space:]]' || true
