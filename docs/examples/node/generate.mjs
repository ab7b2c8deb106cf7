// Makes pictures through the public gRPC face and writes them into a folder.
//
//   KEY=... node generate.mjs '{"model": "flux-schnell", "prompt": "A sunset over mountains"}' pictures [once-only-key]
//
// The first argument is an ImageRequest of protos/heliostat/api/image/v1/request.proto. One line of JSON tells every
// event as it comes; the last line tells files, provider, cost and attempts, or the error.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { caller, dollars, explained, router, within } from "./mesh.mjs";

const EXTENSIONS = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif" };

const [image, folder, idempotencyKey = ""] = process.argv.slice(2);
const request = { image: JSON.parse(image), idempotency_key: idempotencyKey, progressive: true };
const pictures = new Map();
const files = [];

function say(line) {
  console.log(JSON.stringify(line));
}

async function take(event) {
  switch (event.event) {
    case "admitted":
      return say({ admitted: event.admitted.request_id, replayed: event.admitted.replayed });
    case "attempt_started":
      return say({ asking: event.attempt_started.target });
    case "attempt_failed": {
      const { target, outcome, billed, status } = event.attempt_failed.attempt;
      return say({ failed: target, outcome, billed, message: status.message });
    }
    case "media_started":
      // A preview, or a second attempt after a cut one, begins the picture of that index anew.
      return void pictures.set(event.media_started.image_index, { info: event.media_started, pieces: [] });
    case "media_chunk":
      return void pictures.get(event.media_chunk.image_index).pieces.push(event.media_chunk.data);
    case "media_ended":
      return keep(event.media_ended);
    case "completed":
      return say(summary(event.completed));
    case "detached":
      return say({ goesOnAs: event.detached.request_id });
  }
}

async function keep({ image_index, sha256 }) {
  const { info, pieces } = pictures.get(image_index);
  if (info.partial) return;
  const bytes = Buffer.concat(pieces);
  if (sha256.length && !createHash("sha256").update(bytes).digest().equals(sha256)) {
    throw new Error(`Picture ${image_index} is not what was sent.`);
  }
  const file = join(folder, `${image_index}.${EXTENSIONS[info.media_type] ?? "bin"}`);
  await writeFile(file, bytes);
  files.push({ file, width: info.width_px, height: info.height_px, mediaType: info.media_type });
}

function summary(result) {
  return {
    files,
    provider: result.provider,
    providerModel: result.provider_model,
    cost: dollars(result.cost?.amount),
    attempts: result.attempts.map(({ target, outcome, billed, cost }) => ({
      target,
      outcome,
      billed,
      cost: dollars(cost),
    })),
  };
}

await mkdir(folder, { recursive: true });
try {
  for await (const response of router.Generate(request, caller(), within(120))) {
    for (const event of response.events) await take(event);
  }
} catch (error) {
  if (error.code === undefined) throw error;
  say({ error: explained(error) });
  process.exitCode = 1;
} finally {
  router.close();
}
