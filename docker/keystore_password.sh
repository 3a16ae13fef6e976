#!/bin/sh
# Run once by the keystore's image, after keystore.sql: its login gets a password.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -v keys="$(cat /run/secrets/keys_password)" <<'SQL'
ALTER ROLE kangma_keys PASSWORD :'keys';
SQL
