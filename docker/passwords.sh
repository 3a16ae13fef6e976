#!/bin/sh
# Run once by the data store's image, after roles.sql: the logins get their passwords.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -v owner="$(cat /run/secrets/owner_password)" -v app="$(cat /run/secrets/app_password)" \
    -v desk="$(cat /run/secrets/desk_password)" -v backup="$(cat /run/secrets/backup_password)" <<'SQL'
ALTER ROLE kangma_owner PASSWORD :'owner';
ALTER ROLE kangma_app PASSWORD :'app';
ALTER ROLE kangma_desk PASSWORD :'desk';
ALTER ROLE kangma_backup PASSWORD :'backup';
SQL
