"""The contracts: fresh, complete, and never broken."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2, media_pb2, reason_pb2, request_pb2
from heliostat.api.ledger.v1 import admin_pb2 as ledger_admin_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import admin_pb2, router_pb2

ROOT = Path(__file__).parents[2]
PROTOS = sorted((ROOT / "protos" / "heliostat").rglob("*.proto"))

METHODS = {
    adapter_pb2: {"AdapterService": "Describe Estimate Generate Cancel DeliverWebhook"},
    router_pb2: {"RouterService": "Generate Estimate ListModels ListProviders DeliverWebhook"},
    admin_pb2: {"RouterAdminService": "ListTargets UpdateTarget ResetTarget WatchTargets ExplainRequest"},
    ledger_pb2: {
        "LedgerService": "GetJob WaitJob CancelJob ListRequests GetRequest GetUsage GetBalance PurgeRequest "
        "UploadFile ListFiles GetFile DeleteFile ReadMedia GetArms"
    },
    ledger_admin_pb2: {
        "LedgerAdminService": "CreateKey ListKeys UpdateKey RotateKey RevokeKey SetBudget ListBudgets ListAllRequests "
        "GetAnyRequest GetTotalUsage PurgeAnyRequest ReadAnyMedia WatchTraffic GetAllArms GetDecisions "
        "ListUnknownAttempts"
    },
}

FIELDS = {
    request_pb2.ImageRequest: "model prompt negative_prompt text_to_image edit variation upscale remove_background "
    "segment style_transfer outpaint references seed image_count size output moderation strict end_user_id "
    "provider_options "
    "extra_fields routing session_id tags",
    request_pb2.Edit: "image mask strength mask_mode",
    request_pb2.Segment: "image labels points boxes",
    request_pb2.Size: "pixels aspect",
    request_pb2.Output: "media_type compression_percent quality background partial_image_count delivery",
    request_pb2.Routing: "order only ignore sort max_cost allow_fallbacks fallback_models max_wait on_unknown cohort",
    media_pb2.Media: "data uri blob_id file_id",
    event_pb2.Timing: "queue provider download convert store total",
    event_pb2.Adjustment: "parameter requested sent delivered reason mode",
    event_pb2.Attempt: "target outcome billed cost provider_job_id status start_time duration account",
    event_pb2.ImageResult: "provider_model provider image_count usage cost timing attempts adjustments "
    "provider_metadata",
    event_pb2.ImageEvent: "admitted attempt_started provider_accepted progress media_started media_chunk media_ended "
    "attempt_failed completed detached",
    event_pb2.Decision: "candidates draw route sticky parts",
    event_pb2.Decision.Candidate: "target priority weight excluded_because place measure",
    event_pb2.AttemptFailure: "outcome billed cost provider_job_id phase",
    router_pb2.GenerateRequest: "image request_id idempotency_key wait",
    router_pb2.TargetEstimate: "target cost adjustments excluded_because",
    router_pb2.Provider: "name provider status pulse targets",
    router_pb2.ProviderTarget: "target models status because return_time pulse",
    router_pb2.Pulse: "call_count success_ratio p50_seconds p95_seconds",
    ledger_pb2.Arm: "target weight request_count success_count rescued_count attempt_count delivered_count image_count "
    "cost p50_duration p95_duration",
    admin_pb2.Target: "priority weight admin_state health_state return_time consecutive_failure_count "
    "last_error why_out",
    adapter_pb2.GenerateRequest: "attempt_id provider_model image resume_provider_job_id account",
    capability_pb2.Capability: "operations sizes max_image_count max_reference_count mask media_types prices "
    "parameters",
}

REASONS = """
INVALID_FIELD INPUT_UNREADABLE CONTENT_BLOCKED MODEL_NOT_FOUND CALLER_UNKNOWN CALLER_FORBIDDEN UNSUPPORTED RATE_LIMITED
QUOTA_EXHAUSTED PROVIDER_AUTH_FAILED PROVIDER_MODEL_GONE PROVIDER_UNAVAILABLE PROVIDER_ANSWER_INVALID MEDIA_INVALID
PROVIDER_TIMEOUT INTERNAL NO_TARGET OVERLOADED
"""

VALUES = {
    request_pb2.Strict: "STRICT_OFF STRICT_REPORT STRICT_REFUSE",
    event_pb2.Outcome: "OUTCOME_NOT_SENT OUTCOME_REFUSED OUTCOME_ACCEPTED OUTCOME_DELIVERED",
    event_pb2.Billed: "BILLED_YES BILLED_NO BILLED_UNKNOWN",
    event_pb2.AdjustmentMode: "ADJUSTMENT_MODE_PASSTHROUGH ADJUSTMENT_MODE_RENAMED ADJUSTMENT_MODE_CONVERTED "
    "ADJUSTMENT_MODE_EMULATED",
    admin_pb2.AdminState: "ADMIN_STATE_ENABLED ADMIN_STATE_DRAINING ADMIN_STATE_DISABLED",
    reason_pb2.ErrorReason: " ".join(f"ERROR_REASON_{name}" for name in REASONS.split()),
}


@pytest.mark.parametrize(("file", "services"), METHODS.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_services_have_their_methods(file: object, services: dict[str, str]) -> None:
    """Every method that later work needs is in the contract from the first day."""
    for service, methods in services.items():
        found = file.DESCRIPTOR.services_by_name[service]  # type: ignore[attr-defined]
        assert {method.name for method in found.methods} >= set(methods.split())


@pytest.mark.parametrize(("message", "fields"), FIELDS.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_messages_have_their_fields(message: type, fields: str) -> None:
    """Every field that later work needs is in the contract from the first day."""
    assert set(message.DESCRIPTOR.fields_by_name) >= set(fields.split())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("enum", "values"),
    VALUES.items(),
    ids=lambda item: getattr(item, "DESCRIPTOR", item).name if hasattr(item, "DESCRIPTOR") else "",
)
def test_enums_have_their_values(enum: object, values: str) -> None:
    """Closed sets are complete."""
    assert set(enum.keys()) >= set(values.split())  # type: ignore[attr-defined]


def test_no_unsigned_integers() -> None:
    """Unsigned integers are trouble in half of the languages that speak to us."""
    unsigned = {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED32}
    for file in (request_pb2, media_pb2, event_pb2, capability_pb2, adapter_pb2, router_pb2, admin_pb2, ledger_pb2):
        for message in file.DESCRIPTOR.message_types_by_name.values():
            assert not [field.full_name for field in message.fields if field.type in unsigned]


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.name)
def test_other_languages_have_their_packages(path: Path) -> None:
    """Go and Java users generate without options of their own."""
    text = path.read_text(encoding="utf-8")
    package = "/".join(path.relative_to(ROOT / "protos").parts[:-1])
    assert f'option go_package = "github.com/heliostat/heliostat/gen/go/{package};' in text
    assert "option java_package = " in text


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    """What is committed is what the contracts say."""
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", "-Iprotos", "-Iprotos/vendor"),
        *(f"--{kind}={tmp_path}" for kind in ("python_out", "pyi_out", "grpc_python_out")),
        *(str(path.relative_to(ROOT)) for path in PROTOS),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    committed = {path.relative_to(ROOT / "protos/gen"): path for path in (ROOT / "protos/gen").rglob("*.py*")}
    committed = {name: path for name, path in committed.items() if "__pycache__" not in name.parts}
    for name, path in committed.items():
        assert path.read_bytes() == (tmp_path / name).read_bytes(), f"{name} is stale: run make protos"
    generated = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*")}
    empty = {name for name in generated - set(committed) if b"Servicer" not in (tmp_path / name).read_bytes()}
    assert generated - set(committed) == empty


def test_contracts_pass_buf() -> None:
    """Lint with comments on everything, and the canonical form."""
    buf = Path(sys.executable).with_name("buf")
    for arguments in (["lint"], ["format", "--diff", "--exit-code", "--path", "protos/heliostat"]):
        done = subprocess.run([buf, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
