# Addresses found in stdin, one a line, each once.
grep -Eo '[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}' | LC_ALL=C sort -u
