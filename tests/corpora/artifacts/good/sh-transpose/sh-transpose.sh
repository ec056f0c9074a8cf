# Transpose a whitespace table.
awk '{ for (i = 1; i <= NF; i++) cell[NR, i] = $i; if (NF > wide) wide = NF }
END { for (i = 1; i <= wide; i++) { line = cell[1, i]; for (r = 2; r <= NR; r++) line = line " " cell[r, i]; print line } }'
