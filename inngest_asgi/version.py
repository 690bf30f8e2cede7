"""The version of this package, the only place where it stands."""

VERSION = "0.1.0"
