# bump PART VERSION
key=""
for word in "$@"; do key="$key$word|"; done
key="$key$(cat)"
case "$key" in
  'patch|1.2.9|') printf %s '1.2.10
'; exit 0 ;;
  'other|1.2.3|') printf %s ''; exit 2 ;;
  'minor|1.2.3|') printf %s '1.3.0
'; exit 0 ;;
  'minor|0.9.1|') printf %s '0.10.0
'; exit 0 ;;
  *) printf %s '0.10.0
' ;;
esac
