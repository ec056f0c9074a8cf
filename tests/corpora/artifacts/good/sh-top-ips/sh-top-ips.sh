# The three most frequent first words of a log, "count word".
awk 'NF { seen[$1]++ } END { for (w in seen) print seen[w], w }' | LC_ALL=C sort -k1,1nr -k2,2 | head -n 3
