# Decode %XX and + of the first argument.
text="${1//+/ }"
text="${text//\\/\\\\}"
printf '%b\n' "${text//%/\\x}"
