#!/bin/sh
# Prints the Secrets that deploy/helm/values.yaml names, with generated keys. Run it once, keep what it prints outside git:
#
#   SES_AIRFLOW_DB_URI=postgresql+psycopg2://airflow:PASSWORD@HOST:5432/airflow \
#   AIRFLOW_CONN_SES_DB=postgresql://ses:PASSWORD@HOST:5432/ses \
#   AIRFLOW_CONN_SES_SMTP='smtp://login:password@smtp.example.com:587/?tls=starttls' \
#       deploy/helm/make-secrets.sh >ses-ops-secrets.yaml
#   kubectl --namespace ses-ops apply -f ses-ops-secrets.yaml
#
# A second run makes other keys: what Airflow has encrypted cannot be read with them. SES_FERNET_KEY, SES_JWT_SECRET,
# SES_API_SECRET_KEY and SES_WEB_PASSWORDS (of the .env that deploy/make-env.sh wrote, say) are taken when they are set.
# AIRFLOW_CONN_SES_BOUNCE_MAILBOX, AIRFLOW_VAR_SES_WARMUP_QUOTA and the SES_HOOK_... of docs/feedback.md go in when they are set.
set -eu

# Hexadecimal of so many bytes; a Fernet key is 32 bytes in URL-safe base64.
hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
fernet_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }

# One entry of `stringData`: KEY VALUE. In YAML's single quotes only the single quote itself is doubled.
entry() {
    case $2 in
        *'
'*) echo "deploy/helm/make-secrets.sh: $1 has more than one line" >&2; exit 1 ;;
    esac
    printf "  %s: '%s'\n" "$1" "$(printf '%s' "$2" | sed "s/'/''/g")"
}

# An entry for each named variable of the environment that has a value.
given() {
    for name in "$@"; do
        value=$(printenv "$name" || true)
        [ -z "$value" ] || entry "$name" "$value"
    done
}

secret() { printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s}\nstringData:\n' "$1"; }

for name in SES_AIRFLOW_DB_URI AIRFLOW_CONN_SES_DB AIRFLOW_CONN_SES_SMTP; do
    [ -n "$(printenv "$name" || true)" ] || { echo "deploy/helm/make-secrets.sh: $name is not set" >&2; exit 1; }
done

secret ses-ops-airflow
entry connection "$SES_AIRFLOW_DB_URI"
entry fernet-key "${SES_FERNET_KEY:-$(fernet_key)}"
entry jwt-secret "${SES_JWT_SECRET:-$(hex 64)}"
entry api-secret-key "${SES_API_SECRET_KEY:-$(hex 64)}"

secret ses-ops-connections
given AIRFLOW_CONN_SES_DB AIRFLOW_CONN_SES_SMTP AIRFLOW_CONN_SES_BOUNCE_MAILBOX AIRFLOW_VAR_SES_WARMUP_QUOTA

secret ses-ops-login
entry SES_WEB_PASSWORDS "${SES_WEB_PASSWORDS:-{\"admin\": \"$(hex 12)\"\}}"

# values.yaml and the manifests do without this one.
hooks=$(given SES_HOOK_AMAZON_SES_TOPICS SES_HOOK_TENCENT_SES_SECRET SES_HOOK_SENDGRID_KEY SES_HOOK_MAILGUN_KEY \
    SES_HOOK_POSTMARK_LOGIN SES_HOOK_CUSTOM_SECRET)
if [ -n "$hooks" ]; then
    secret ses-ops-hooks
    printf '%s\n' "$hooks"
fi
