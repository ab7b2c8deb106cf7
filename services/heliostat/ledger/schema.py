"""The ledger's tables, the same for SQLite and PostgreSQL.

Times are micro-seconds since the epoch, money is in micro-dollars.

Protos are kept as bytes where nothing is asked of their inside: `payload` (ImageRequest, its inputs as blobs),
`error` (google.rpc.Status), `result` (ImageResult), `started` and `ended` (MediaInfo, MediaEnded), `key` (Key),
`decision` (Decision).
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, literal_column

METADATA = MetaData()

REQUESTS = Table(
    "requests",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("image_count", Integer, nullable=False),
    Column("create_time_us", BigInteger, nullable=False),
    Column("end_time_us", BigInteger),
    Column("cost_micros", BigInteger, nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("session_id", Text),
    Column("end_user_id", Text),
    Column("tags", Text),
    Column("trace_id", Text, nullable=False),
    Column("provider", Text),
    Column("provider_model", Text),
    Column("client_gone", Integer, nullable=False),
    Column("purged", Integer, nullable=False),
    Column("payload", LargeBinary),
    Column("error", LargeBinary),
    Column("result", LargeBinary),
    Column("fence", BigInteger, nullable=False),
    Column("answer_form", Text),
    Column("cancel_time_us", BigInteger),
    Index("requests_by_hash", "request_hash"),
    Index("requests_by_key", "key_id", "create_time_us"),
    Index("requests_by_model", "model", "create_time_us"),
    Index("requests_by_time", "create_time_us"),
)
# Partial indexes (requests_open, requests_with_payload, media_by_expiry) have their conditions in the migration: here
# they would import both dialects at start. A condition's value is part of its text, or the index would not be used.
IS_OPEN = REQUESTS.c.state == literal_column("1")
Index("requests_open", REQUESTS.c.owner)

# For the end of a payload's retention: rows whose payload went with their end never enter it.
Index("requests_with_payload", REQUESTS.c.end_time_us)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("attempt_id", Text, primary_key=True),
    Column("request_id", Text, nullable=False, index=True),
    Column("target", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_model", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("outcome", Integer, nullable=False),
    Column("billed", Integer, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
    Column("provider_job_id", Text, nullable=False),
    Column("status", LargeBinary),
    Column("start_time_us", BigInteger, nullable=False),
    Column("accept_time_us", BigInteger),
    Column("end_time_us", BigInteger),
    Column("image_count", Integer, nullable=False),
    Column("decision", LargeBinary),
    Column("estimated_micros", BigInteger),
    Column("computed_micros", BigInteger),
    Column("reported_micros", BigInteger),
    Column("price_version", Text),
    Column("cost_doubt", Text),
)

MEDIA = Table(
    "media",
    METADATA,
    Column("media_id", Text, primary_key=True),
    Column("request_id", Text, nullable=False, index=True),
    Column("attempt_id", Text, nullable=False),
    Column("image_index", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("create_time_us", BigInteger, nullable=False),
    Column("expire_time_us", BigInteger, nullable=False),
    Column("purged", Integer, nullable=False),
    Column("started", LargeBinary, nullable=False),
    Column("ended", LargeBinary, nullable=False),
)
IS_KEPT = MEDIA.c.purged == literal_column("0")
Index("media_by_expiry", MEDIA.c.expire_time_us)

INPUTS = Table(
    "inputs",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("blob_id", Text, primary_key=True),
    Column("expire_time_us", BigInteger, nullable=False, index=True),
)

CLAIMS = Table(
    "claims",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("request_id", Text, nullable=False),
)

KEYS = Table(
    "keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("create_time_us", BigInteger, nullable=False),
    Column("expire_time_us", BigInteger),
    Column("revoke_time_us", BigInteger),
    Column("last_use_time_us", BigInteger),
    Column("key", LargeBinary, nullable=False),
    Column("old_secret_hash", LargeBinary),
    Column("old_expire_time_us", BigInteger),
    Column("payload_retention_s", BigInteger),
    Column("metadata_retention_s", BigInteger),
)

BUDGETS = Table(
    "budgets",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("limit_micros", BigInteger, nullable=False),
)

# What is spent and reserved in the windows of budgets: `period` is "2026-11-22", "2026-11", "total" or "cap". Triggers
# of the schema count every change of an attempt's money in the commit that makes it.
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("spent_micros", BigInteger, nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
)

# What PostgreSQL locks while accounts change; any number that no other program locks in this database.
ACCOUNTS_LOCK = 0x4E110_ACC7

# What is left of requests whose rows were swept. A request is counted once, at the provider that delivered (else "");
# `asked_count` counts the requests that asked a provider, and its attempts' money and pictures stand beside it.
USAGE = Table(
    "usage",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("request_count", BigInteger, nullable=False),
    Column("success_count", BigInteger, nullable=False),
    Column("asked_count", BigInteger, nullable=False),
    Column("image_count", BigInteger, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
)

# Processes that own open requests, each until its lease ends.
OWNERS = Table(
    "owners",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("lease_time_us", BigInteger, nullable=False),
)

# Unknown attempts whose job is asked for again. `look_time_us` is empty once nobody looks any more.
LOOKUPS = Table(
    "lookups",
    METADATA,
    Column("attempt_id", Text, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("look_time_us", BigInteger, index=True),
    Column("look_count", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

# Pictures that callers sent to be used by later requests. Until `ready` is 1 the blob may not be there.
FILES = Table(
    "files",
    METADATA,
    Column("file_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("create_time_us", BigInteger, nullable=False),
    Column("expire_time_us", BigInteger, nullable=False, index=True),
    Column("ready", Integer, nullable=False),
    Index("files_by_key", "key_id", "create_time_us"),
)
