// Makes a picture through the public gRPC face and writes it down.
//
//   npm ci && npm run build
//   KEY=... node dist/generate.js flux-schnell "A sunset over mountains" picture.webp
//
// HELIOSTAT_GRPC says where the gateway is, if not on this machine's port 50051.
import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import * as protoLoader from "@grpc/proto-loader";
import type { ErrorInfo__Output } from "./gen/google/rpc/ErrorInfo.js";
import type { Status__Output } from "./gen/google/rpc/Status.js";
import type { ImageEvent__Output } from "./gen/heliostat/api/image/v1/ImageEvent.js";
import type { GenerateResponse__Output } from "./gen/heliostat/api/router/v1/GenerateResponse.js";
import type { ProtoGrpcType } from "./gen/router.js";

const PROTOS = process.env.HELIOSTAT_PROTOS ?? fileURLToPath(new URL("../../../../protos", import.meta.url));
const MEDIA_TYPES: Record<string, string> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".avif": "image/avif",
};

const definition = protoLoader.loadSync(
  ["heliostat/api/router/v1/router.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"],
  { includeDirs: [PROTOS, `${PROTOS}/vendor`], keepCase: true, longs: String, enums: String, oneofs: true, defaults: true },
);
const { heliostat } = grpc.loadPackageDefinition(definition) as unknown as ProtoGrpcType;

const [model, prompt, file = ""] = process.argv.slice(2);
const router = new heliostat.api.router.v1.RouterService(
  process.env.HELIOSTAT_GRPC ?? "127.0.0.1:50051",
  grpc.credentials.createInsecure(),
);
const caller = new grpc.Metadata();
caller.set("authorization", `Bearer ${process.env.KEY}`);
let picture: Buffer[] = [];

/** Adds chunks of the first picture to it and prints the rest. */
function take(event: ImageEvent__Output): void {
  if (event.attempt_started) {
    console.log("asking", event.attempt_started.target);
  } else if (event.attempt_failed) {
    console.log("failed", event.attempt_failed.attempt?.target, event.attempt_failed.attempt?.status?.message);
  } else if (event.media_started?.image_index === 0) {
    picture = [];
  } else if (event.media_chunk?.image_index === 0) {
    picture.push(event.media_chunk.data as Buffer);
  } else if (event.completed) {
    const cost = event.completed.cost?.amount;
    const usd = Number(cost?.units ?? 0) + (cost?.nanos ?? 0) / 1e9;
    console.log("made by", event.completed.provider, "for", usd, cost?.currency_code);
  }
}

/** A detail of an error; the loader decodes those messages whose definitions it has read. */
function decoded<Message extends object>(type: string, bytes: Buffer): Message {
  return (definition[type] as unknown as protoLoader.MessageTypeDefinition<Message, Message>).deserialize(bytes) as Message;
}

/** The reason of the closed set before the sentence. */
function explained(error: grpc.ServiceError): string {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  const details = packed ? decoded<Status__Output>("google.rpc.Status", packed as Buffer).details : [];
  for (const detail of details as unknown as { type_url: string; value: Buffer }[]) {
    if (detail.type_url.endsWith("/google.rpc.ErrorInfo")) {
      return `${decoded<ErrorInfo__Output>("google.rpc.ErrorInfo", detail.value).reason}: ${error.details}`;
    }
  }
  return error.message;
}

const request = { image: { model, prompt, output: { media_type: MEDIA_TYPES[extname(file)] } }, progressive: true };
try {
  const answers = router.Generate(request, caller, { deadline: Date.now() + 120_000 });
  for await (const answer of answers as AsyncIterable<GenerateResponse__Output>) answer.events.forEach(take);
  await writeFile(file, Buffer.concat(picture));
} catch (error) {
  if (!(error instanceof Error && "metadata" in error)) throw error;
  console.error(explained(error as grpc.ServiceError));
  process.exitCode = 1;
} finally {
  router.close();
}
