// Asks a Heliostat gateway for pictures with OpenAI's own library, unchanged but for its address.
//
//   KEY=... node rest.mjs '{"model": "flux-schnell", "prompt": "A sunset over mountains"}' [another body ...]
//
// Every body is sent as it stands and answered with one line of JSON: the pictures and what they cost, or the class,
// status and code of the error. HELIOSTAT_URL says where the gateway is, if not on this machine's port 8080.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.env.HELIOSTAT_URL ?? "http://127.0.0.1:8080"}/v1`,
  apiKey: process.env.KEY,
  maxRetries: 0,
});

async function answerTo(body) {
  try {
    const { data: answer, response } = await client.images.generate(body).withResponse();
    return {
      images: answer.data.map(described),
      metadata: answer.metadata,
      requestId: response.headers.get("x-request-id"),
    };
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    const { status, code, type, param, message, requestID } = error;
    return { error: { class: error.constructor.name, status, code, type, param, message, requestId: requestID } };
  }
}

function described(image) {
  if (image.url) return { url: image.url };
  const bytes = Buffer.from(image.b64_json, "base64");
  return { bytes: bytes.length, base64: image.b64_json };
}

for (const text of process.argv.slice(2)) {
  console.log(JSON.stringify(await answerTo(JSON.parse(text))));
}
