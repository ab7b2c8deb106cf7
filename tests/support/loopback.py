"""What clients of plain HTTP on loopback are given as `verify`: reading all the world's certificates takes 50 ms, and
thousands of tests have a client each.
"""

import ssl

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody."""
