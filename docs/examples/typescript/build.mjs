// Generates the types of the committed protos into gen/ and compiles the programs into dist/.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROTOS = process.env.HELIOSTAT_PROTOS ?? fileURLToPath(new URL("../../../protos", import.meta.url));
const FILES = ["heliostat/api/router/v1/router.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"];
const HERE = fileURLToPath(new URL(".", import.meta.url));

function run(program, ...options) {
  execFileSync(process.execPath, [`${HERE}node_modules/${program}`, ...options], { cwd: HERE, stdio: "inherit" });
}

run(
  "@grpc/proto-loader/build/bin/proto-loader-gen-types.js",
  ...["--keepCase", "--longs=String", "--enums=String", "--defaults", "--oneofs", "--grpcLib=@grpc/grpc-js"],
  ...["--importFileExtension=.js", "--outDir=gen", ...FILES],
  ...[`--includeDirs=${PROTOS}`, `--includeDirs=${PROTOS}/vendor`],
);
run("typescript/bin/tsc");
