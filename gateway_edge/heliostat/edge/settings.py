"""`edge:` in the config file."""

from typing import Literal

from pydantic import Field

from heliostat.chassis.settings import PartSettings

MIB = 1024 * 1024


class EdgeSettings(PartSettings):
    """The REST side: where it listens, whom it asks, and how much it takes."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(8080, ge=0, le=65_535)
    """Port to listen on; 0 lets the system choose one."""
    router: str = "local:ledger"
    """Address of the RouterService to ask: the ledger, as a rule."""
    public_url: str = Field("", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")
    """Address under which callers reach the edge, such as https://images.example.com; picture links begin with it.
    Empty: the address it listens on."""
    console_url: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")
    """Address of the console, to which / leads. Empty: / tells where to go on."""
    pictures: Literal["stream", "store"] = "stream"
    """Where the bytes of base64 answers come from: the stream of events, or the blobs in which the ledger keeps them.
    "store" halves the bytes on the wire for an edge in a process of its own whose blobs are near."""
    request_timeout_s: float = Field(300.0, gt=0, le=3600)
    """How long a call waits for its pictures, in seconds; after that it gets a job id."""
    media_link_s: int = Field(3600, ge=1, le=604_800)
    """How long a picture link works, in seconds."""
    max_json_bytes: int = Field(MIB, ge=1024, le=64 * MIB)
    """Longest JSON body without pictures, in bytes."""
    max_json_picture_bytes: int = Field(24 * MIB, ge=1024, le=64 * MIB)
    """Longest JSON body with pictures in it, in bytes; reading 64 MiB of JSON would hold the process for 80 ms,
    so larger pictures come as multipart."""
    max_body_bytes: int = Field(64 * MIB, ge=1024, le=512 * MIB)
    """Longest body of all, in bytes."""
    inline_input_bytes: int = Field(3 * MIB, ge=0, le=4 * MIB)
    """Input pictures up to this many bytes together travel with the request, larger ones through the blobs."""
    max_head_bytes: int = Field(65_536, ge=1024, le=1_048_576)
    """Longest request head, in bytes."""
    max_header_count: int = Field(200, ge=10, le=5000)
    """Most headers of one request."""
    head_timeout_s: float = Field(20.0, gt=0, le=300)
    """How long a request head may take, in seconds."""
    body_timeout_s: float = Field(30.0, gt=0, le=600)
    """Longest silence within a body, in seconds."""
    heartbeat_s: float = Field(15.0, gt=0, le=300)
    """Longest silence of a stream of events, in seconds: then a comment is sent. Its head waits at most as long."""
    stall_s: float = Field(30.0, gt=0, le=3600)
    """How long a caller may take nothing of its stream of events, in seconds; then the connection is cut."""
    keep_alive_s: int = Field(75, ge=1, le=3600)
    """How long an idle connection is kept, in seconds."""
    drain_s: float = Field(20.0, ge=0, le=3600)
    """How long requests may go on after a stop, in seconds; those that wait for pictures then get a job id."""
