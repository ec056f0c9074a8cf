# Print the value of KEY (first argument) from KEY=VALUE lines of config.env; exit 1 if absent.
key="$1"
[ -n "$key" ] || { echo "usage: kv-get KEY" >&2; exit 2; }
line=$(grep -F -- "$key=" config.env 2>/dev/null | awk -v k="$key=" 'index($0, k) == 1' | tail -n 1)
[ -n "$line" ] || exit 1
printf '%s\n' "${line#*=}"
