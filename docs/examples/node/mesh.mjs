// The gateway's public gRPC face, loaded from the committed protos: clients, the caller's key, typed errors.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

// Where the protos are: in this checkout, or wherever you copied `protos/heliostat` and `protos/vendor` to.
const PROTOS = process.env.HELIOSTAT_PROTOS ?? fileURLToPath(new URL("../../../protos", import.meta.url));

const definition = protoLoader.loadSync(
  ["heliostat/api/router/v1/router.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"],
  { includeDirs: [PROTOS, `${PROTOS}/vendor`], keepCase: true, longs: String, enums: String, oneofs: true, defaults: true },
);
const { heliostat } = grpc.loadPackageDefinition(definition);

const ADDRESS = process.env.HELIOSTAT_GRPC ?? "127.0.0.1:50051";
const credentials = process.env.HELIOSTAT_TLS ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();

export const router = new heliostat.api.router.v1.RouterService(ADDRESS, credentials);

/** Metadata of every call: who is asking. */
export function caller() {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${process.env.KEY}`);
  return metadata;
}

/** Options of a call that must be over after so many seconds. */
export function within(seconds) {
  return { deadline: Date.now() + seconds * 1000 };
}

/** A unary method as a promise. */
export function ask(client, method, request, seconds = 30) {
  return new Promise((resolve, reject) => {
    client[method](request, caller(), within(seconds), (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** What is behind an error of gRPC: the code's name, the reason of the closed set, when to come back. */
export function explained(error) {
  const told = { code: grpc.status[error.code], message: error.details };
  const [packed] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!packed) return told;
  for (const detail of definition["google.rpc.Status"].deserialize(packed).details) {
    const type = detail.type_url.split("/").pop();
    if (type === "google.rpc.ErrorInfo") {
      const { reason, domain, metadata } = definition[type].deserialize(detail.value);
      Object.assign(told, { reason, domain, metadata });
    } else if (type === "google.rpc.RetryInfo") {
      const { seconds, nanos } = definition[type].deserialize(detail.value).retry_delay;
      told.retryAfterSeconds = Number(seconds) + nanos / 1e9;
    }
  }
  return told;
}

/** google.type.Money as a number of US dollars. */
export function dollars(money) {
  return money ? Number(money.units) + money.nanos / 1e9 : null;
}
