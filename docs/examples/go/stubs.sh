#!/bin/sh
# Generates the Go code of the committed protos into gen/. PROTOC is the compiler, if `protoc` is not on the path:
# PROTOC="python -m grpc_tools.protoc" after `pip install grpcio-tools`.
set -eu
cd "$(dirname "$0")"
protos=${HELIOSTAT_PROTOS:-../../../protos}
go build -o bin/ google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
module=github.com/heliostat/heliostat
PATH="$PWD/bin:$PATH" ${PROTOC:-protoc} -I"$protos" -I"$protos/vendor" \
  --go_out=. --go_opt=module=$module --go-grpc_out=. --go-grpc_opt=module=$module \
  "$protos"/heliostat/api/image/v1/*.proto "$protos/heliostat/api/router/v1/router.proto" \
  "$protos/heliostat/api/adapter/v1/adapter.proto"
