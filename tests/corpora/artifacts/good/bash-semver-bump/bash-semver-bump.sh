# bump PART VERSION
part="$1"
if ! [[ "$2" =~ ^([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})$ ]]; then
  echo "not a version: $2" >&2
  exit 1
fi
major=$((10#${BASH_REMATCH[1]})) minor=$((10#${BASH_REMATCH[2]})) patch=$((10#${BASH_REMATCH[3]}))
case "$part" in
  major) major=$((major + 1)) minor=0 patch=0 ;;
  minor) minor=$((minor + 1)) patch=0 ;;
  patch) patch=$((patch + 1)) ;;
  *) echo "not a part: $part" >&2; exit 2 ;;
esac
echo "$major.$minor.$patch"
