"""Certificates of the mesh: read from files, read again when a file changes, no restart."""

from pathlib import Path

import grpc

from heliostat.chassis.settings import TlsSettings


class Certificates:
    """The PEM files of one process."""

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._files = [Path(name) for name in (settings.certificate, settings.key, settings.authority) if name]
        self._seen: tuple[tuple[int, int], ...] = ()

    @property
    def enabled(self) -> bool:
        """True where this process has a certificate."""
        return bool(self._settings.certificate)

    @property
    def server_name(self) -> str:
        """Name that peers' certificates carry; empty: their address."""
        return self._settings.server_name

    def changed(self) -> bool:
        """True when a file is not what it was at the last look; a file that is missing for a moment has not changed."""
        try:
            seen = tuple((stat.st_mtime_ns, stat.st_size) for stat in (file.stat() for file in self._files))
        except OSError:
            return False
        before, self._seen = self._seen, seen
        return seen != before

    def _read(self, name: str) -> bytes | None:
        return Path(name).read_bytes() if name else None

    def for_server(self) -> grpc.ServerCredentials:
        """Credentials that follow the files at every new connection; mutual where an authority is set."""
        self.changed()

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            return self._configuration() if self.changed() else None

        return grpc.dynamic_ssl_server_credentials(
            self._configuration(), fetch, require_client_authentication=bool(self._settings.authority)
        )

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = (self._read(self._settings.key), self._read(self._settings.certificate))
        return grpc.ssl_server_certificate_configuration([pair], self._read(self._settings.authority))

    def for_channel(self) -> grpc.ChannelCredentials:
        """Credentials as the files are now."""
        return grpc.ssl_channel_credentials(
            self._read(self._settings.authority), self._read(self._settings.key), self._read(self._settings.certificate)
        )
