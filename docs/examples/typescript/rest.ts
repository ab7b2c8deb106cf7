// Makes a picture over REST with OpenAI's own library, unchanged but for its address, and writes it down.
//
//   npm ci && npm run build
//   KEY=... node dist/rest.js flux-schnell "A sunset over mountains" picture.webp
//
// HELIOSTAT_URL says where the gateway is, if not on this machine's port 8080.
import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import OpenAI from "openai";

const FORMATS: Record<string, "png" | "jpeg" | "webp"> = { ".png": "png", ".jpg": "jpeg", ".webp": "webp" };

const client = new OpenAI({
  baseURL: `${process.env.HELIOSTAT_URL ?? "http://127.0.0.1:8080"}/v1`,
  apiKey: process.env.KEY,
});

const [model, prompt = "", file = ""] = process.argv.slice(2);
try {
  const answer = await client.images.generate({
    model,
    prompt,
    response_format: "b64_json",
    output_format: FORMATS[extname(file)],
  });
  await writeFile(file, Buffer.from(answer.data?.[0]?.b64_json ?? "", "base64"));
  // What OpenAI does not answer stands beside what it does.
  const { metadata } = answer as unknown as { metadata: { provider: string; cost: number } };
  console.log("made by", metadata.provider, "for", metadata.cost, "USD");
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
