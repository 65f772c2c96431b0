#!/usr/bin/env bash
# Verify a webhook by Standard Webhooks 1.0; exit 0: it is genuine and fresh, 1: it is not.
#
#     bash verify.sh ID TIMESTAMP SIGNATURES SECRET <body
#
# In place of arguments: WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE, WEBHOOK_SECRET.
# To try things out: openssl shows the key in the list of processes, and bash compares in
# a time that depends on the text.
set -euo pipefail

if (($# == 0)); then
  set -- "${WEBHOOK_ID-}" "${WEBHOOK_TIMESTAMP-}" "${WEBHOOK_SIGNATURE-}" "${WEBHOOK_SECRET-}"
fi
(($# == 4)) || exit 1
id=$1 timestamp=$2 signatures=$3 secret=$4

[[ -n $id && $timestamp =~ ^[0-9]{1,12}$ && $secret == whsec_?* ]] || exit 1
age=$(($(date +%s) - 10#$timestamp))
((age <= 300 && age >= -300)) || exit 1

key=$(printf '%s' "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
[[ -n $key ]] || exit 1
wanted=v1,$({ printf '%s.%s.' "$id" "$timestamp"; cat; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
[[ " $signatures " == *" $wanted "* ]] || exit 1
