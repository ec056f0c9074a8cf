# For each file named as an argument "bytes name", then the total.
total=0
for file in "$@"; do
  [ -f "$file" ] || { echo "no file: $file" >&2; exit 1; }
  size=$(wc -c < "$file" | tr -d ' ')
  echo "$size $file"
  total=$((total + size))
done
echo "$total total"
