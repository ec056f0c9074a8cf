# Distinct lines in byte order.
LC_ALL=C sort -u
