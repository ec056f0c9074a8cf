# Remove # comments and blank lines from stdin.
sed -e 's/[[:space:]]*#.*$//' -e '/^[[:space:]]*$/d'
