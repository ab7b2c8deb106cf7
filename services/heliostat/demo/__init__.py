"""`make demo`: what a gateway is for, told in a terminal in a minute, on a sandbox of its own."""
