// Asks a Heliostat gateway for pictures as a stream, with OpenAI's own library, unchanged but for its address.
//
//   KEY=... node stream.mjs '{"model": "gpt-image-2", "prompt": "A sunset over mountains", "partial_images": 2}'
//   KEY=... node stream.mjs '{"model": "gpt-image-2", "prompt": "Snow on the roofs"}' village.png
//
// With a file as second argument the picture in it is edited. Every event becomes one line of JSON: its type, the
// number of bytes of its picture, its usage; progress has the stage and the target. An error is the last line.
// HELIOSTAT_URL says where the gateway is, if not on this machine's port 8080.
import { createReadStream } from "node:fs";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({
  baseURL: `${process.env.HELIOSTAT_URL ?? "http://127.0.0.1:8080"}/v1`,
  apiKey: process.env.KEY,
  maxRetries: 0,
});

const [text, file] = process.argv.slice(2);
const body = { ...JSON.parse(text), stream: true };

async function opened() {
  if (!file) return client.images.generate(body);
  const image = await toFile(createReadStream(file), "image.png", { type: "image/png" });
  return client.images.edit({ ...body, image });
}

try {
  for await (const event of await opened()) {
    const told = { type: event.type };
    if (event.b64_json) told.bytes = Buffer.from(event.b64_json, "base64").length;
    if (event.usage) told.usage = event.usage;
    if (event.metadata) told.cost = event.metadata.cost;
    if (event.stage) Object.assign(told, { stage: event.stage, target: event.target });
    console.log(JSON.stringify(told));
  }
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  const { status, code, type, message } = error;
  console.log(JSON.stringify({ error: { class: error.constructor.name, status, code, type, message } }));
  process.exitCode = 1;
}
