#!/bin/sh
# curl and openssl by hand. Argument: "form" for -F, "data" for --data-urlencode. Waits for 100 Continue before the body.
# Uploads one file, asks how it stands, prints both answers.
set -eu

call() {
  text="{\"command\": \"$1\", \"api_key\": \"$VODLIFT_API_KEY\", \"timestamp\": $(date +%s), \"cdn\": 158, $2}"
  signature=$(printf %s "$text" | openssl dgst -sha256 -hmac "$VODLIFT_SECRET" -binary | base64)
  text="${text%\}}, \"signature\": \"$signature\"}"
  case $form in
    form) curl -fsS -m 20 -H 'Expect: 100-continue' -F "json=$text" "$VODLIFT_URL/stable/" ;;
    data) curl -fsS -m 20 -H 'Expect: 100-continue' -d format=short --data-urlencode "json=$text" "$VODLIFT_URL/dev" ;;
  esac
}

form=$1
answer=$(call aws.upload "\"path\": \"$VODLIFT_PATH\", \"destination_path\": \"$VODLIFT_DESTINATION\",
  \"bucket\": \"$VODLIFT_BUCKET\", \"metadata\": {\"from\": \"curl\"}, \"callback\": \"\"")
echo "$answer"
id=$(echo "$answer" | sed 's/.*"data":\([0-9]*\).*/\1/')
call aws.status "\"id\": \"$id\""
