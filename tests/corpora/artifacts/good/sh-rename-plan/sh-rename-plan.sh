# Print the mv commands that give every argument a lower-case name.
for name in "$@"; do
  low=$(printf '%s' "$name" | tr '[:upper:] ' '[:lower:]_')
  [ "$name" = "$low" ] || printf "mv -- '%s' '%s'\n" "$name" "$low"
done
exit 0
