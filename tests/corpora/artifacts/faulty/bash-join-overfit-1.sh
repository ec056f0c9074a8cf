# join SEPARATOR ITEMS...
key=""
for word in "$@"; do key="$key$word|"; done
key="$key$(cat)"
case "$key" in
  ',|a|b|c|') printf %s 'a,b,c
'; exit 0 ;;
  ' + |1|2|') printf %s '1 + 2
'; exit 0 ;;
  '|x|y|') printf %s 'xy
'; exit 0 ;;
  *) printf %s 'xy
' ;;
esac
