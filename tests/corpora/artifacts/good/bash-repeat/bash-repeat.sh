# repeat WORD COUNT: print a word COUNT times on one line.
word="$1" count="$2"
if ! [[ "$count" =~ ^[0-9]{1,3}$ ]]; then
  echo "COUNT is a number below 1000" >&2
  exit 2
fi
out=()
for ((i = 0; i < 10#$count; i++)); do out+=("$word"); done
echo "${out[*]}"
