# join SEPARATOR ITEMS...
sep="$1"
shift
first=1
for item in "$@"; do
  if ((first)); then printf '%s' "$item"; else printf '%s%s' "$sep" "$item"; fi
  first=0
done
printf '\n'
