#!/bin/sh
# Five steps on one picture: generate, segment, mask, inpaint, upscale. Needs curl and python3; say `make run` first.
#
#   KEY=... sh chain.sh
#
# Leaves 1_generated.png, 2_segments.json, 3_mask.png, 4_inpainted.png and 5_upscaled.webp in this folder. MODEL is any
# model that can do all of it, HELIOSTAT_URL the gateway; a model for each step works as well.
set -eu
images="${HELIOSTAT_URL:-http://127.0.0.1:8080}/v1/images"
model="${MODEL:-studio}"

# ask <path> <file for the answer> <what curl is to send...>
ask() {
  path=$1 file=$2
  shift 2
  curl -fsS "$images/$path" -H "Authorization: Bearer $KEY" -F model="$model" -o "$file" "$@"
  echo "$path -> $file"
}

# 1. A picture, as the picture itself: with Accept: image/* there is no JSON around it.
curl -fsS "$images/generations" -H "Authorization: Bearer $KEY" -H "Accept: image/*" -o 1_generated.png \
  -d "{\"model\":\"$model\",\"prompt\":\"A red circle over a green meadow\",\"size\":\"768x512\",\"output_format\":\"png\"}"
echo "generations -> 1_generated.png"

# 2. Where the thing is: a mask for each label that was asked for, in data[].
ask segments 2_segments.json -F image=@1_generated.png -F labels="red circle" -F labels="sky" -F response_format=b64_json

# 3. The mask to work with, by its label. White is the thing that was found.
python3 - "red circle" <<'END'
import base64, json, sys

found = {each["label"]: each for each in json.load(open("2_segments.json"))["data"]}
open("3_mask.png", "wb").write(base64.b64decode(found[sys.argv[1]]["b64_json"]))
END
echo "mask -> 3_mask.png"

# 4. Something else in its place. mask_mode says that white is drawn anew; every other pixel stays as it is.
ask edits 4_inpainted.png -H "Accept: image/*" -F image=@1_generated.png -F mask=@3_mask.png -F mask_mode=white \
  -F prompt="a golden star" -F output_format=png

# 5. Twice as wide and high.
ask upscales 5_upscaled.webp -H "Accept: image/*" -F image=@4_inpainted.png -F scale_factor=2 -F output_format=webp
