# Sum a column (first argument, default 1) of whitespace-separated stdin.
column="${1:-1}"
awk -v c="$column" '$c ~ /^-?[0-9]+$/ { total += $c } END { printf "%d\n", total }'
