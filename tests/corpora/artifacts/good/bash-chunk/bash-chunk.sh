# Number stdin in blocks of N lines (default 2).
size="${1:-2}"
[[ "$size" =~ ^[1-9][0-9]{0,2}$ ]] || exit 2
count=0
while IFS= read -r line || [[ -n "$line" ]]; do
  ((count % size == 0)) && echo "-- $((count / size + 1))"
  printf '%s\n' "$line"
  count=$((count + 1))
done
exit 0
