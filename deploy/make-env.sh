#!/bin/sh
# Writes .env, readable by its owner only, from .env.example with every secret that it leaves empty generated.
# An .env that is there already is never touched: it holds the only key to what Airflow has encrypted.
#
#   deploy/make-env.sh [FILE]     FILE is .env in the repository's top by default
set -eu
umask 077

here=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$here/.env}
[ ! -e "$target" ] || { echo "deploy/make-env.sh: $target exists and is left as it is" >&2; exit 1; }

# Hexadecimal, because these also stand in connection URIs, where other characters would need encoding.
hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
# A Fernet key is 32 bytes in URL-safe base64.
fernet_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }

while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        POSTGRES_PASSWORD= | SES_*_PASSWORD=) line=$line$(hex 24) ;;
        SES_JWT_SECRET= | SES_API_SECRET_KEY=) line=$line$(hex 64) ;;
        SES_FERNET_KEY=) line=$line$(fernet_key) ;;
        SES_WEB_PASSWORDS=) line="$line'{\"admin\": \"$(hex 12)\"}'" ;;
    esac
    printf '%s\n' "$line"
done <"$here/.env.example" >"$target.part"
mv "$target.part" "$target"
echo "wrote $target; next: name the mail relay in it (AIRFLOW_CONN_SES_SMTP). The web login is in SES_WEB_PASSWORDS."
