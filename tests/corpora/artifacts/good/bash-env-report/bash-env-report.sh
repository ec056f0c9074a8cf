# Print its own arguments as name=value lines, sorted.
declare -A values
for pair in "$@"; do
  [[ "$pair" == *=* ]] || { echo "expected name=value: $pair" >&2; exit 1; }
  [[ -n "${pair%%=*}" ]] || exit 1
  values["${pair%%=*}"]="${pair#*=}"
done
for name in "${!values[@]}"; do printf '%s=%s\n' "$name" "${values[$name]}"; done | LC_ALL=C sort
