"""The benchmark of `make bench`: Heliostat beside its peers, in one interleaved run on one machine."""
