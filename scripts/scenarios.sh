#!/usr/bin/env bash
# Sends five webhooks to a running Showup, and compares each response with the expected one.
#
#   CALCOM_WEBHOOK_SECRET=… scripts/scenarios.sh           all five
#   CALCOM_WEBHOOK_SECRET=… scripts/scenarios.sh 2 4       some of them
#
# Requires bash, curl, openssl and date. SHOWUP_URL is the URL of Showup (default: http://127.0.0.1:8000).
# CUSTOMER_EMAIL is the attendee of scenario 5: a person who received one of your campaigns.
set -euo pipefail

readonly SHOWUP_URL="${SHOWUP_URL:-http://127.0.0.1:8000}"
readonly WEBHOOK_URL="${SHOWUP_URL%/}/webhook/calcom-booking"
readonly CUSTOMER_EMAIL="${CUSTOMER_EMAIL:-customer@scenarios.example}"

if [ -z "${CALCOM_WEBHOOK_SECRET:-}" ]; then
  echo "CALCOM_WEBHOOK_SECRET is not set. Set it to the webhook secret of your Showup, for example" >&2
  echo "  CALCOM_WEBHOOK_SECRET=… $0" >&2
  exit 2
fi

failed=0
# Each run creates new bookings, because Showup ignores repeated ones.
readonly RUN="$(date -u +%s)$$"

# in_minutes N: prints the time N minutes from now in UTC, in Cal.com's format. Tries GNU's date, then BSD's.
in_minutes() {
  local at=$(($(date -u +%s) + $1 * 60))
  date -u -d "@$at" +%Y-%m-%dT%H:%M:00.000Z 2>/dev/null || date -u -r "$at" +%Y-%m-%dT%H:%M:00.000Z
}

# body TRIGGER STATUS NUMBER MINUTES ATTENDEES: prints a webhook for a meeting that starts in MINUTES minutes.
body() {
  local now
  now="$(date -u +%Y-%m-%dT%H:%M:%S.000Z)"
  printf '{"triggerEvent":"%s","createdAt":"%s","payload":{"uid":"scenario%s%s","bookingId":%s,' \
    "$1" "$now" "$3" "$RUN" "1${RUN: -7}$3"
  printf '"title":"Diagnostic call","type":"diagnostic-call","status":"%s","startTime":"%s","endTime":"%s",' \
    "$2" "$(in_minutes "$4")" "$(in_minutes $(($4 + 30)))"
  printf '"length":30,"location":"integrations:daily","organizer":{"name":"Robin Rivers",'
  printf '"email":"robin@showup-sample.example","timeZone":"UTC","language":{"locale":"en"}},'
  printf '"attendees":%s,"metadata":{"showup":"simulated"}}}' "$5"
}

# attendee NAME EMAIL: prints a list with one attendee.
attendee() {
  printf '[{"name":"%s","email":"%s","timeZone":"America/Toronto","language":{"locale":"en"}}]' "$1" "$2"
}

# post NAME STATUS WORD BODY: signs and sends BODY, and compares the response with STATUS and WORD.
post() {
  local signature answer code
  signature="$(printf '%s' "$4" | openssl dgst -sha256 -hmac "$CALCOM_WEBHOOK_SECRET" | sed 's/^.*= *//')"
  echo "$1"
  echo "  expected  $2 $3"
  if ! answer="$(printf '%s' "$4" | curl --silent --show-error --max-time 10 --noproxy '*' \
    --write-out '\n%{http_code}' --data-binary @- \
    --header 'Content-Type: application/json' \
    --header "X-Cal-Signature-256: $signature" \
    --header 'X-Cal-Webhook-Version: 2021-10-20' "$WEBHOOK_URL")"; then
    echo "  got       no response from $WEBHOOK_URL. Start Showup with `make run`."
    failed=1
    return
  fi
  code="${answer##*$'\n'}"
  answer="${answer%$'\n'*}"
  echo "  got       $code $answer"
  if [ "$code" = "$2" ] && [[ "$answer" == *"$3"* ]]; then
    echo "  ok"
  else
    echo "  DIFFERENT"
    failed=1
  fi
}

scenario() {
  local lead
  lead="$(attendee "Dana Fields" "dana.fields$RUN@scenarios.example")"
  case "$1" in
    1) post "1. A new booking" 202 accepted "$(body BOOKING_CREATED ACCEPTED 1 5760 "$lead")" ;;
    2) post "2. A cancelled booking: stored, but there is no call to prepare" 200 ignored \
      "$(body BOOKING_CANCELLED CANCELLED 1 5760 "$lead")" ;;
    3) post "3. A booking without attendees" 400 "" "$(body BOOKING_CREATED ACCEPTED 3 5760 '[]')" ;;
    4) post "4. A meeting in one hour: accepted, but too soon for a reminder" 202 accepted \
      "$(body BOOKING_CREATED ACCEPTED 4 60 "$lead")" ;;
    5) post "5. An attendee who received a campaign ($CUSTOMER_EMAIL)" 202 accepted \
      "$(body BOOKING_CREATED ACCEPTED 5 7200 "$(attendee "Casey Customer" "$CUSTOMER_EMAIL")")" ;;
    *)
      echo "There is no scenario $1. Use a number from 1 to 5." >&2
      exit 2
      ;;
  esac
}

for number in "${@:-1 2 3 4 5}"; do
  # The default is one word with five numbers, so this loop splits it.
  for one in $number; do
    scenario "$one"
  done
done
exit "$failed"
