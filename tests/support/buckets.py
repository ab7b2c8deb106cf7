"""An S3 emulator of the test run's own, on loopback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def bucket_server() -> Iterator[tuple[str, int]]:
    """(host, port) of a running emulator with the bucket "pictures"."""
    moto = pytest.importorskip("moto.server")
    import boto3

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with credentials(port):
            boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="pictures")
        yield host, port
    finally:
        server.stop()


@contextmanager
def credentials(port: int) -> Iterator[None]:
    """The usual variables lead to an emulator at that port of 127.0.0.1."""
    endpoint = f"http://127.0.0.1:{port}"
    told = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
