# Print column N (first argument) of simple CSV on stdin, without the header.
tail -n +2 | cut -d, -f"${1:?column}"
