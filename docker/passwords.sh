#!/bin/sh
# Run once by the data store's image, after roles.sql: the two logins get their passwords.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -v owner="$(cat /run/secrets/owner_password)" -v app="$(cat /run/secrets/app_password)" <<'SQL'
ALTER ROLE kangma_owner PASSWORD :'owner';
ALTER ROLE kangma_app PASSWORD :'app';
SQL
