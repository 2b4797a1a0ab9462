#!/usr/bin/env bash
# Holds the REST API against its own description: sends what the description allows and what it forbids, as an admin, to a
# hub of its own, and fails on any answer that the description does not have, and on any 5xx.
# Usage: tests/tools/schemathesis.sh PATH-TO-BIDHUB [arguments of schemathesis]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
readonly VERSION=4.32.5
bidhub=$PWD/$1
shift

tools=$PWD/target/tools/schemathesis-$VERSION
if [ ! -x "$tools/bin/st" ]; then
  python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION" || exit 1
fi

data=$(mktemp -d) || exit 1
"$bidhub" serve --data-dir "$data" --listen 127.0.0.1:0 --rate-limits off --log-filter error >"$data/said" 2>"$data/log" &
hub=$!
trap 'kill "$hub" 2>/dev/null; wait "$hub" 2>/dev/null; rm -rf "$data"' EXIT
url=
for _ in $(seq 200); do
  url=$(sed -n 's/^bidhub listens on //p' "$data/said")
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { cat "$data/log" >&2; exit 1; }

"$bidhub" user add --data-dir "$data" --role admin --email admin@example.com --display-name Admin <<<'correct horse battery' >/dev/null || exit 1
token=$(curl -sS --fail-with-body -H 'Content-Type: application/json' \
  -d '{"email":"admin@example.com","password":"correct horse battery"}' "$url/api/auth/login" | jq -r .token)

# Left out: what is no HTTP after its head, what ends the session that all else needs, and what is signed by somebody else.
cd "$data" || exit 1
"$tools/bin/st" run "$url/api/openapi.json" --url "$url" -H "Authorization: Bearer $token" --workers 1 \
  --phases examples,coverage,fuzzing --max-examples 20 --generation-database none --suppress-health-check all \
  --exclude-path /ws --exclude-path /api/auth/logout --exclude-path /api/auth/password \
  --exclude-path '/api/payments/{provider}/webhook' \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection \
  "$@"
code=$?
if [ -s "$data/log" ]; then
  echo 'the hub said:'
  tail -20 "$data/log"
fi
exit "$code"
