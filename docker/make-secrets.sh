#!/bin/sh
# Makes what compose.yaml takes from .lockkeeper: the admin token, the database's password and the key of Terraform's states, at
# random. What is there already stays.
#
# The shell client finds the admin token there, too. The directory lets nobody else in; the files themselves are readable, since the
# services read them as users of their own.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .lockkeeper
chmod 700 .lockkeeper
cd .lockkeeper
for secret in admin-token database-password terraform-state-key; do
    [ -s "$secret" ] || printf 'lkt_%s\n' "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >"$secret"
    chmod 644 "$secret"
done
