"""Public test kit: conformance suites, fakes and builders for whoever implements a port."""
