#!/bin/sh
# Generates every key that compose.yaml asks for, into docker/.env (mode 0600), where Docker Compose finds it.
set -eu
file="$(dirname "$0")/.env"
if [ -e "$file" ]; then
  echo "$file is there already: its keys open the databases that were made with them, so they are kept" >&2
  exit 1
fi
umask 077
for name in PREFECT_DATABASE_PASSWORD PREFECT_KEY ARGILLA_DATABASE_PASSWORD ARGILLA_SEARCH_PASSWORD \
  ARGILLA_REDIS_PASSWORD ARGILLA_SESSION_KEY ARGILLA_OWNER_PASSWORD ARGILLA_API_KEY; do
  echo "$name=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')"
done > "$file.new"
mv "$file.new" "$file"
echo "wrote $file"
