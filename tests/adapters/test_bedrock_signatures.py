"""Signature Version 4: AWS's own published examples, and what botocore signs."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocores

from heliostat.adapters.bedrock.signature import Credentials, sign

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = Credentials("AKIDEXAMPLE", SECRET)
# Of AWS's test suite for Signature Version 4; it is nobody's.
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuw"
    "thAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHN"
    "VXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxB"
    "A=="
)
TEMPORARY = Credentials("AKIDEXAMPLE", SECRET, TOKEN)
WHEN = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
HOST = "https://example.amazonaws.com"
PLAIN = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = "application/x-www-form-urlencoded"

# Name in the test suite, method, address, headers, body, key, signature.
VECTORS: list[tuple[str, str, str, dict[str, str], bytes, Credentials, str]] = [
    ("get-vanilla", "GET", "/", {}, b"", KEY, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("post-vanilla", "POST", "/", {}, b"", KEY, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    (
        *("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", {}, b"", KEY),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        *("get-vanilla-empty-query-key", "GET", "/?Param1=value1", {}, b"", KEY),
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    (
        *("get-vanilla-query-unreserved", "GET", f"/?{PLAIN}={PLAIN}", {}, b"", KEY),
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    (
        *("get-vanilla-utf8-query", "GET", "/?\u1234=bar", {}, b"", KEY),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    ("get-utf8", "GET", "/\u1234", {}, b"", KEY, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    (
        *("get-unreserved", "GET", f"/{PLAIN}", {}, b"", KEY),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        *("get-space", "GET", "/example space/", {}, b"", KEY),
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    (
        *("get-header-value-trim", "GET", "/", {"My-Header1": " value1", "My-Header2": ' "a   b   c"'}, b"", KEY),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        *("get-header-value-order", "GET", "/", {"My-Header1": "value4,value1,value3,value2"}, b"", KEY),
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    (
        *("post-header-key-sort", "POST", "/", {"My-Header1": "value1"}, b"", KEY),
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        *("post-header-value-case", "POST", "/", {"My-Header1": "VALUE1"}, b"", KEY),
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    (
        *("post-x-www-form-urlencoded", "POST", "/", {"Content-Type": FORM}, b"Param1=value1", KEY),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    (
        *("post-sts-header-before", "POST", "/", {}, b"", TEMPORARY),
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
]


def signature(headers: dict[str, str]) -> str:
    """The last part of the header."""
    return headers["authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[0])
def test_the_test_suite_of_aws(vector: tuple[Any, ...]) -> None:
    """To the letter."""
    _, method, place, headers, body, key, wanted = vector
    made = sign(method, HOST + place, headers, body, key, region="us-east-1", service="service", time_unix=WHEN)
    assert signature(made) == wanted
    assert made["x-amz-date"] == "20150830T123600Z"


def test_the_worked_example_of_awss_reference() -> None:
    """IAM's ListUsers: the header as a whole."""
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
    typed = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    made = sign("GET", url, typed, b"", KEY, region="us-east-1", service="iam", time_unix=WHEN)
    assert made["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.us-west-2.amazonaws.com/model/stability.stable-image-core-v1%3A1/invoke",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.stability.stable-image-inpaint-v1%3A0/invoke",
        "http://127.0.0.1:8090/bedrock/model/amazon.nova-canvas-v1%3A0/invoke",
        "https://vpce-1.example.com:8443/model/a/invoke?b=2&a=1%2F2&a=0",
    ],
)
@pytest.mark.parametrize("token", ["", "a/token+with=signs"])
@pytest.mark.parametrize("body", [b"", b'{"prompt":"a fox"}', bytes(range(256)) * 300])
def test_botocore_signs_alike(url: str, token: str, body: bytes) -> None:
    """The colon of a model's id is encoded twice in what is signed; ports and tokens are part of it."""
    request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
    SigV4Auth(Botocores("AKIAEXAMPLE", SECRET, token or None), "bedrock", "us-west-2").add_auth(request)
    date = request.headers["X-Amz-Date"]
    when = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    key = Credentials("AKIAEXAMPLE", SECRET, token)
    typed = {"content-type": "application/json"}
    made = sign("POST", url, typed, body, key, region="us-west-2", service="bedrock", time_unix=when)
    assert made["authorization"] == request.headers["Authorization"]
    assert made.get("x-amz-security-token", "") == token
